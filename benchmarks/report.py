"""From timings to tables: medians of per-round ratios, and whether the same work was done."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import OURS
from benchmarks.environment import ROOT

__all__ = [
    "Ratio",
    "Row",
    "best_peer",
    "commit",
    "doubts",
    "machine",
    "markdown",
    "plain",
    "ratio",
    "rows",
    "write",
]

LOSS_TOLERANCE = 1e-3
_HEAD = (
    "library",
    "CPU ms/step",
    "wall ms/step",
    "CPU ratio",
    "(quartiles)",
    "wall ratio",
    "(quartiles)",
    "remarks",
)


@dataclass(frozen=True)
class Ratio:
    """Median and quartiles over rounds of a peer's time over ours; above 1, ours is faster."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One library at one task; times in seconds a step, None where it failed."""

    library: str
    cpu: float | None
    wall: float | None
    cpu_ratio: Ratio | None
    wall_ratio: Ratio | None
    remarks: str


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> Ratio | None:
    """Median of each round's ratio, since load that comes and goes hits both sides of a round.

    >>> ratio([2.0, 30.0, 6.0], [1.0, 10.0, 2.0]).median
    3.0
    """
    pairs = list(zip(theirs, ours, strict=False))
    if not pairs:
        return None
    values = [a / b for a, b in pairs]
    if len(values) == 1:
        return Ratio(*values * 3)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Ratio(middle, low, high)


def doubts(entry: dict[str, Any], reference: dict[str, Any]) -> list[str]:
    """What speaks against a comparison: another size, another function, no learning."""
    losses, found = entry["losses"], []
    if entry["parameters"] != reference["parameters"]:
        found.append(f"{entry['parameters']} parameters, not {reference['parameters']}")
    if not all(map(math.isfinite, losses)):
        return [*found, "loss not finite"]
    if losses and not losses[-1] < losses[0]:
        found.append("loss did not fall")
    if (
        losses
        and reference["losses"]
        and not math.isclose(losses[0], reference["losses"][0], rel_tol=LOSS_TOLERANCE)
    ):
        found.append(f"first loss {losses[0]:.4f}, not {reference['losses'][0]:.4f}")
    return found


def rows(task: dict[str, Any]) -> list[Row]:
    """One row a library, hnnlib first."""
    reference = task["libraries"].get(OURS)
    return [_row(name, entry, reference) for name, entry in task["libraries"].items()]


def _row(name: str, entry: dict[str, Any], reference: dict[str, Any] | None) -> Row:
    cpu, wall = (statistics.median(entry[key]) if entry[key] else None for key in ("cpu", "wall"))
    if entry["error"]:
        return Row(name, cpu, wall, None, None, f"failed: {entry['error']}")
    if reference is None or reference["error"]:
        return Row(name, cpu, wall, None, None, "no hnnlib to compare with")
    remarks = "; ".join(doubts(entry, reference))
    ratios = [ratio(entry[key], reference[key]) for key in ("cpu", "wall")]
    return Row(name, cpu, wall, *ratios, remarks)


def best_peer(table: Sequence[Row]) -> Row | None:
    """The peer that used the least CPU time."""
    peers = [row for row in table if row.library != OURS and row.cpu_ratio is not None]
    return min(peers, key=lambda row: row.cpu_ratio.median, default=None)


def machine() -> dict[str, Any]:
    """Cores this process may use, processor and system; no names of hosts or users."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores,
        "cpu": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    about = {key.strip(): value.strip() for key, value in pairs}
    if "model name" not in about:
        return platform.processor() or platform.machine()
    # virtual machines hide the full name; family and model tell the generation
    return f"{about['model name']} (family {about['cpu family']}, model {about['model']})"


def commit() -> str:
    """Commit of the repository, with ``-dirty`` where files differ from it; ``unknown`` without."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _cells(row: Row) -> list[str]:
    times = ["-" if value is None else f"{1000 * value:.1f}" for value in (row.cpu, row.wall)]
    ratios = [_ratio_cells(value) for value in (row.cpu_ratio, row.wall_ratio)]
    return [row.library, *times, *ratios[0], *ratios[1], row.remarks]


def _ratio_cells(value: Ratio | None) -> list[str]:
    return (
        ["-", ""] if value is None else [f"{value.median:.2f}", f"{value.low:.2f}-{value.high:.2f}"]
    )


def plain(task: dict[str, Any]) -> str:
    """One task's table for a terminal."""
    table = rows(task)
    cells = [list(_HEAD), *map(_cells, table)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = [_aligned(line, widths) for line in cells]
    return "\n".join([task["title"], *lines, f"peers: {_verdict(table)}"])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(map(str.ljust, line, widths)).rstrip()


def _verdict(table: Sequence[Row]) -> str:
    best = best_peer(table)
    if best is None:
        return "none to compare with"
    return f"best: {best.library}, {best.cpu_ratio.median:.2f} times the CPU time of {OURS}"


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    where = results["machine"]
    parts = [
        "# Time of a training step",
        f"{results['rounds']} interleaved rounds after {results['warmup']} to warm up, "
        f"{_count(results['threads'], 'thread')}, engine {results['engine']}; {where['cpu']}, "
        f"{_count(where['cores'], 'core')}, {where['system']}. Times are medians over rounds, "
        f"ratios are medians of each round's time over that of {OURS}: above 1, {OURS} is faster. "
        "CPU seconds are the steadier figure on a busy machine. What is compared, and how fairly: "
        "see the README of `benchmarks/`." + _busy(results),
    ]
    for task in results["tasks"]:
        table = rows(task)
        lines = [_HEAD, ["---"] * len(_HEAD), *map(_cells, table)]
        parts += [f"## {task['title']}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
        parts.append(f"{_densities(task)} Of the peers: {_verdict(table)}.".strip())
    return "\n\n".join([*parts, "## Versions", _versions(results)]) + "\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _busy(results: dict[str, Any]) -> str:
    """Says so where other work held the processor, since wall times then tell about that too."""
    timed = [entry for task in results["tasks"] for entry in task["libraries"].values()]
    cpu, wall = (sum(sum(entry[key]) for entry in timed) for key in ("cpu", "wall"))
    if results["threads"] > 1 or not wall or cpu / wall > 0.9:
        return ""
    return f" The machine was busy: a worker had {100 * cpu / wall:.0f} % of a core."


def _densities(task: dict[str, Any]) -> str:
    if "input_density" not in task:
        return ""
    inputs = f"Input elements that are not zero: {100 * task['input_density']:.1f} %."
    layers = ", ".join(f"{100 * value:.1f}" for value in task.get("spike_density", []))
    return f"{inputs} Spikes at the end, by layer: {layers} %." if layers else inputs


def _versions(results: dict[str, Any]) -> str:
    lines = [f"- commit {results['commit']}"]
    for library, about in results["libraries"].items():
        numbers = [f"{name} {number}" for name, number in about.get("versions", {}).items()]
        text = ", ".join(numbers) or "did not start"
        if "differences" in about:
            text += f"; differences: {about['differences']}"
        lines.append(f"- {library}: {text}")
    return "\n".join(lines)


def write(results: dict[str, Any], directory: Path, name: str) -> list[Path]:
    """``name.json`` (everything measured) and ``name.md`` (the tables)."""
    directory.mkdir(parents=True, exist_ok=True)
    data, page = directory / f"{name}.json", directory / f"{name}.md"
    data.write_text(json.dumps(results, indent=1) + "\n")
    page.write_text(markdown(results))
    return [data, page]
