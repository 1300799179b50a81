"""The page on speed: what ``python -m benchmarks`` has measured, as tables and figures.

It reads the JSON files of the benchmark, which carry their own arithmetic in ``summary``, and
knows neither the benchmark's code nor the libraries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from hnnlib.errors import ConfigError
from hnnlib.evidence.report.figures import described
from hnnlib.evidence.report.text import number
from hnnlib.plotting import performance as plots
from hnnlib.plotting import save

__all__ = ["read", "view"]

OURS = "hnnlib"
_SUITES = {
    "tasks": "a training step of the three tasks",
    "population": "populations of networks",
    "curves": "sizes and density",
}
_CLOCKS = {"cpu": "CPU", "wall": "wall"}
_AXES = {"steps": "T", "hidden": "N", "batch": "batch", "density": "density"}


def read(paths: Sequence[str | Path]) -> list[dict]:
    """Results of the benchmark: those with a summary, which files of older versions lack.

    Raises:
        ConfigError: a file is not JSON.
    """
    found = []
    for path in map(Path, paths):
        try:
            results = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as reason:
            raise ConfigError(
                f"{path.name} is not a result of python -m benchmarks ({reason}): delete it"
            ) from reason
        if "summary" in results:
            found.append(results | {"name": path.stem})
    return sorted(found, key=lambda one: (one["engine"] != "auto", one["threads"], one["name"]))


def view(results: Sequence[dict], figures: Path) -> dict:
    """What the page shows; draws its figures into a folder ``figures``.

    Args:
        results: from ``read``, at least one.
        figures: folder to make, a folder ``figures`` beside the page above it.
    """
    cpu = [one for one in results if one["device"] == "cpu"]
    gpu = [one for one in results if one["device"] != "cpu"]
    return {
        "headline": _headline(results),
        "tasks": _tasks(_of(cpu, "tasks")),
        "populations": [_population(one, figures) for one in _of(cpu, "population")],
        "curves": [_curves(one, figures) for one in _of(cpu, "curves")],
        "gpu": {
            "tasks": _tasks(_of(gpu, "tasks")),
            "populations": [_population(one, figures) for one in _of(gpu, "population")],
            "curves": [_curves(one, figures) for one in _of(gpu, "curves")],
            "missing": [
                {"what": what, "command": _command(suite, "cuda")}
                for suite, what in _SUITES.items()
                if not _of(gpu, suite)
            ],
        },
        "commands": [_command(suite, "cpu") for suite in _SUITES],
        "provenance": _provenance(results),
        "busy": [_busy(one) for one in results if (one.get("core_share") or 1) < 0.9],
        "differences": _differences(results),
    }


def _of(results: Sequence[dict], suite: str) -> list[dict]:
    return [one for one in results if one["suite"] == suite]


def _command(suite: str, device: str) -> str:
    options = (
        ["", f"--suite {suite}"][suite != "tasks"],
        ["", f"--device {device}"][device != "cpu"],
    )
    return " ".join(["python -m benchmarks", *filter(None, options)])


def _label(one: Mapping) -> str:
    """``1 thread``, ``2 threads, engine eager``, or the GPU's name."""
    if one["device"] != "cpu":
        words = [one["machine"].get("gpu", one["device"])]
    else:
        words = [f"{one['threads']} thread{'' if one['threads'] == 1 else 's'}"]
    return ", ".join([*words, *([f"engine {one['engine']}"] if one["engine"] != "auto" else [])])


def _headline(results: Sequence[dict]) -> dict:
    """The fastest peer's time over ours: a row a task, a column a file."""
    shown = _of(results, "tasks")
    titles = dict.fromkeys(
        (part["task"], part["title"]) for one in shown for part in one["summary"]
    )
    rows = []
    for task, title in titles:
        parts = [_part(one, task) for one in shown]
        cells = [_best(part, one["clock"]) for part, one in zip(parts, shown, strict=True)]
        rows.append({"task": task, "title": title, "cells": cells})
    return {"columns": [_label(one) for one in shown], "rows": rows}


def _part(one: Mapping, task: str) -> dict | None:
    return next((part for part in one["summary"] if part["task"] == task), None)


def _best(part: Mapping | None, clock: str) -> dict:
    """Ratio of the fastest peer, or why there is none."""
    if part is None or part["best_peer"] is None:
        return {"ratio": "", "peer": "not measured"}
    row = next(row for row in part["rows"] if row["library"] == part["best_peer"])
    return {"ratio": f"{number(row[f'{clock}_ratio']['median'])}×", "peer": part["best_peer"]}


def _tasks(shown: Sequence[dict]) -> list[dict]:
    """A table a task: libraries down, files across."""
    tables = {}
    for one in shown:
        for part in one["summary"]:
            tables.setdefault(part["task"], part["title"])
    return [_task_table(task, title, shown) for task, title in tables.items()]


