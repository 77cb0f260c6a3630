"""What was measured, as Markdown for docs/benchmarks.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

LABELS = {
    "techniques": "techniques found",
    "held-out": "held-out techniques found",
    "look-alikes": "look-alikes flagged",
    "archives": "broken archives found",
    "honest-archives": "honest archives flagged",
    "benign": "benign files flagged",
}


@dataclass(frozen=True)
class Column:
    """One bar of one tool."""

    key: tuple[str, str]
    title: str
    bar: str


def render(rows: list[dict], columns: list[Column]) -> str:
    """Every table, over the samples that all tools have been asked about."""
    keys = list(dict.fromkeys(column.key for column in columns))
    rows = [row for row in rows if (row["tool"], row["key"]) in keys]
    sections = [verdicts(rows, keys, columns), costs(rows, keys, columns), singles(rows, columns)]
    return "\n\n".join(section for section in sections if section)


def verdicts(rows: list[dict], keys: list[tuple[str, str]], columns: list[Column]) -> str:
    """How many samples of each set reach each bar."""
    lines = [heading(["", "samples", *(f"{c.title}: {c.bar}" for c in columns)])]
    for kind, label in LABELS.items():
        shared = common(of_set(rows, kind), keys)
        if not shared:
            continue
        cells = [tally(shared, column) for column in columns]
        lines.append(line([label, str(len(names(shared))), *cells]))
        whole = of_set(rows, kind)
        if len(names(whole)) > len(names(shared)):
            cells = [tally(whole, column) for column in columns]
            lines.append(line([f"{label}, all measured", str(len(names(whole))), *cells]))
    broken = common(of_set(rows, "archives"), keys)
    for label, count in [("refused", refused), ("found or refused", unread)] if broken else []:
        cells = [count(broken, column) for column in columns]
        lines.append(line([f"broken archives {label}", str(len(names(broken))), *cells]))
    return "\n".join(lines)


def costs(rows: list[dict], keys: list[tuple[str, str]], columns: list[Column]) -> str:
    """CPU time and memory over the benign files."""
    head = ["benign files", "files", "CPU s", "MB of Python", "MB per CPU s"]
    lines = [heading([*head, "peak MB: median", "p95", "largest", "no answer"])]
    shared = common(of_set(rows, "benign"), keys)
    for key in keys:
        title = next(column.title for column in columns if column.key == key)
        same, whole = of_tool(shared, key), of_tool(of_set(rows, "benign"), key)
        if same:
            lines.append(cost(title, same))
        if len(whole) > len(same):
            lines.append(cost(f"{title}, all measured", whole))
    return "\n".join(lines) if len(lines) > 1 else ""


def cost(title: str, rows: list[dict]) -> str:
    seconds = sum(row["cpu"] for row in rows)
    megabytes = sum(row["python_bytes"] for row in rows) / 1e6
    peaks = sorted(row["peak_mb"] for row in rows)
    numbers = [f"{seconds:.1f}", f"{megabytes:.1f}", f"{megabytes / max(seconds, 1e-9):.2f}"]
    high = peaks[min(len(peaks) - 1, int(len(peaks) * 0.95))]
    memory = [f"{median(peaks):.0f}", f"{high:.0f}", f"{peaks[-1]:.0f}"]
    silent = sum(1 for row in rows if row["refused"])
    return line([title, str(len(rows)), *numbers, *memory, str(silent)])


def singles(rows: list[dict], columns: list[Column]) -> str:
    """The least CPU time of the runs over each single file."""
    rows = of_set(rows, "single")
    if not rows:
        return ""
    keys = {column.key: column.title for column in columns}
    lines = [heading(["CPU s, best of its runs (peak MB)", "MB of Python", *keys.values()])]
    for name in sorted(names(rows)):
        own = [row for row in rows if row["sample"] == name]
        python = f"{own[0]['python_bytes'] / 1e6:.2f}"
        lines.append(line([name, python, *(best(of_tool(own, key)) for key in keys)]))
    return "\n".join(lines)


def best(rows: list[dict]) -> str:
    if not rows:
        return "–"
    least = min(rows, key=lambda row: row["cpu"])
    return f"{least['cpu']:.3f} ({least['peak_mb']:.0f})"


def tally(rows: list[dict], column: Column) -> str:
    own = of_tool(rows, column.key)
    return share(sum(1 for row in own if row["bars"][column.bar]), len(own))


def refused(rows: list[dict], column: Column) -> str:
    own = of_tool(rows, column.key)
    return share(sum(1 for row in own if row["refused"]), len(own))


def unread(rows: list[dict], column: Column) -> str:
    own = of_tool(rows, column.key)
    return share(sum(1 for row in own if row["bars"][column.bar] or row["refused"]), len(own))


def share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.1f} %)" if whole else "–"


def of_set(rows: Iterable[dict], kind: str) -> list[dict]:
    return [row for row in rows if row["set"] == kind]


def of_tool(rows: Iterable[dict], key: tuple[str, str]) -> list[dict]:
    return [row for row in rows if (row["tool"], row["key"]) == key]


def names(rows: Iterable[dict]) -> set[str]:
    return {row["sample"] for row in rows}


def common(rows: list[dict], keys: list[tuple[str, str]]) -> list[dict]:
    """The rows of samples that every tool was asked about."""
    asked = [names(of_tool(rows, key)) for key in keys]
    shared = set.intersection(*asked) if asked else set()
    return [row for row in rows if row["sample"] in shared]


def heading(cells: list[str]) -> str:
    return line(cells) + "\n" + line(["---"] * len(cells))


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
