"""Answers for the Rust test beside this file: JSON on stdin, JSON on stdout. The first argument says which
tool is asked; the interpreter is that of the tool's own environment."""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def poetry(texts):
    import tomllib

    from poetry.packages.locker import Locker

    lockers = [Locker(Path("poetry.lock"), tomllib.loads(text)) for text in texts]
    return [locker._get_content_hash() for locker in lockers]


def pdm(texts):
    from pdm.core import Core

    digests = []
    for text in texts:
        Path("pyproject.toml").write_text(text, encoding="utf-8")
        digests.append("sha256:" + Core().create_project(Path.cwd()).pyproject_content_hash("sha256"))
    return digests


def pipenv(texts):
    from pipenv.project import Project

    digests = []
    for text in texts:
        Path("Pipfile").write_text(text, encoding="utf-8")
        os.environ["PIPENV_PIPFILE"] = str(Path("Pipfile").resolve())
        digests.append(Project().pipfile.calculate_hash())
    return digests


def wheel(name, version):
    """A wheel with nothing in it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: extra\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(f"wheels/{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def uv(pairs):
    """For each pair of projects: the lock of the first, and whether it is that of the second for uv."""
    program = Path(sys.executable).with_name("uv")
    Path("wheels").mkdir()
    for name in "abc":
        for version in ("1.0", "2.0", "3.1"):
            wheel(name, version)
    lock = [program, "lock", "--offline", "--no-index", "--find-links", "wheels", "--no-config"]
    answers = []
    locked = None
    for before, after in pairs:
        if before != locked:
            Path("uv.lock").unlink(missing_ok=True)
            Path("pyproject.toml").write_text(before, encoding="utf-8")
            made = subprocess.run(lock, capture_output=True, text=True)
            assert made.returncode == 0, (before, made.stderr)
            locked = before
        Path("pyproject.toml").write_text(after, encoding="utf-8")
        fresh = subprocess.run([*lock, "--check"], capture_output=True, text=True)
        answers.append([Path("uv.lock").read_text(encoding="utf-8"), fresh.returncode == 0])
    return answers


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "UV_CACHE_DIR"):
        os.environ[variable] = f"{folder}/{variable.lower()}"
    os.environ.pop("VIRTUAL_ENV", None)
    asked = json.load(sys.stdin)
    shown = sys.stdout
    sys.stdout = sys.stderr
    answer = globals()[sys.argv[1]](asked)
    json.dump(answer, shown)
    shown.flush()
    os.chdir("/")
