"""Answers for the Rust tests beside this file: JSON on stdin, JSON on stdout. The first argument says which tool
is asked; the interpreter is that of the tool's own environment.

A tool locks projects, and says of each lock what it holds: packages with name, version, where they come from,
hashes and files. What a tool has no view of its own of is exported by it, and read elsewhere."""
import functools
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path


def run(arguments, folder):
    made = subprocess.run([str(one) for one in arguments], cwd=folder, capture_output=True, text=True)
    if made.returncode != 0:
        raise RuntimeError(made.stderr[-2000:] or made.stdout[-2000:])
    return made.stdout


def tell(name, version, came="index", index=None, hashes=(), files=()):
    version = None if version is None else str(version)
    return {
        "name": name,
        "version": version,
        "from": came,
        "index": index,
        "hashes": sorted(set(hashes)),
        "files": sorted(set(files)),
    }


def repository(asked):
    """A repository with a tag and a branch, and the commit that both name."""
    folder = Path("repository").resolve()
    for path, text in asked["repository"].items():
        Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
        Path(folder, path).write_text(text, encoding="utf-8")
    who = ["-c", "user.name=a", "-c", "user.email=a@a.example"]
    run(["git", "init", "-q", "-b", "main"], folder)
    run(["git", "add", "."], folder)
    run(["git", *who, "commit", "-q", "-m", "All of it"], folder)
    run(["git", "tag", "v1"], folder)
    return folder, run(["git", "rev-parse", "HEAD"], folder).strip()


