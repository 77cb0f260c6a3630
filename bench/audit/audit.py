"""Measures `portcullis audit` beside pip-audit and `uv audit`, in one run and from a cold start.

    python3 bench/audit/audit.py --portcullis target/release/portcullis --advisories OSV.zip

200 pins are taken from the advisories themselves: half of them have a vulnerability. A gateway of our own
serves the advisories on 127.0.0.1, so that no tool waits for anybody else. pip-audit and uv come from the index
that pip is configured for, into a virtual environment beside the results. Prints a table in Markdown.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

PEERS = {"pip-audit": "2.10.1", "uv": "0.13.8"}
PINS = 200


@dataclass
class Way:
    """One tool asked in one way."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    codes: tuple[int, ...] = (1,)
    """The exit codes of a run that found something: a run that ends otherwise measures nothing."""
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    said: str = ""


def main() -> None:
    """Sets everything up, measures each way in turn, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portcullis", type=Path, required=True)
    parser.add_argument("--advisories", type=Path, required=True, help="OSV records in a zip")
    parser.add_argument("--before", type=Path, help="another build of Portcullis, measured beside it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tools", type=Path, default=Path("target/audit-bench"))
    arguments = parser.parse_args()
    program = arguments.portcullis.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        commands = set_up(arguments.tools.resolve())
        gateway, url = start_gateway(program, arguments.advisories.resolve(), folder)
        pins = write_pins(arguments.advisories, folder, f"{url}/simple")
        try:
            ways = all_ways(program, commands, url, arguments.advisories.resolve(), folder)
            if arguments.before:
                ways += ours(arguments.before.resolve(), "before: ", url, folder)
            for _ in range(arguments.rounds):
                for way in ways:
                    measure(way, folder)
        finally:
            gateway.terminate()
            gateway.wait()
        report(ways, pins)


def write_pins(archive: Path, folder: Path, index: str) -> int:
    """Writes 200 pins as requirements with hashes and as a uv project with its lock."""
    affected: dict[str, str] = {}
    with zipfile.ZipFile(archive) as records:
        for name in sorted(records.namelist()):
            if name.endswith(".json"):
                record = json.loads(records.read(name))
                for one in record.get("affected", []):
                    project = one["package"]["name"].lower().replace("_", "-").replace(".", "-")
                    versions = [v for v in one.get("versions", []) if v.replace(".", "").isdigit()]
                    if versions and not record.get("withdrawn"):
                        affected.setdefault(project, versions[0])
    vulnerable = sorted(affected.items())[: PINS // 2]
    clean = [(f"nothing-known-of-{number}", "1.0") for number in range(PINS - len(vulnerable))]
    pins = sorted(vulnerable + clean)
    digest = "0" * 64
    lines = [f"{name}=={version} --hash=sha256:{digest}\n" for name, version in pins]
    (folder / "requirements.txt").write_text("".join(lines))
    project = folder / "project"
    project.mkdir()
    wanted = "".join(f'    "{name}=={version}",\n' for name, version in pins)
    (project / "pyproject.toml").write_text(
        '[project]\nname = "bench"\nversion = "1"\nrequires-python = ">=3.8"\n'
        f"dependencies = [\n{wanted}]\n"
    )
    (project / "uv.lock").write_text(lock_of(pins, index))
    return len(pins)


def lock_of(pins: list[tuple[str, str]], url: str) -> str:
    """A uv.lock with these pins, as uv writes one. `uv audit` asks the index for the status of each project."""
    text = 'version = 1\nrevision = 3\nrequires-python = ">=3.8"\n\n'
    wanted = "".join(f'    {{ name = "{name}" }},\n' for name, _ in pins)
    required = "".join(f'    {{ name = "{n}", specifier = "=={v}" }},\n' for n, v in pins)
    packages = [("bench", "1")] + pins
    for name, version in sorted(packages):
        text += f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
        if name == "bench":
            text += f'source = {{ virtual = "." }}\ndependencies = [\n{wanted}]\n\n'
            text += f"[package.metadata]\nrequires-dist = [\n{required}]\n\n"
            continue
        file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        text += f'source = {{ registry = "{url}" }}\nwheels = [\n    {{ url = "{url}/{file}", '
        text += f'hash = "sha256:{"0" * 64}" }},\n]\n\n'
    return text


def set_up(home: Path) -> Path:
    """The folder of the commands of a virtual environment with pip-audit and uv."""
    commands = home / "bin"
    if not (commands / "pip-audit").exists():
        venv.create(home, with_pip=True)
        environment = {k: v for k, v in os.environ.items() if k != "PIP_FIND_LINKS"}
        wanted = [f"{name}=={version}" for name, version in PEERS.items()]
        install = [commands / "pip", "install", "--quiet", *wanted]
        subprocess.run(install, check=True, env=environment)
    return commands


def start_gateway(program: Path, archive: Path, folder: Path) -> tuple[subprocess.Popen, str]:
    """A gateway with these advisories and nothing behind it."""
    home = folder / "gateway"
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "portcullis.toml").write_text(
        f'listen = "127.0.0.1:{port}"\n[sources.hosted]\nkind = "hosted"\n'
        '[indexes.main]\ndefault = true\nsources = ["hosted"]\n'
    )
    quiet = {"cwd": home, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen([program, "serve"], **quiet)
    url = f"http://127.0.0.1:{port}"
    wait_for(f"{url}/livez")
    load = [program, "advisories", "update", "--from", archive]
    subprocess.run(load, check=True, **quiet)
    wait_for(f"{url}/osv/v1/vulns/PYSEC-2024-48", patience=30)
    return running, url


def wait_for(url: str, patience: float = 20) -> None:
    """Until something answers there."""
    end = time.monotonic() + patience
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).read()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def all_ways(program: Path, commands: Path, url: str, archive: Path, folder: Path) -> list[Way]:
    """Every tool, and Portcullis in each of its ways."""
    requirements = str(folder / "requirements.txt")
    update = [program, "audit", "--update", archive]
    subprocess.run(update, check=True, env=os.environ | kept(folder))
    uv = [str(commands / "uv"), "audit", "--frozen", "--project", str(folder / "project")]
    return [
        *ours(program, "", url, folder),
        Way(
            "pip-audit -s osv, the same gateway",
            [
                *[str(commands / "pip-audit"), "-s", "osv", "--osv-url", f"{url}/osv/v1/query"],
                *["-r", requirements, "--disable-pip", "--require-hashes", "-f", "json"],
                *["--progress-spinner", "off"],
            ],
        ),
        Way(
            "uv audit, the same gateway",
            [*uv, "--preview-features", "audit", "--service-url", f"{url}/osv/"],
        ),
    ]


def kept(folder: Path) -> dict[str, str]:
    """Where advisories are kept for `portcullis audit`."""
    return {"PORTCULLIS_CACHE": str(folder / "kept")}


def ours(program: Path, which: str, url: str, folder: Path) -> list[Way]:
    """Portcullis in each of its ways."""
    requirements = str(folder / "requirements.txt")
    lock = str(folder / "project" / "uv.lock")
    audit = [str(program), "audit", "--format", "json", "--max-age", "36500d"]
    name = f"{which}portcullis audit"
    return [
        Way(f"{name}, kept advisories, requirements", [*audit, requirements], kept(folder)),
        Way(f"{name}, kept advisories, uv.lock", [*audit, lock], kept(folder)),
        Way(f"{name}, a gateway", [*audit, "--gateway", url, requirements]),
    ]


def measure(way: Way, folder: Path) -> None:
    """One run with nothing kept from the run before."""
    cold = folder / "cold"
    shutil.rmtree(cold, ignore_errors=True)
    cold.mkdir()
    own = {"HOME": str(cold), "XDG_CACHE_HOME": str(cold), "UV_CACHE_DIR": str(cold / "uv")}
    environment = os.environ | own | way.environment
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    run = subprocess.run(way.command, env=environment, capture_output=True, text=True)
    way.wall.append(time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    way.cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    way.said = run.stdout + run.stderr
    if run.returncode not in way.codes:
        sys.exit(f"{way.name} ended with {run.returncode}:\n{way.said[-2000:]}")


def report(ways: list[Way], pins: int) -> None:
    """The table."""
    print(f"{pins} pins, {platform.machine()}, {os.cpu_count()} processors, {time.strftime('%F')}\n")
    print("| way | wall, median | wall, worst | CPU, median | pip-audit takes |")
    print("|---|---|---|---|---|")
    theirs = next(way for way in ways if way.name.startswith("pip-audit"))
    theirs = statistics.median(theirs.wall)
    for way in ways:
        wall, cpu = statistics.median(way.wall), statistics.median(way.cpu)
        print(
            f"| {way.name} | {wall * 1000:.0f} ms | {max(way.wall) * 1000:.0f} ms "
            f"| {cpu * 1000:.0f} ms | {theirs / wall:.1f} × |"
        )


if __name__ == "__main__":
    main()
