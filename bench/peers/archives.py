"""Archives that are wrong in one way each, built byte by byte, and honest ones beside them.

They are inert: what is Python in them assigns a number, or decodes `pass`. Written from the
formats alone (APPNOTE, ustar and pax, PEP 427 and 376), apart from the tests' own, so that a
mistake in one of the two would show.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

WHEEL = "acme_demo-1.0-py3-none-any.whl"
SDIST = "acme_demo-1.0.tar.gz"
INFO = "acme_demo-1.0.dist-info"
DATA = "acme_demo-1.0.data"
TOP = "acme_demo-1.0"
METADATA = b"Metadata-Version: 2.1\nName: acme-demo\nVersion: 1.0\nSummary: A demo\n\nText.\n"
TAGS = b"Wheel-Version: 1.0\nGenerator: demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
CODE = b"import base64\nexec(base64.b64decode('cGFzcw=='))\n"
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0" + bytes(104)
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Member:
    """A member of a zip file, with all that its two headers say of it."""

    name: bytes
    data: bytes
    stored: bytes = b""
    method: int = 8
    flags: int = 0x800
    mode: int = 0o100644
    crc: int = 0
    size: int = 0
    extra: bytes = b""
    local: dict[str, int | bytes] = field(default_factory=dict)
    """What the local header says otherwise."""
    after: bytes = b""
    at: int | None = None
    """Where the directory says that it is, if that is not where it is."""

    def __post_init__(self) -> None:
        self.stored = self.stored or deflate(self.data)
        self.crc = self.crc or zlib.crc32(self.data)
        self.size = self.size or len(self.data)

    def told(self, key: str) -> int | bytes:
        return self.local.get(key, getattr(self, key))

    def header(self) -> bytes:
        name = self.told("name")
        fixed = struct.pack(
            "<4s5H3I2H", b"PK\3\4", 20, self.told("flags"), self.told("method"), 0, 33,
            self.told("crc"), self.local.get("packed", len(self.stored)), self.told("size"),
            len(name), len(self.local.get("extra", b"")),
        )  # fmt: skip
        return fixed + name + self.local.get("extra", b"") + self.stored + self.after

    def entry(self, at: int) -> bytes:
        fixed = struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 0x314, 20, self.flags, self.method, 0, 33, self.crc,
            len(self.stored), self.size, len(self.name), len(self.extra), 0, 0, 0,
            self.mode << 16, at if self.at is None else self.at,
        )  # fmt: skip
        return fixed + self.name + self.extra


def archive(members: list[Member], *, listed: int = 0, comment: bytes = b"", before: bytes = b"",
            wide: int | None = None) -> bytes:  # fmt: skip
    """A zip file. `listed` is added to the count, `wide` to the count of its zip64 record."""
    out, entries = before, b""
    for member in members:
        entries += member.entry(len(out))
        out += member.header()
    start, count = len(out), len(members) + listed
    out += entries
    if wide is not None:
        end = len(out)
        numbers = (count + wide, count + wide, len(entries), start)
        out += struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, *numbers)
        out += struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    frame = (0, 0, count, count, len(entries), start, len(comment))
    return out + struct.pack("<4s4H2IH", b"PK\5\6", *frame) + comment


def record_line(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def parts(files: dict[str, bytes] | None = None, record: Callable[[str], str | None] = str,
          unlisted: tuple[str, ...] = ()) -> list[Member]:  # fmt: skip
    """The members of a wheel that is right but for what is asked. `record` changes RECORD."""
    own = {"acme_demo/__init__.py": b"x = 1\n", f"{INFO}/METADATA": METADATA, f"{INFO}/WHEEL": TAGS}
    all_files = own | (files or {})
    lines = [record_line(name, data) for name, data in all_files.items() if name not in unlisted]
    text = record("".join(lines) + f"{INFO}/RECORD,,\n")
    members = [Member(name.encode(), data) for name, data in all_files.items()]
    return members if text is None else [*members, Member(f"{INFO}/RECORD".encode(), text.encode())]


def wheel(files: dict[str, bytes] | None = None, **changes) -> bytes:
    return archive(parts(files, **changes))


def first(**changes) -> bytes:
    """A wheel whose first member is changed."""
    head, *rest = parts()
    return archive([replace(head, **changes), *rest])


def more(*members: Member) -> bytes:
    """A wheel with members that its RECORD knows nothing of, as names cannot all be told there."""
    return archive([*parts(), *members])


def extra(name: str) -> bytes:
    return wheel({name: b"y = 2\n"})


def cut(members: list[Member]) -> bytes:
    """Members without a directory."""
    return b"".join(member.header() for member in members)


def hidden_first() -> bytes:
    """A member that only a reader that walks the local headers meets."""
    return archive(parts(), before=cut([Member(b"acme_demo/evil.py", CODE)]))


def empty_directory() -> bytes:
    """Members in front of a directory that tells of none of them."""
    return cut(parts()) + archive([])


def overlap() -> bytes:
    members = parts()
    twin = replace(members[0], name=b"acme_demo/other.py", at=0, stored=members[0].stored)
    return archive([members[0], twin, *members[1:]])


def many_of_one() -> bytes:
    """A thousand files that are all the same megabyte."""
    kernel = Member(b"acme_demo/0.bin", bytes(1 << 20))
    directory = [replace(kernel, name=b"acme_demo/%d.bin" % i, at=0) for i in range(1000)]
    body = kernel.header() + cut(parts())
    entries = b"".join(member.entry(0) for member in directory)
    frame = (0, 0, len(directory), len(directory), len(entries), len(body), 0)
    return body + entries + struct.pack("<4s4H2IH", b"PK\5\6", *frame)


def unicode_path(name: bytes, other: bytes) -> bytes:
    told = struct.pack("<BI", 1, zlib.crc32(name)) + other
    return struct.pack("<HH", 0x7075, len(told)) + told


def metadata(old: bytes, new: bytes) -> bytes:
    return wheel({f"{INFO}/METADATA": METADATA.replace(old, new)})


def entry(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "",
          pax: dict[str, str] | None = None, mode: int = 0o644) -> bytes:  # fmt: skip
    """A tar member: header, padded data, and the pax header in front where one is asked for."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(data)
    head = b""
    if pax:
        records = b"".join(pax_record(key, value) for key, value in pax.items())
        head = entry("PaxHeaders/x", records, kind=tarfile.XHDTYPE)
    return head + info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