def served(folder):
    """The address at which a repository is served as plain files."""
    run(["git", "update-server-info"], folder)
    handler = functools.partial(Quiet, directory=str(folder / ".git"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/repository.git"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path):
        return super().translate_path(path.removeprefix("/repository.git"))

    def log_message(self, *_):
        pass


def each_project(asked, lock, address=Path.as_uri):
    """Asks `lock` about every project: what it answers, or why it has no answer."""
    folder, commit = repository(asked)
    git = address(folder)
    answers = []
    for number, files in enumerate(asked["projects"]):
        folder = Path(f"project{number}").resolve()
        for path, text in files:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            text = text.replace("{git}", git).replace("{commit}", commit)
            target.write_text(text, encoding="utf-8")
        try:
            answers.append(lock(folder))
        except BaseException as error:  # Tools also end themselves.
            answers.append({"refused": f"{type(error).__name__}: {error}"[-2000:]})
    return answers


def uv(asked):
    program = Path(sys.executable).with_name("uv")

    def lock(folder):
        run([program, "lock", "--quiet"], folder)
        export = [program, "export", "--quiet", "--frozen", "--all-packages", "--all-extras", "--all-groups"]
        exported = {
            name: run([*export, "--format", form], folder)
            for name, form in (
                ("pylock.toml", "pylock.toml"),
                ("requirements.txt", "requirements-txt"),
                ("bom.cdx.json", "cyclonedx1.5"),
            )
        }
        tree = run([program, "tree", "--quiet", "--frozen", "--all-groups", "--universal", "--depth", "255"], folder)
        found = re.findall(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])? v(\S+)", tree)
        text = (folder / "uv.lock").read_text(encoding="utf-8")
        return {"lock": text, "exported": exported, "tree": sorted(set(found))}

    return each_project(asked, lock)


def poetry(asked):
    from cleo.io.null_io import NullIO
    from poetry.factory import Factory
    from poetry.installation.installer import Installer
    from poetry.utils.env import EnvManager

    def origin(package, folder):
        kind, url = package.source_type, package.source_url
        if kind in (None, "legacy"):
            return "index"
        if kind == "git":
            return f"git {url} {package.source_resolved_reference}"
        if kind in ("directory", "file"):
            return f"path {os.path.relpath(url, folder)}"
        return f"{kind} {url}"

    def lock(folder):
        poetry = Factory().create_poetry(folder, disable_cache=True)
        environment = EnvManager.get_system_env(naive=True)
        installer = Installer(
            NullIO(), environment, poetry.package, poetry.locker, poetry.pool, poetry.config, disable_cache=True
        )
        installer.lock()
        if installer.run() != 0:
            raise RuntimeError("poetry did not lock")
        view = [
            tell(
                package.name,
                package.version,
                origin(package, folder.resolve()),
                package.source_url if package.source_type == "legacy" else None,
                [one["hash"] for one in package.files],
                [one["file"] for one in package.files],
            )
            for package in poetry.locker.locked_repository().packages
        ]
        return {"lock": (folder / "poetry.lock").read_text(encoding="utf-8"), "view": view}

    return each_project(asked, lock)


def pdm(asked):
    from pdm.core import Core
    from pdm.models.requirements import FileRequirement, VcsRequirement

    def origin(candidate):
        wanted = candidate.req
        if isinstance(wanted, VcsRequirement):
            return f"{wanted.vcs} {wanted.repo} {wanted.revision}"
        if isinstance(wanted, FileRequirement):
            return f"path {wanted.str_path}" if wanted.path else f"url {wanted.url}"
        return "index"

    def lock(folder):
        Core().main(["lock", "-q", "-p", str(folder), "-G", ":all"])
        Core().main(["export", "-q", "-p", str(folder), "-G", ":all", "-f", "pylock", "-o", str(folder / "pylock.toml")])
        packages = Core().create_project(folder).get_locked_repository().packages.values()
        view = [
            tell(
                one.candidate.name,
                one.candidate.version.removeprefix("=="),
                origin(one.candidate),
                None,
                [file["hash"] for file in one.candidate.hashes if "hash" in file],
                [file.get("url") or file["file"] for file in one.candidate.hashes],
            )
            for one in packages
        ]
        exported = {"pylock.toml": (folder / "pylock.toml").read_text(encoding="utf-8")}
        return {"lock": (folder / "pdm.lock").read_text(encoding="utf-8"), "view": view, "exported": exported}

    # Its addresses of files have one slash, which git takes for the name of a host.
    return each_project(asked, lock, served)


def pipenv(asked):
    from pipenv.utils.dependencies import requirements_from_lockfile

    os.environ["VIRTUAL_ENV"] = sys.prefix
    os.environ["PIPENV_YES"] = "1"

    def line(text):
        text, *hashes = text.replace("\\\n", " ").split(" --hash=")
        text, _, _ = text.partition(";")
        text = text.strip()
        if text.startswith("-e "):
            text = text[3:].strip()
        hashes = [one.strip() for one in hashes]
        if match := re.fullmatch(r"([\w.-]+)(?:\[.*\])?\s*@ git\+(\S+)@([0-9a-f]+)(?:#.*)?", text):
            return tell(match[1], None, f"git {match[2]} {match[3]}")
        if match := re.fullmatch(r"([\w.-]+)(?:\[.*\])?\s*@ (\S+)", text):
            return tell(match[1], None, f"url {match[2]}")
        if match := re.fullmatch(r"([\w.-]+)(?:\[.*\])?==([^\s*,]+)", text):
            return tell(match[1], match[2], hashes=hashes)
        if match := re.fullmatch(r"([\w-][\w.-]*)(?:\[.*\])?(?:[=<>!~].*)?", text):
            # What is not for this machine stays without a version, or as open as it was wanted.
            return tell(match[1], None, hashes=hashes)
        return tell("lib", None, f"path {text}")

    def lock(folder):
        os.environ["PIPENV_PIPFILE"] = str(folder / "Pipfile")
        # Else it checks repositories out into its own environment.
        os.environ["PIP_SRC"] = str(folder / "src")
        run([sys.executable, "-m", "pipenv", "lock", "--categories", "packages dev-packages docs"], folder)
        locked = json.loads((folder / "Pipfile.lock").read_text(encoding="utf-8"))
        sections = [section for category, section in locked.items() if category != "_meta"]
        view = [line(one) for section in sections for one in requirements_from_lockfile(section, include_hashes=True)]
        return {"lock": (folder / "Pipfile.lock").read_text(encoding="utf-8"), "view": view}

    return each_project(asked, lock)


def pip(asked):
    def lock(folder):
        program = [sys.executable, "-m", "pip", "lock", "--quiet", "--disable-pip-version-check"]
        run([*program, "-r", "requirements.in", "-o", "pylock.toml"], folder)
        return {"lock": (folder / "pylock.toml").read_text(encoding="utf-8")}

    return each_project(asked, lock)


def pylock(texts):
    """What `packaging` reads in locks of PEP 751."""
    import tomllib

    from packaging.pylock import Pylock

    def package(one):
        came, files = "index", list(one.wheels or []) + ([one.sdist] if one.sdist else [])
        if one.vcs:
            came = f"{one.vcs.type} {one.vcs.url or one.vcs.path} {one.vcs.commit_id}"
        elif one.directory:
            came = f"path {one.directory.path}"
        elif one.archive:
            came = f"url {one.archive.url}" if one.archive.url else f"path {one.archive.path}"
            files.append(one.archive)
        hashes = [f"{name}:{digest}" for file in files for name, digest in file.hashes.items()]
        named = [file.url or file.path or file.name for file in files]
        return tell(one.name, one.version, came, one.index, hashes, named)

    views = []
    for text in texts:
        try:
            views.append([package(one) for one in Pylock.from_dict(tomllib.loads(text)).packages])
        except Exception as error:
            views.append({"refused": str(error)})
    return views


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "UV_CACHE_DIR"):
        os.environ[variable] = f"{folder}/{variable.lower()}"
    for variable in list(os.environ):
        if variable.startswith(("PIP_", "UV_INDEX", "UV_DEFAULT", "PDM_", "POETRY_")) or variable == "VIRTUAL_ENV":
            del os.environ[variable]
    os.environ.update(
        {"PIP_CONFIG_FILE": os.devnull, "PDM_USE_VENV": "0", "PDM_CHECK_UPDATE": "0", "PDM_IGNORE_SAVED_PYTHON": "1"}
    )
    question = json.load(sys.stdin)
    shown = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    json.dump(globals()[sys.argv[1]](question), shown)
    shown.flush()
    os.chdir("/")
