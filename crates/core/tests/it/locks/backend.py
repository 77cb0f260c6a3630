"""A build backend of the standard library alone, so that every installer can build what lies in a folder or a
repository without asking an index for one."""
import base64
import hashlib
import tomllib
import zipfile
from pathlib import Path


def _files():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    info = f"{project['name']}-{project['version']}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in project.get("dependencies", []))
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    return info, {f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}


def prepare_metadata_for_build_wheel(directory, config_settings=None):
    info, files = _files()
    for path, text in files.items():
        target = Path(directory, path)
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    return info


def build_wheel(directory, config_settings=None, metadata_directory=None):
    info, files = _files()
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    name = info.removesuffix(".dist-info") + "-py3-none-any.whl"
    with zipfile.ZipFile(Path(directory, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
build_editable = build_wheel