def pax_record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def tarball(*members: bytes, info: bytes = METADATA) -> bytes:
    return entry(f"{TOP}/PKG-INFO", info) + b"".join(members) + bytes(1024)


def sdist(*members: bytes, info: bytes = METADATA) -> bytes:
    return gzip.compress(tarball(*members, info=info), mtime=0)


def source(name: str, data: bytes = b"y = 2\n", **changes) -> bytes:
    return entry(f"{TOP}/{name}", data, **changes)


def compiled(size: int) -> bytes:
    """What Python 3.11 caches of a source of `size` bytes, without any code in it."""
    return struct.pack("<HHIII", 3495, 0x0A0D, 0, 1, size) + b"\xe3" + bytes(8)


def native_wheel() -> bytes:
    tags = TAGS.replace(b"true", b"false").replace(b"py3-none-any", b"cp311-cp311-linux_x86_64")
    return wheel({f"{INFO}/WHEEL": tags, "acme_demo/_native.so": PROGRAM})


def by_python(**options) -> bytes:
    """A wheel as Python's `zipfile` writes one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as file:
        for member in parts():
            with file.open(zipfile.ZipInfo(member.name.decode()), "w", force_zip64=True) as entry:
                entry.write(member.data)
    return out.getvalue()


def streamed(member: Member) -> Member:
    """As written where nobody can seek back: sizes and checksum behind the data (APPNOTE 4.4.4)."""
    after = struct.pack("<4s3I", b"PK\7\10", member.crc, len(member.stored), member.size)
    told = {"crc": 0, "size": 0, "packed": 0}
    return replace(member, flags=member.flags | 8, local=told, after=after)


INIT = b"acme_demo/__init__.py"
EVIL = Member(b"acme_demo/evil.py", CODE)
LINK = {"kind": tarfile.SYMTYPE}

HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zip/a-name-twice": (WHEEL, lambda: more(Member(INIT, CODE))),
    "zip/parent-folder": (WHEEL, lambda: extra("../evil.py")),
    "zip/parent-folder-inside": (WHEEL, lambda: extra("acme_demo/../../evil.py")),
    "zip/absolute-name": (WHEEL, lambda: extra("/etc/cron.d/job")),
    "zip/drive": (WHEEL, lambda: extra("C:/evil.py")),
    "zip/backslashes": (WHEEL, lambda: extra("..\\..\\evil.py")),
    "zip/nul-in-a-name": (WHEEL, lambda: more(Member(b"acme_demo/a.py\0.txt", b"y = 2\n"))),
    "zip/names-differ-in-case": (WHEEL, lambda: extra("acme_demo/__INIT__.py")),
    "zip/names-differ-in-composition": (
        WHEEL, lambda: wheel({"acme_demo/\u00e4.py": b"", "acme_demo/a\u0308.py": b"y = 2\n"})),
    "zip/a-file-that-is-a-folder": (WHEEL, lambda: extra("acme_demo")),
    "zip/device-name": (WHEEL, lambda: extra("acme_demo/NUL")),
    "zip/another-name-in-an-extra-field": (
        WHEEL, lambda: first(extra=unicode_path(INIT, b"evil.py"))),
    "zip/local-name-differs": (WHEEL, lambda: first(local={"name": b"acme_demo/__evil__.py"})),
    "zip/local-method-differs": (WHEEL, lambda: first(local={"method": 0})),
    "zip/local-size-differs": (WHEEL, lambda: first(local={"size": 600})),
    "zip/local-checksum-differs": (WHEEL, lambda: first(local={"crc": 7})),
    "zip/local-says-encrypted": (WHEEL, lambda: first(local={"flags": 0x801})),
    "zip/checksum-wrong": (WHEEL, lambda: first(crc=7)),
    "zip/data-longer-than-told": (WHEEL, lambda: first(stored=deflate(b"x = 1\n" * 50))),
    "zip/bytes-behind-a-stream": (WHEEL, lambda: first(stored=deflate(b"x = 1\n") + CODE)),
    "zip/data-in-front": (WHEEL, lambda: b"#!/bin/sh\nexit 0\n" + wheel()),
    "zip/two-archives": (WHEEL, lambda: wheel({"acme_demo/evil.py": CODE}) + wheel()),
    "zip/an-archive-as-comment": (
        WHEEL, lambda: archive(parts(), comment=wheel({"acme_demo/evil.py": CODE}))),
    "zip/data-behind": (WHEEL, lambda: wheel() + CODE),
    "zip/data-between": (WHEEL, lambda: first(after=CODE)),
    "zip/member-hidden-between": (WHEEL, lambda: first(after=EVIL.header())),
    "zip/member-hidden-in-front": (WHEEL, hidden_first),
    "zip/empty-directory": (WHEEL, empty_directory),
    "zip/one-member-uncounted": (WHEEL, lambda: archive([*parts(), EVIL], listed=-1)),
    "zip/zip64-counts-otherwise": (WHEEL, lambda: archive(parts(), wide=-1)),
    "zip/overlapping-members": (WHEEL, overlap),
    "zip/encrypted": (WHEEL, lambda: first(flags=0x801, local={"flags": 0x801})),
    "zip/another-compression": (WHEEL, lambda: first(method=12)),
    "zip/bomb": (WHEEL, lambda: wheel({"acme_demo/zeros.bin": bytes(80_000_000)})),
    "zip/bomb-of-overlaps": (WHEEL, many_of_one),
    "zip/symbolic-link": (
        WHEEL, lambda: more(Member(b"acme_demo/link", b"/etc/passwd", mode=0o120777))),
    "zip/setuid": (WHEEL, lambda: first(mode=0o104755)),
    "wheel/no-record": (WHEEL, lambda: wheel(record=lambda text: None)),
    "wheel/unlisted-module": (
        WHEEL, lambda: wheel({"acme_demo/evil.py": CODE}, unlisted=("acme_demo/evil.py",))),
    "wheel/record-names-other-bytes": (
        WHEEL, lambda: wheel(record=lambda text: text.replace("sha256=nia_", "sha256=AAAA", 1))),
    "wheel/record-hash-malformed": (
        WHEEL, lambda: wheel(record=lambda text: text.replace("sha256=", "sha256=AAAA", 1))),
    "wheel/record-of-another-size": (
        WHEEL, lambda: wheel(record=lambda text: text.replace(",6\n", ",600\n", 1))),
    "wheel/metadata-of-another-project": (WHEEL, lambda: metadata(b"acme-demo", b"acme-other")),
    "wheel/metadata-of-another-version": (WHEEL, lambda: metadata(b"1.0\nS", b"1.1\nS")),
    "wheel/two-info-folders": (
        WHEEL, lambda: wheel({"acme_other-2.0.dist-info/METADATA": METADATA})),
    "wheel/import-in-a-pth-file": (
        WHEEL, lambda: wheel({"acme_demo.pth": CODE.replace(b"\n", b"; ", 1)})),
    "wheel/sitecustomize": (WHEEL, lambda: wheel({"sitecustomize.py": CODE})),
    "wheel/script-named-as-a-tool": (
        WHEEL, lambda: wheel({f"{DATA}/scripts/pip": b"#!python\n" + CODE})),
    "wheel/data-into-the-environment": (
        WHEEL, lambda: wheel({f"{DATA}/data/bin/python3": b"#!/bin/sh\nexit 0\n"})),
    "wheel/native-code-in-a-pure-wheel": (
        WHEEL, lambda: wheel({"acme_demo/_native.so": PROGRAM})),
    "wheel/program-named-as-a-picture": (WHEEL, lambda: wheel({"acme_demo/logo.png": PROGRAM})),
    "wheel/code-named-as-a-picture": (WHEEL, lambda: wheel({"acme_demo/logo.jpg": CODE})),
    "wheel/code-behind-a-picture": (WHEEL, lambda: wheel({"acme_demo/logo.png": PICTURE + CODE})),
    "wheel/python-that-is-a-zip-file": (
        WHEEL, lambda: wheel({"acme_demo/run.py": b"x = 1\n" + wheel()})),
    "wheel/compiled-without-source": (WHEEL, lambda: wheel({"acme_demo/secret.pyc": compiled(6)})),
    "wheel/compiled-from-another-source": (
        WHEEL,
        lambda: wheel({"acme_demo/__pycache__/__init__.cpython-311.pyc": compiled(7)})),
    "tar/link-out": (SDIST, lambda: sdist(source("link", b"", link="../../etc/passwd", **LINK))),
    "tar/hard-link-out": (
        SDIST, lambda: sdist(source("link", b"", kind=tarfile.LNKTYPE, link="../secret"))),
    "tar/file-through-a-link": (
        SDIST, lambda: sdist(source("sub", b"", link="/tmp", **LINK), source("sub/evil.py"))),
    "tar/device": (SDIST, lambda: sdist(source("null", b"", kind=tarfile.CHRTYPE))),
    "tar/parent-folder": (SDIST, lambda: sdist(source("../../evil.py"))),
    "tar/absolute-name": (SDIST, lambda: sdist(entry("/etc/cron.d/job", b"y = 2\n"))),
    "tar/a-name-twice": (SDIST, lambda: sdist(source("a.py"), source("a.py", CODE))),
    "tar/another-name-in-pax": (
        SDIST, lambda: sdist(source("README", CODE, pax={"path": f"{TOP}/setup.py"}))),
    "tar/another-size-in-pax": (
        SDIST, lambda: sdist(source("a.txt", pax={"size": "512"}), source("evil.py", CODE))),
    "tar/data-behind-the-end": (
        SDIST, lambda: gzip.compress(tarball() + source("evil.py", CODE) + bytes(1024))),
    "tar/a-second-stream": (
        SDIST, lambda: sdist() + gzip.compress(source("evil.py", CODE) + bytes(1024))),
    "tar/bytes-behind-the-stream": (SDIST, lambda: sdist() + CODE),
    "tar/setuid": (SDIST, lambda: sdist(source("run", mode=0o4755))),
    "tar/bomb": (SDIST, lambda: sdist(source("zeros.bin", bytes(80_000_000)))),
    "tar/metadata-of-another-project": (
        SDIST, lambda: sdist(info=METADATA.replace(b"acme-demo", b"acme-other"))),
}  # fmt: skip

HONEST: dict[str, tuple[str, Callable[[], bytes]]] = {
    "wheel/plain": (WHEEL, wheel),
    "wheel/written-by-python": (WHEEL, by_python),
    "wheel/deflated-by-python": (WHEEL, lambda: by_python(compression=zipfile.ZIP_DEFLATED)),
    "wheel/streamed": (WHEEL, lambda: archive([streamed(member) for member in parts()])),
    "wheel/zip64": (WHEEL, lambda: archive(parts(), wide=0)),
    "wheel/comment": (WHEEL, lambda: archive(parts(), comment=b"built by hand")),
    "wheel/native": (WHEEL.replace("py3-none-any", "cp311-cp311-linux_x86_64"), native_wheel),
    "wheel/picture": (WHEEL, lambda: wheel({"acme_demo/logo.png": PICTURE})),
    "sdist/plain": (SDIST, lambda: sdist(source("acme_demo/__init__.py"))),
    "sdist/long-names": (
        SDIST, lambda: sdist(source("a.py", pax={"path": f"{TOP}/{'d' * 120}/a.py"}))),
    "sdist/times": (SDIST, lambda: sdist(source("a.py", pax={"mtime": "1700000000.25"}))),
    "sdist/link-inside": (SDIST, lambda: sdist(source("link", b"", link="PKG-INFO", **LINK))),
}  # fmt: skip
