"""Portcullis beside other scanners of Python packages: what each finds, and what it costs.

`peers.py measure` asks every tool about every sample and keeps each answer as a line of JSON, so
that it can be stopped and taken up again; `peers.py table` writes the tables. See README.md.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Container, Iterator
from datetime import UTC, datetime
from pathlib import Path

import samples
import tables
import tools
from running import Run, run
from samples import Sample
from tools import Answer, Tool


def main() -> None:
    asked = arguments()
    every = [tools.guarddog(asked.venvs), tools.hexora(asked.venvs)]
    every += [tools.portcullis(asked.portcullis)] if asked.portcullis else []
    known = recorded(asked.results)
    if asked.do == "measure":
        chosen = [tool for tool in every if tool.name.lower() in asked.tools]
        measure(chosen, corpus(asked), asked, known)
        known = recorded(asked.results)
    print(f"{datetime.now(UTC):%Y-%m-%d}: {', '.join(f'{t.name} {t.version}' for t in every)}\n")
    columns = [tables.Column((t.name, t.key), t.name, bar) for t in every for bar in t.bars]
    print(tables.render(known, columns))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("do", choices=["measure", "table"])
    parser.add_argument("--results", type=Path, default=Path("peers.jsonl"))
    parser.add_argument("--venvs", type=lambda text: Path(text).resolve(), default="venvs",
                        help="where the peers' virtual environments are, or are made")  # fmt: skip
    parser.add_argument("--portcullis", type=resolved, help="the program to measure")
    parser.add_argument("--techniques", type=resolved,
                        help="portcullis-inspect's example `techniques`")  # fmt: skip
    parser.add_argument("--archives", action="store_true", help="the broken archives")
    parser.add_argument("--benign", type=resolved, metavar="FOLDER")
    parser.add_argument("--peers-limit", type=int, metavar="N",
                        help="ask the peers about the first N benign files only")  # fmt: skip
    parser.add_argument("--single", type=resolved, nargs="*", default=[], metavar="FILE")
    parser.add_argument("--tools", default="guarddog,hexora,portcullis",
                        type=lambda text: text.lower().split(","))  # fmt: skip
    return parser.parse_args()


def resolved(text: str) -> Path:
    return Path(text).resolve(strict=True)


def corpus(asked: argparse.Namespace) -> list[Sample]:
    """The samples of all sets that were asked for."""
    chosen = samples.techniques(asked.techniques) if asked.techniques else []
    chosen += samples.built() if asked.archives else []
    chosen += samples.single(asked.single)
    chosen += samples.benign(asked.benign) if asked.benign else []
    return chosen


def recorded(results: Path) -> list[dict]:
    """What was measured before. A line that was cut short by an end is left out."""
    rows = []
    for text in results.read_text().splitlines() if results.exists() else []:
        try:
            rows.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return rows


def identity(row: dict) -> tuple:
    return row["tool"], row["key"], row["set"], row["sample"], row["run"]


def measure(every: list[Tool], corpus: list[Sample], asked: argparse.Namespace,
            known: list[dict]) -> None:  # fmt: skip
    """Asks every tool about every sample that it has not been asked about yet."""
    done = {identity(row): row["python_bytes"] for row in known}
    sizes = {which[2:4]: size for which, size in done.items()}
    started, kinds = time.monotonic(), {}
    with asked.results.open("a", encoding="utf-8") as out:
        for position, sample in enumerate(corpus, 1):
            number = kinds[sample.set] = kinds.get(sample.set, 0) + 1
            limited = sample.set == "benign" and number > (asked.peers_limit or number)
            chosen = [tool for tool in every if tool.name == "Portcullis" or not limited]
            for row in missing(sample, chosen, done, sizes):
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                out.flush()
            show(position, len(corpus), sample, started)


def show(position: int, total: int, sample: Sample, started: float) -> None:
    """One line that is written over; without a terminal, a line now and then."""
    told = f"{position}/{total} {sample.set} {time.monotonic() - started:.0f} s"
    if sys.stderr.isatty():
        print(f"\r{told:60}", end="" if position < total else "\n", file=sys.stderr, flush=True)
    elif position % 50 == 0 or position == total:
        print(told, file=sys.stderr, flush=True)


def missing(sample: Sample, every: list[Tool], done: Container[tuple],
            sizes: dict[tuple, int]) -> Iterator[dict]:  # fmt: skip
    """The rows of one sample that are not there yet. Its files are gone when the last is told."""
    wanted = [(tool, turn) for turn in range(sample.repeats) for tool in every
              if (tool.name, tool.key, sample.set, sample.name, turn) not in done]  # fmt: skip
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        path = sample.lay(Path(folder))
        known = sizes.get((sample.set, sample.name))
        python = counted(path) if known is None else known
        for tool, turn in wanted:
            answer, cost = ask(tool, path)
            yield {
                "tool": tool.name, "key": tool.key, "set": sample.set, "sample": sample.name,
                "run": turn, "bars": answer.bars, "refused": answer.refused,
                "cpu": cost.cpu, "peak_mb": cost.peak_mb, "python_bytes": python,
            }  # fmt: skip


def counted(path: Path) -> int:
    """Bytes of Python; none where Python's own modules cannot read the archive."""
    try:
        return samples.python_bytes(path)
    except Exception:  # noqa: BLE001: broken archives break these modules in any way there is
        return 0


def ask(tool: Tool, path: Path) -> tuple[Answer, Run]:
    """One tool about one sample, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="peers-") as scratch:
        place = Path(scratch)
        if tool.takes_folders:
            try:
                samples.unpack(path, place / "unpacked")
            except Exception as error:  # noqa: BLE001: as above
                refused = Answer(dict.fromkeys(tool.bars, False), f"not unpacked: {error}"[:200])
                return refused, Run(1, "", "", 0.0, 0.0)
            path = place / "unpacked"
        cost = run(tool.command(str(path)), place)
        return tool.judge(cost), cost


if __name__ == "__main__":
    main()
