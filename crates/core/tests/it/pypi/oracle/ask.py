"""Answers for the Rust test beside this file: one JSON object on stdin, one on stdout."""
import email
import json
import re
import sys

try:
    from packaging import __version__ as VERSION, specifiers, utils, version
except ImportError:
    from pip._vendor.packaging import specifiers, utils, version

    try:
        from pip._vendor.packaging import __version__ as VERSION
    except ImportError:
        from pip._vendor.packaging.__about__ import __version__ as VERSION

NAME = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\Z", re.IGNORECASE | re.ASCII)


def name(text):
    return utils.canonicalize_name(text) if NAME.match(text) else None


def parsed(text):
    try:
        return version.Version(text)
    except version.InvalidVersion:
        return None


def normalised(text):
    found = parsed(text)
    return None if found is None else str(found)


def order(pair):
    left, right = map(parsed, pair)
    if left is None or right is None:
        return None
    return (left > right) - (left < right)


def admits(pair):
    # One by one, since old versions of the library take what they cannot read for "legacy".
    try:
        parts = [specifiers.Specifier(part) for part in pair[0].split(",")]
    except specifiers.InvalidSpecifier:
        return None
    candidate = parsed(pair[1])
    if candidate is None:
        return None
    return all(part.contains(candidate, prereleases=True) for part in parts)


def wheel(text):
    try:
        found, release, build, tags = utils.parse_wheel_filename(text)
    except (utils.InvalidWheelFilename, version.InvalidVersion):
        return None
    build = "".join(map(str, build)) or None
    return [found, str(release), build, sorted(map(str, tags))]


def sdist(text):
    try:
        found, release = utils.parse_sdist_filename(text)
    except (utils.InvalidSdistFilename, version.InvalidVersion):
        return None
    return [found, str(release)]


def metadata(text):
    message = email.message_from_string(text)
    return {
        field: [value.strip() for value in message.get_all(field, [])]
        for field in ("Name", "Version", "Requires-Dist")
    }


QUESTIONS = [name, normalised, order, admits, wheel, sdist, metadata]

asked = json.load(sys.stdin)
answers = {ask.__name__: [ask(case) for case in asked[ask.__name__]] for ask in QUESTIONS}
answers["library"] = VERSION
json.dump(answers, sys.stdout)
