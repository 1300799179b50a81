"""Results as files and tables: JSON with everything measured and its summary, and Markdown."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import EPOCH, OURS, STUDIES, ratios
from benchmarks.ratios import MemberRow, Ratio, Row
from hnnlib.errors import counted

__all__ = ["core_share", "markdown", "plain", "summary", "write"]

Grid = list[list[str]]

_KEPT = ("task", "title", "data", "input_density", "spike_density", "profile", "least")
_RATIO_HEADS = ["CPU ratio", "(quartiles)", "wall ratio", "(quartiles)"]
_TASK_HEAD = ["library", "CPU ms/step", "wall ms/step", *_RATIO_HEADS, "peak MiB", "(import)"]
_MEMBER_HEAD = [
    "library",
    "networks",
    "ms/step",
    "ms/step and network",
    "over one at a time",
    "over the best peer",
    "peak MiB",
]
_CURVE_HEAD = [f"{OURS} ms/step", "peer ms/step", "ratio", "(quartiles)", "hidden spikes %"]
_TITLES = {
    "tasks": "Time of a training step",
    "sizes": "Time of a training step by size of the network",
    EPOCH: "Time of a training step in an epoch of recordings",
    "population": "Time of a training step of a population",
    "curves": "Time of a training step by size and density",
    STUDIES: "Time of a training step of networks of studies",
}


def summary(results: dict[str, Any]) -> list[dict[str, Any]]:
    """What the tables show, as data: by suite one entry a task, one a population, one a curve."""
    points, clock = results["tasks"], results["clock"]
    if results["suite"] == "curves":
        return [_plain_data(curve) for curve in ratios.curves(points, clock)]
    members = results["suite"] == "population"
    found = []
    for point in points:
        table = ratios.member_rows(point, clock) if members else ratios.rows(point)
        kept = {key: point.get(key) for key in _KEPT}
        best = ratios.best_peer(point, clock)
        found.append(
            kept | {"best_peer": best and best.library, "rows": [asdict(row) for row in table]}
        )
    return found


def _plain_data(curve: dict[str, Any]) -> dict[str, Any]:
    points = [at | {"ratio": at["ratio"] and asdict(at["ratio"])} for at in curve["points"]]
    return curve | {"points": points}


def plain(point: dict[str, Any], suite: str, clock: str) -> str:
    """One point's table for a terminal."""
    grid = _member_grid(point, clock) if suite == "population" else _task_grid(point)
    widths = [max(len(line[column]) for line in grid) for column in range(len(grid[0]))]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in grid]
    return "\n".join([point["title"], *lines, f"peers: {_verdict(point, clock)}"])


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    parts = [f"# {_TITLES[results['suite']]}", _preface(results)]
    if results["suite"] == "curves":
        for curve in ratios.curves(results["tasks"], results["clock"]):
            head = f"## {curve['task']}: {curve['axis']}, beside {curve['peer'] or 'no peer'}"
            parts += [head, _lined(_curve_grid(curve)), *_turning_point(curve)]
    else:
        for point in results["tasks"]:
            members = results["suite"] == "population"
            grid = _member_grid(point, results["clock"]) if members else _task_grid(point)
            parts += [f"## {point['title']}", _lined(grid)]
            verdict = _verdict(point, results["clock"])
            parts.append(f"{_densities(point)} Of the peers: {verdict}.{_profile(point)}".strip())
            parts += _epoch(point, results["clock"])
    return "\n\n".join([*parts, "## Versions", _versions(results)]) + "\n"


def write(results: dict[str, Any], directory: Path, name: str) -> list[Path]:
    """``name.json`` (everything measured, and what follows from it) and ``name.md`` (tables)."""
    directory.mkdir(parents=True, exist_ok=True)
    data, page = directory / f"{name}.json", directory / f"{name}.md"
    found = {"core_share": core_share(results), "summary": summary(results)}
    data.write_text(json.dumps(results | found, indent=1) + "\n")
    page.write_text(markdown(results))
    return [data, page]


def _lined(grid: Grid) -> str:
    head, *lines = grid
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def _task_grid(point: dict[str, Any]) -> Grid:
    table = ratios.rows(point)
    grid = [[*_TASK_HEAD, "remarks"], *map(_task_cells, table)]
    if any(row.peak is not None for row in table):
        return grid
    return [[*line[:-3], line[-1]] for line in grid]  # memory was not measured


def _task_cells(row: Row) -> list[str]:
    values = [_milliseconds(row.cpu), _milliseconds(row.wall)]
    values += [*_ratio_cells(row.cpu_ratio), *_ratio_cells(row.wall_ratio)]
    return [row.library, *values, _whole(row.peak), _whole(row.imported), row.remarks]


def _member_grid(point: dict[str, Any], clock: str) -> Grid:
    return [[*_MEMBER_HEAD, "remarks"], *map(_member_cells, ratios.member_rows(point, clock))]


def _member_cells(row: MemberRow) -> list[str]:
    values = [_milliseconds(row.step), _milliseconds(row.each)]
    values += [_ratio_cells(row.over_one)[0], _ratio_cells(row.over_peer)[0], _whole(row.peak)]
    return [row.library, str(row.members), *values, row.remarks]