def _task_table(task: str, title: str, shown: Sequence[dict]) -> dict:
    columns = [(one, part) for one in shown if (part := _part(one, task))]
    libraries = list(dict.fromkeys(r["library"] for _, part in columns for r in part["rows"]))
    rows = []
    for library in libraries:
        found = [next((r for r in p["rows"] if r["library"] == library), None) for _, p in columns]
        cells = [
            _task_cell(row, one["clock"]) for row, (one, _) in zip(found, columns, strict=True)
        ]
        rows.append({"library": library, "ours": library == OURS, "cells": cells})
    return {
        "task": task,
        "title": title,
        "columns": [{"label": _label(one), "clock": _CLOCKS[one["clock"]]} for one, _ in columns],
        "rows": rows,
        "notes": [*_activity(columns[0][1]), *_imports(columns), *_remarks(columns)],
    }


def _task_cell(row: Mapping | None, clock: str) -> dict:
    if row is None:
        return {"time": "–", "ratio": "–", "peak": "–"}
    return {
        "time": _milliseconds(row[clock]),
        "ratio": "1" if row["library"] == OURS else _quartiles(row[f"{clock}_ratio"]),
        "peak": number(row["peak"], 0),
    }


def _activity(part: Mapping) -> list[str]:
    layers = part.get("spike_density") or []
    if part.get("input_density") is None or not layers:
        return []
    spikes = ", ".join(number(100 * value, 1) for value in layers)
    share = number(100 * part["input_density"], 1)
    return [f"Input elements that are not zero: {share} %. Spikes by layer: {spikes} %."]


def _imports(columns: Sequence[tuple[dict, dict]]) -> list[str]:
    found = [row["imported"] for _, p in columns for row in p["rows"] if row["imported"]]
    if not found:
        return []
    ends = dict.fromkeys(number(value, 0) for value in (min(found), max(found)))
    return [f"Of the memory, {' to '.join(ends)} MiB are imports."]


def _remarks(columns: Sequence[tuple[dict, dict]]) -> list[str]:
    said = [(r["library"], r["remarks"]) for _, p in columns for r in p["rows"] if r["remarks"]]
    return [f"{library}: {text}." for library, text in dict.fromkeys(said)]


def _population(one: Mapping, figures: Path) -> dict:
    """Table and figure of one file of the suite ``population``."""
    part = one["summary"][0]
    rows = [
        {
            "library": row["library"],
            "ours": row["library"] == OURS,
            "members": row["members"],
            "step": _milliseconds(row["step"]),
            "each": _milliseconds(row["each"]),
            "over_one": _quartiles(row["over_one"]),
            "over_peer": _quartiles(row["over_peer"]),
            "peak": number(row["peak"], 0),
        }
        for row in part["rows"]
    ]
    caption = (
        f"{part['title']}; {_CLOCKS[one['clock']]} time, {_label(one)}. A population's step is "
        "divided by the number of its networks; each has its own decay and threshold."
    )
    alt = "Milliseconds a step and network for " + _listed(
        f"{row['members']} ({_milliseconds(row['each'])})"
        for row in part["rows"]
        if row["library"] == OURS
    )
    save(
        plots.population(part["rows"]), figures / one["name"], "population",
        title="Time of a step and network by size of the population", caption=caption,
        alt=f"{alt} networks trained together in hnnlib.",
    )  # fmt: skip
    remarks = [f"{r['library']}: {r['remarks']}." for r in part["rows"] if r["remarks"]]
    return {
        "name": one["name"],
        "label": _label(one),
        "clock": _CLOCKS[one["clock"]],
        "title": part["title"],
        "peer": part["best_peer"],
        "rows": rows,
        "notes": list(dict.fromkeys(remarks)),
        "figures": _pictures(figures / one["name"]),
    }


def _curves(one: Mapping, figures: Path) -> dict:
    """Tables and figures of one file of the suite ``curves``."""
    curves, folder = one["summary"], figures / one["name"]
    densities = [curve for curve in curves if curve["axis"] == "density"]
    others = [curve for curve in curves if curve["axis"] != "density"]
    rounds = f"{_CLOCKS[one['clock']]} time, {_label(one)}; bars: quartiles over rounds."
    if densities:
        save(
            plots.density(densities), folder, "1-density",
            title="Ratio to the fastest peer by density of the input",
            caption=f"The line at 1 is the break-even. {rounds}",
            alt=" ".join(_crossing(curve) for curve in densities),
        )  # fmt: skip
    if others:
        save(
            plots.sizes(others), folder, "2-sizes",
            title="Ratio to the fastest peer by size",
            caption=f"One size changes, the others are those of the task. {rounds}",
            alt=" ".join(_range(curve) for curve in others),
        )  # fmt: skip
    return {
        "name": one["name"],
        "label": _label(one),
        "crossings": [_crossing(curve) for curve in densities],
        "tables": [_curve_table(curve) for curve in curves],
        "clock": _CLOCKS[one["clock"]],
        "figures": _pictures(folder),
    }


