"""One command with limits, without a network, and what it cost: CPU seconds and peak memory.

Wall time is a backstop and never a result, so that a busy machine does not change what is told.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CPU_LIMIT = 240
"""CPU seconds that one command may take."""

WALL_LIMIT = 1800
"""Seconds after which it is stopped, whatever it does."""

OFFLINE = ["unshare", "--map-root-user", "--net"]
"""No tool may ask anybody: what it says is to depend on the sample alone."""


@dataclass(frozen=True)
class Run:
    """What a command said and what it cost, its own children included."""

    code: int
    """Its exit code; negative: the signal that ended it."""
    out: str
    err: str
    cpu: float
    """Seconds, user and system."""
    peak_mb: float
    """The largest resident set of any one of its processes, in MB (10^6)."""


def run(command: list[str], scratch: Path) -> Run:
    """Runs `command` with `scratch` as its home and its folder for temporary files."""
    report = scratch / "report.json"
    launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("measured.py"))]
    whole = [*launcher, str(report), str(CPU_LIMIT), *OFFLINE, *command]
    environment = {"PATH": os.environ["PATH"], "HOME": str(scratch), "TMPDIR": str(scratch)}
    process = subprocess.Popen(
        whole,
        cwd=scratch,
        env=environment | {"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=WALL_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Run(-signal.SIGKILL, "", "stopped after the limit", 0.0, 0.0)
    told = json.loads(report.read_text())
    decoded = [text.decode(errors="replace") for text in (out, err)]
    return Run(told["code"], *decoded, told["cpu"], told["peak_mb"])
