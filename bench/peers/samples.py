"""The sets: where each sample comes from, and how it is laid on disk for as long as it is measured.

Nothing of a sample is ever run or installed, and unpacked files are nobody's to execute.
"""

import hashlib
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import archives

UNPACKED_LIMIT = 1 << 30
"""Bytes that one archive may unpack to for the tools that read folders only."""


@dataclass(frozen=True)
class Sample:
    """One archive of a set."""

    set: str
    name: str
    lay: Callable[[Path], Path]
    """Writes it into the folder, or tells where it is, and returns its path."""
    repeats: int = 1


def techniques(program: Path) -> list[Sample]:
    """The technique corpus, what of it is held out (known by number alone), and its look-alikes."""
    told = subprocess.run([program, "--json"], check=True, capture_output=True, text=True).stdout
    return [one_technique(program, json.loads(line)) for line in told.splitlines()]


def one_technique(program: Path, told: dict) -> Sample:
    kind, number = told["set"], str(told["number"])

    def lay(folder: Path) -> Path:
        written = subprocess.run(
            [program, "--write", kind, number, folder], check=True, capture_output=True, text=True
        )
        return Path(written.stdout.strip())

    return Sample(kind, number if kind == "held-out" else told["name"], lay)


def built() -> list[Sample]:
    """The broken archives, and the honest ones."""

    def sample(kind: str, name: str, file: str, make: Callable[[], bytes]) -> Sample:
        def lay(folder: Path) -> Path:
            path = folder / file
            path.write_bytes(make())
            return path

        return Sample(kind, name, lay)

    sets = [("archives", archives.HOSTILE), ("honest-archives", archives.HONEST)]
    return [sample(kind, name, *how) for kind, all in sets for name, how in all.items()]


def benign(folder: Path) -> list[Sample]:
    """Files of popular projects, in an order that has nothing to do with their names, so that the
    first of them are a fair sample of all."""
    files = [path for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz", ".zip"))]
    files.sort(key=lambda path: hashlib.sha256(path.name.encode()).digest())
    return [Sample("benign", path.name, lambda _, path=path: path) for path in files]


def single(files: list[Path]) -> list[Sample]:
    """Single files, three times each."""
    return [Sample("single", path.name, lambda _, path=path: path, 3) for path in files]


def members(path: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Names, sizes and contents of the files in an archive, as Python's own modules read it."""
    if path.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, lambda info=info: archive.read(info)
    else:
        with tarfile.open(path) as archive:
            for info in archive:
                if info.isfile():
                    yield info.name, info.size, lambda info=info: archive.extractfile(info).read()


def python_bytes(path: Path) -> int:
    """How much Python is in an archive, by the names of its files."""
    return sum(size for name, size, _ in members(path) if name.endswith(".py"))


def unpack(path: Path, folder: Path) -> None:
    """Unpacks what can be: whatever a name says, the file stays below `folder`; a later file of the
    same name replaces an earlier one, and a member that cannot be read is left out.

    Raises what `zipfile` and `tarfile` raise where they cannot read the archive at all.
    """
    room = UNPACKED_LIMIT
    folder.mkdir()
    for name, size, read in members(path):
        room -= size
        if room < 0:
            raise ValueError("unpacks to more than the limit")
        try:
            place = folder.joinpath(*(part for part in PurePosixPath(name).parts if inside(part)))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(read())
        except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
            continue


def inside(part: str) -> bool:
    return part not in ("/", "//", "..", ".") and "\0" not in part
