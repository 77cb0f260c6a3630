"""The scanners: how each is set up, how it is asked about one archive, and what its answer means.

The bars are those that each one's own documentation recommends, and one beside it.
"""

import hashlib
import json
import os
import subprocess
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from running import Run

PEERS = {"guarddog": "3.2.0", "hexora": "0.3.2"}

HEXORA_NOISE = "HX5020,HX5030,HX5040,HX5050,HX5060"
"""The rules about imports that hexora's documentation leaves out for installed packages."""


@dataclass(frozen=True)
class Answer:
    """What a tool makes of one sample."""

    bars: dict[str, bool]
    """Whether each of the tool's bars is reached."""
    refused: str = ""
    """Why there is no answer: the tool could not or would not read the sample."""


@dataclass(frozen=True)
class Tool:
    """A scanner, ready to be asked."""

    name: str
    version: str
    key: str
    """Differs between builds of one version, so that a new build is measured anew."""
    bars: tuple[str, str]
    """The recommended bar first."""
    takes_folders: bool
    """It reads folders, not archives: the sample is unpacked for it, which costs it nothing."""
    command: Callable[[str], list[str]]
    judge: Callable[[Run], Answer]


def set_up(tool: str, folder: Path) -> Path:
    """The folder of the commands of a virtual environment that holds `tool`."""
    home = folder / f"{tool}-{PEERS[tool]}"
    commands = home / "bin"
    if not (commands / tool).exists():
        venv.create(home, with_pip=True)
        environment = {k: v for k, v in os.environ.items() if k != "PIP_FIND_LINKS"}
        install = [commands / "pip", "install", "--quiet", f"{tool}=={PEERS[tool]}"]
        subprocess.run(install, check=True, env=environment)
    return commands


def guarddog(folder: Path) -> Tool:
    """GuardDog, from the package index that pip is configured for."""
    commands = set_up("guarddog", folder)
    keep_lists_as_they_came(commands.parent)

    def command(path: str) -> list[str]:
        return [str(commands / "guarddog"), "pypi", "scan", path, "--output-format", "json"]

    def judge(run: Run) -> Answer:
        answers = [line for line in run.out.splitlines() if line.startswith("{")]
        if run.code < 0 or not answers:
            return Answer({"score ≥ 5": False, "any risk": False}, last_line(run))
        score = json.loads(answers[-1])["risk_score"]["score"]
        return Answer({"score ≥ 5": score >= 5, "any risk": score > 0})

    version = PEERS["guarddog"]
    return Tool("GuardDog", version, version, ("score ≥ 5", "any risk"), False, command, judge)


def keep_lists_as_they_came(home: Path) -> None:
    """GuardDog fetches its lists of names anew when they are old. They play no part here."""
    for path in home.glob("lib/*/site-packages/guarddog/analyzer/metadata/resources/top_*.json"):
        known = json.loads(path.read_text())
        if isinstance(known, dict) and "downloaded_timestamp" in known:
            known["downloaded_timestamp"] = int(time.time())
            path.write_text(json.dumps(known))


def hexora(folder: Path) -> Tool:
    """hexora, from the package index that pip is configured for."""
    commands = set_up("hexora", folder)

    def command(path: str) -> list[str]:
        quiet = ["--exclude", HEXORA_NOISE, "--output-format", "json"]
        return [str(commands / "hexora"), "audit", *quiet, path]

    def judge(run: Run) -> Answer:
        if run.code != 0 and "No Python files found" not in run.err:
            return Answer({"high": False, "very high": False}, last_line(run))
        lines = [json.loads(line) for line in run.out.splitlines() if line.startswith("{")]
        levels = {line["confidence"] for line in lines}
        very = "very_high" in levels
        return Answer({"high": very or "high" in levels, "very high": very})

    version = PEERS["hexora"]
    return Tool("hexora", version, version, ("high", "very high"), True, command, judge)


def portcullis(program: Path) -> Tool:
    """`portcullis scan` as it was built."""
    asked = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    version = asked.stdout.split()[1]
    build = hashlib.sha256(program.read_bytes()).hexdigest()[:8]

    def command(path: str) -> list[str]:
        return [str(program), "scan", "--format", "json", path]

    def judge(run: Run) -> Answer:
        if run.code not in (0, 1, 3) or not run.out.startswith("{"):
            return Answer({"hold or deny": False, "deny": False}, last_line(run))
        answer = json.loads(run.out)
        verdict = answer["verdict"]
        stops = verdict in ("hold", "deny")
        refused = answer.get("error", "")
        return Answer({"hold or deny": stops, "deny": verdict == "deny"}, refused)

    key = f"{version}+{build}"
    return Tool("Portcullis", version, key, ("hold or deny", "deny"), False, command, judge)


def last_line(run: Run) -> str:
    """The end of what a failed run said, short enough for a line of results."""
    lines = [line for line in run.err.splitlines() if line.strip()]
    return (lines[-1] if lines else f"exit code {run.code}")[:200]
