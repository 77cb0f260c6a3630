"""Answers for the Rust test beside this file, by pip's own parser: a list of texts on stdin, one JSON object on
stdout. What pip refuses is answered with its reason."""
import json
import os
import re
import sys
import tempfile

import pip
from pip._internal.req.req_file import RequirementsFileParser, get_line_parser
from pip._vendor.packaging.markers import Marker
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name


def requirement(line):
    text = line.requirement
    hashes = sorted(
        f"{algorithm}:{digest}"
        for algorithm, digests in (getattr(line.opts, "hashes", None) or {}).items()
        for digest in digests
    )
    if line.is_editable or text.startswith(("./", "../")):
        return {"path": re.sub(r"\[[^\]]+\]$", "", text.strip()), "hashes": hashes}
    if "://" in text and "@ " not in text:
        url, _, marker = text.partition("; ")
        marker = str(Marker(marker.strip())) if marker.strip() else None
        return {"url": url.strip(), "marker": marker, "hashes": hashes}
    parsed = Requirement(text)
    if parsed.url is not None:
        answer = {"name": canonicalize_name(parsed.name), "url": parsed.url}
    else:
        answer = {
            "name": canonicalize_name(parsed.name),
            "specifiers": sorted(str(one) for one in parsed.specifier),
        }
    marker = str(parsed.marker) if parsed.marker is not None else None
    return {**answer, "marker": marker, "hashes": hashes}


def options(opts):
    found = [["index-url", opts.index_url]] if opts.index_url else []
    for name, values in (
        ("extra-index-url", opts.extra_index_urls),
        ("find-links", opts.find_links),
        ("trusted-host", opts.trusted_hosts),
    ):
        found += [[name, value] for value in values or []]
    for name, value in (
        ("pre", opts.pre),
        ("no-index", opts.no_index),
        ("prefer-binary", opts.prefer_binary),
        ("require-hashes", opts.require_hashes),
    ):
        found += [[name, "true"]] if value else []
    found += [["requirement", value] for value in opts.requirements or []]
    found += [["constraint", value] for value in opts.constraints or []]
    return found


def answer(path, text):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    wanted, given = [], []
    try:
        for line in RequirementsFileParser(None, get_line_parser(None))._parse_file(path, False):
            if line.requirement if hasattr(type(line), "requirement") else line.is_requirement:
                wanted.append(requirement(line))
            else:
                given += options(line.opts)
    except Exception as error:  # Whatever it is, pip installs nothing of the file.
        return {"refused": str(error)[:200]}
    # A flag that is given twice is given.
    given = sorted(given)
    once = [one for at, one in enumerate(given) if one[1] != "true" or one not in given[:at]]
    return {"wanted": wanted, "options": once}


with tempfile.TemporaryDirectory() as folder:
    sys.stderr = open(os.devnull, "w", encoding="utf-8")
    place = os.path.join(folder, "requirements.txt")
    answers = [answer(place, text) for text in json.load(sys.stdin)]
    json.dump({"pip": pip.__version__, "answers": answers}, sys.stdout)