def _pictures(folder: Path) -> list[dict]:
    """The figures of a file, one folder deeper than a study's."""
    found = described(folder) if folder.is_dir() else []
    for figure in found:
        figure["files"] = [
            name.replace("figures/", f"figures/{folder.parent.name}/", 1)
            for name in figure["files"]
        ]
    for path in folder.glob("*.json"):
        path.unlink()  # its words are on the page
    return found


def _crossing(curve: Mapping) -> str:
    known = [at for at in curve["points"] if at["ratio"]]
    if not known:
        return f"{curve['task']}: not compared."
    if curve["break_even"] is not None:
        return (
            f"{curve['task']}: hnnlib is faster than {curve['peer']} up to a density of "
            f"{number(100 * curve['break_even'], 0)} %."
        )
    last = known[-1]["ratio"]["median"]
    side = "faster" if last >= 1 else "slower"
    return (
        f"{curve['task']}: no break-even; at {100 * known[-1]['value']:g} % hnnlib is {side} than "
        f"{curve['peer']} (ratio {number(last)})."
    )


def _range(curve: Mapping) -> str:
    known = [at for at in curve["points"] if at["ratio"]]
    if not known:
        return f"{curve['task']}: not compared."
    ends = [f"{at['ratio']['median']:.1f} at {at['value']:g}" for at in (known[0], known[-1])]
    return f"{curve['task']} by {_AXES[curve['axis']]}: ratio from {' to '.join(ends)}."


def _curve_table(curve: Mapping) -> dict:
    percent = curve["axis"] == "density"
    rows = [
        {
            "value": f"{100 * at['value']:g} %" if percent else f"{at['value']:g}",
            "ours": _milliseconds(at["ours"]),
            "theirs": _milliseconds(at["theirs"]),
            "ratio": _quartiles(at["ratio"]),
            "spikes": ", ".join(number(100 * value, 1) for value in at["spike_density"]),
        }
        for at in curve["points"]
    ]
    remarks = [f"{r['remarks']}." for r in curve["points"] if r["remarks"]]
    head = _AXES[curve["axis"]]
    return {
        "title": f"{curve['task']} by {head}",
        "head": head,
        "peer": curve["peer"] or "no peer",
        "rows": rows,
        "notes": list(dict.fromkeys(remarks)),
    }


def _provenance(results: Sequence[dict]) -> dict:
    """A column a file; a line that all agree on is one cell."""
    lines = {
        "commit": [one["commit"] for one in results],
        "processor": [one["machine"]["cpu"] for one in results],
        "cores": [str(one["machine"]["cores"]) for one in results],
        "system": [one["machine"]["system"] for one in results],
        "GPU": [one["machine"].get("gpu", "none used") for one in results],
        "threads": [str(one["threads"]) for one in results],
        "engine": [one["libraries"][OURS].get("engine", one["engine"]) for one in results],
        "rounds": [f"{one['rounds']}, after {one['warmup']} to warm up" for one in results],
        "time compared": [_CLOCKS[one["clock"]] for one in results],
    }
    for library in dict.fromkeys(name for one in results for name in one["libraries"]):
        lines[library] = [_versions(one["libraries"].get(library)) for one in results]
    return {
        "files": [one["name"] for one in results],
        "lines": [
            {"name": name, "entries": entries[:1] if len(set(entries)) == 1 else entries}
            for name, entries in lines.items()
        ],
    }


def _versions(about: Mapping | None) -> str:
    if about is None:
        return "not measured"
    return ", ".join(f"{n} {v}" for n, v in about.get("versions", {}).items()) or "did not start"


def _differences(results: Sequence[dict]) -> list[dict]:
    """What sets each library's networks apart, as the benchmark says it."""
    said = {}
    for one in results:
        for library, about in one["libraries"].items():
            said.setdefault(library, about.get("differences"))
    return [{"library": library, "text": text} for library, text in said.items() if text]


def _busy(one: Mapping) -> str:
    return f"{one['name']}: a worker had {100 * one['core_share']:.0f} % of a core"


def _milliseconds(seconds: float | None) -> str:
    """Three figures or more: ``0.42``, ``4.21``, ``42.1``, ``421``."""
    if seconds is None:
        return "–"
    value = 1000 * seconds
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2)


def _quartiles(ratio: Mapping | None) -> str:
    """``3.20 [3.10, 3.31]``"""
    if ratio is None:
        return "–"
    return f"{number(ratio['median'])} [{number(ratio['low'])}, {number(ratio['high'])}]"


def _listed(words) -> str:
    *first, last = list(words)
    return f"{', '.join(first)} and {last}" if first else last