def _curve_grid(curve: dict[str, Any]) -> Grid:
    lines = [[curve["axis"], *_CURVE_HEAD, "remarks"]]
    for at in curve["points"]:
        times = [_milliseconds(at["ours"]), _milliseconds(at["theirs"])]
        spikes = ", ".join(f"{100 * value:.1f}" for value in at["spike_density"])
        value = f"{at['value']:g}"
        lines.append([value, *times, *_ratio_cells(at["ratio"]), spikes, at["remarks"]])
    return lines


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.1f}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _ratio_cells(value: Ratio | None) -> list[str]:
    if value is None:
        return ["-", ""]
    return [f"{value.median:.2f}", f"{value.low:.2f}-{value.high:.2f}"]


def _turning_point(curve: dict[str, Any]) -> list[str]:
    if curve["axis"] != "density":
        return []
    if curve["break_even"] is None:
        return ["The ratio does not cross 1 for good between these densities."]
    return [f"Break-even at a density of {100 * curve['break_even']:.0f} %."]


def _verdict(point: dict[str, Any], clock: str) -> str:
    best, library = ratios.best_peer(point, clock), ratios.best_library(point, clock)
    if best is None:
        return "none to compare with"
    name = {"cpu": "CPU", "wall": "wall"}[clock]
    said = f"best: {best.library}, {_times(best, clock)} times the {name} time of {OURS}"
    if library is None or library == best:
        return said
    return f"{said}; of the libraries: {library.library}, {_times(library, clock)}"


def _times(row: Row, clock: str) -> str:
    return f"{getattr(row, f'{clock}_ratio').median:.2f}"


def _preface(results: dict[str, Any]) -> str:
    where, clock = results["machine"], {"cpu": "CPU", "wall": "wall"}[results["clock"]]
    engine = results["libraries"].get(OURS, {}).get("engine", results["engine"])
    gpu = f", {where['gpu']}" if "gpu" in where else ""
    return (
        f"{results['rounds']} interleaved rounds after {results['warmup']} to warm up, "
        f"{counted(results['threads'], 'thread')}, engine {engine}; {where['cpu']}, "
        f"{counted(where['cores'], 'core')}, {where['system']}{gpu}. Times are medians over "
        f"rounds, ratios are medians of each round's time over that of {OURS}: above 1, {OURS} is "
        f"faster. The time to compare is {clock} time. Memory: a fresh process after three steps, "
        "and after its imports. What is compared, and how fairly: see the README of `benchmarks/`."
        + _busy(results)
    )


def _busy(results: dict[str, Any]) -> str:
    """Says so where other work held the processor, since wall times then tell about that too."""
    share = core_share(results)
    if share is None or share > 0.9:
        return ""
    return f" The machine was busy: a worker had {100 * share:.0f} % of a core."


def core_share(results: dict[str, Any]) -> float | None:
    """Share of a core that a worker had; None where it isn't known: several threads, a GPU."""
    timed = [entry for task in results["tasks"] for entry in task["libraries"].values()]
    cpu, wall = (sum(sum(entry[key]) for entry in timed) for key in ("cpu", "wall"))
    return cpu / wall if wall and results["threads"] == 1 and results["device"] == "cpu" else None


def _densities(task: dict[str, Any]) -> str:
    if "input_density" not in task:
        return ""
    inputs = f"Input elements that are not zero: {100 * task['input_density']:.1f} %."
    layers = ", ".join(f"{100 * value:.1f}" for value in task.get("spike_density", []))
    return f"{inputs} Spikes at the end, by layer: {layers} %." if layers else inputs


def _profile(task: dict[str, Any]) -> str:
    if "profile" not in task:
        return ""
    parts = ", ".join(f"{kind} {1000 * s:.1f} ms" for kind, s in task["profile"].items())
    least = ""
    if task.get("least"):
        alone = f"{1000 * task['least']:.1f} ms"
        least = f" Its products and sums alone, at the rate of a matrix product: {alone}."
    return f" Where a step of {OURS} spends its CPU time: {parts}.{least}"


def _epoch(point: dict[str, Any], clock: str) -> list[str]:
    """Which recordings were read, and what an epoch of them takes."""
    data = point.get("data")
    if not data:
        return []
    times = [(row.library, getattr(row, clock)) for row in ratios.rows(point)]
    taken = ", ".join(
        f"{library} {data['steps'] * seconds:.1f} s" for library, seconds in times if seconds
    )
    steps, note = f"{data['recordings']} recordings, {data['steps']} steps", data["note"]
    return [f"An epoch of {data['name']} ({steps}): {taken}. {note}".strip()]


def _versions(results: dict[str, Any]) -> str:
    lines = [f"- commit {results['commit']}"]
    for library, about in results["libraries"].items():
        numbers = [f"{name} {number}" for name, number in about.get("versions", {}).items()]
        text = ", ".join(numbers) or "did not start"
        if "differences" in about:
            text += f"; differences: {about['differences']}"
        lines.append(f"- {library}: {text}")
    return "\n".join(lines)
