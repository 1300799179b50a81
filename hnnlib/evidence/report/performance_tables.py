"""Tables and figures of the page on speed, one function a suite of the benchmark.

``one`` is the content of one results file, see ``hnnlib.evidence.report.performance.read``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hnnlib.evidence.report.figures import described
from hnnlib.evidence.report.text import number
from hnnlib.plotting import performance as plots
from hnnlib.plotting import save

__all__ = ["CLOCKS", "OURS", "curves", "label", "of_task", "population", "tasks"]

OURS = "hnnlib"
CLOCKS = {"cpu": "CPU", "wall": "wall"}
_AXES = {"steps": "T", "hidden": "N", "batch": "batch", "density": "density"}


def label(one: Mapping) -> str:
    """``1 thread``, ``2 threads, engine eager``, or the GPU's name."""
    if one["device"] != "cpu":
        words = [one["machine"].get("gpu", one["device"])]
    else:
        words = [f"{one['threads']} thread{'' if one['threads'] == 1 else 's'}"]
    return ", ".join([*words, *([f"engine {one['engine']}"] if one["engine"] != "auto" else [])])


def of_task(one: Mapping, task: str) -> dict | None:
    """A file's summary of a task."""
    return next((part for part in one["summary"] if part["task"] == task), None)


def tasks(shown: Sequence[dict]) -> list[dict]:
    """A table a task: libraries down, files across."""
    tables = {}
    for one in shown:
        for part in one["summary"]:
            tables.setdefault(part["task"], part["title"])
    return [_task_table(task, title, shown) for task, title in tables.items()]


def _task_table(task: str, title: str, shown: Sequence[dict]) -> dict:
    columns = [(one, part) for one in shown if (part := of_task(one, task))]
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
        "columns": [{"label": label(one), "clock": CLOCKS[one["clock"]]} for one, _ in columns],
        "rows": rows,
        "notes": [
            *_epoch(columns),
            *_activity(columns[0][1]),
            *_profile(columns),
            *_imports(columns),
            *_remarks(columns),
        ],
    }


def _task_cell(row: Mapping | None, clock: str) -> dict:
    if row is None:
        return {"time": "–", "ratio": "–", "peak": "–"}
    return {
        "time": _milliseconds(row[clock]),
        "ratio": "1" if row["library"] == OURS else _quartiles(row[f"{clock}_ratio"]),
        "peak": number(row["peak"], 0),
    }


def _epoch(columns: Sequence[tuple[dict, dict]]) -> list[str]:
    """Which recordings were read, and what an epoch of them takes."""
    lines = []
    for one, part in columns:
        if data := part.get("data"):
            times = ", ".join(
                f"{row['library']} {number(data['steps'] * row[one['clock']], 1)} s"
                for row in part["rows"]
                if row[one["clock"]] is not None
            )
            size = f"{data['recordings']} recordings, {data['steps']} steps, {label(one)}"
            lines.append(f"An epoch of {data['name']} ({size}): {times}.")
            lines += [f"{data['note']}."] if data["note"] else []
    return list(dict.fromkeys(lines))


def _activity(part: Mapping) -> list[str]:
    layers = part.get("spike_density") or []
    if part.get("input_density") is None or not layers:
        return []
    spikes = ", ".join(number(100 * value, 1) for value in layers)
    share = number(100 * part["input_density"], 1)
    return [f"Input elements that are not zero: {share} %. Spikes by layer: {spikes} %."]


def _profile(columns: Sequence[tuple[dict, dict]]) -> list[str]:
    """Where the time goes, in the first file that knows."""
    for one, part in columns:
        if part.get("profile"):
            parts = ", ".join(f"{kind} {_milliseconds(s)}" for kind, s in part["profile"].items())
            said = f"CPU milliseconds of hnnlib by kind of work ({label(one)}): {parts}."
            if part.get("least"):
                least = _milliseconds(part["least"])
                said += f" Its products and sums alone, at the rate of a matrix product: {least}."
            return [said]
    return []


def _imports(columns: Sequence[tuple[dict, dict]]) -> list[str]:
    found = [row["imported"] for _, p in columns for row in p["rows"] if row["imported"]]
    if not found:
        return []
    ends = dict.fromkeys(number(value, 0) for value in (min(found), max(found)))
    return [f"Of the memory, {' to '.join(ends)} MiB are imports."]


def _remarks(columns: Sequence[tuple[dict, dict]]) -> list[str]:
    said = [(r["library"], r["remarks"]) for _, p in columns for r in p["rows"] if r["remarks"]]
    return [f"{library}: {text}." for library, text in dict.fromkeys(said)]


def population(one: Mapping, figures: Path) -> dict:
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
        f"{part['title']}; {CLOCKS[one['clock']]} time, {label(one)}. A population's step is "
        "divided by the number of its networks; each has its own decay and threshold."
    )
    times = [row for row in part["rows"] if row["library"] == OURS]
    alt = "Milliseconds a step and network for " + _listed(
        f"{row['members']} ({_milliseconds(row['each'])})" for row in times
    )
    save(
        plots.population(part["rows"]),
        figures / one["name"],
        "population",
        title="Time of a step and network by size of the population",
        caption=caption,
        alt=f"{alt} networks trained together in hnnlib.",
    )
    remarks = [f"{r['library']}: {r['remarks']}." for r in part["rows"] if r["remarks"]]
    return {
        "name": one["name"],
        "label": label(one),
        "clock": CLOCKS[one["clock"]],
        "title": part["title"],
        "peer": part["best_peer"],
        "rows": rows,
        "notes": list(dict.fromkeys(remarks)),
        "figures": _pictures(figures / one["name"]),
    }


def curves(one: Mapping, figures: Path) -> dict:
    """Tables and figures of one file of the suite ``curves``."""
    curves, folder = one["summary"], figures / one["name"]
    densities = [curve for curve in curves if curve["axis"] == "density"]
    others = [curve for curve in curves if curve["axis"] != "density"]
    rounds = f"{CLOCKS[one['clock']]} time, {label(one)}; bars: quartiles over rounds."
    if densities:
        save(
            plots.density(densities),
            folder,
            "1-density",
            title="Ratio to the fastest peer by density of the input",
            caption=f"The line at 1 is the break-even. {rounds}",
            alt=" ".join(_crossing(curve) for curve in densities),
        )
    if others:
        save(
            plots.sizes(others),
            folder,
            "2-sizes",
            title="Ratio to the fastest peer by size",
            caption=f"One size changes, the others are those of the task. {rounds}",
            alt=" ".join(_range(curve) for curve in others),
        )
    return {
        "name": one["name"],
        "label": label(one),
        "crossings": [_crossing(curve) for curve in densities],
        "tables": [_curve_table(curve) for curve in curves],
        "clock": CLOCKS[one["clock"]],
        "figures": _pictures(folder),
    }


def _pictures(folder: Path) -> list[dict]:
    """The figures of a file, one folder deeper than a study's."""
    return described(folder.parents[1], f"{folder.parent.name}/{folder.name}")


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


def _listed(words: Iterable[str]) -> str:
    """``a, b and c``"""
    *first, last = list(words)
    return f"{', '.join(first)} and {last}" if first else last
