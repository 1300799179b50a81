"""The page on speed: what ``python -m benchmarks`` has measured, as tables and figures.

It reads the JSON files of the benchmark, which carry their own arithmetic in ``summary``, and
knows neither the benchmark's code nor the libraries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from hnnlib.errors import ConfigError
from hnnlib.evidence.report import performance_tables as tables
from hnnlib.evidence.report.text import number
from hnnlib.files import read_text

__all__ = ["read", "view"]

_SUITES = {
    "tasks": "a training step of the three tasks",
    "sizes": "the three tasks, from test size to twice their size",
    "epoch": "an epoch of recordings",
    "population": "populations of networks",
    "curves": "sizes and density",
    "studies": "networks of three studies",
}


def read(paths: Sequence[str | Path]) -> list[dict]:
    """Results of the benchmark: those with a summary, which files of older versions lack.

    Raises:
        ConfigError: a file is not JSON.
    """
    found = []
    for path in map(Path, paths):
        try:
            results = json.loads(read_text(path))
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
        "tasks": tables.tasks(_of(cpu, "tasks") + _of(cpu, "sizes") + _of(cpu, "studies")),
        "epochs": tables.tasks(_of(cpu, "epoch")),
        "populations": [tables.population(one, figures) for one in _of(cpu, "population")],
        "curves": [tables.curves(one, figures) for one in _of(cpu, "curves")],
        "gpu": {
            "tasks": tables.tasks(
                [one for suite in ("tasks", "sizes", "studies", "epoch") for one in _of(gpu, suite)]
            ),
            "populations": [tables.population(one, figures) for one in _of(gpu, "population")],
            "curves": [tables.curves(one, figures) for one in _of(gpu, "curves")],
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


def _headline(results: Sequence[dict]) -> dict:
    """The fastest peer's time over ours: a row a task, a column a number of threads or a GPU."""
    shown = _of(results, "tasks") + _of(results, "epoch")
    columns = list(dict.fromkeys(map(tables.label, shown)))
    found: dict[tuple[str, str], dict] = {}
    for one in shown:
        for part in one["summary"]:
            cells = found.setdefault((part["task"], part["title"]), {})
            cells[tables.label(one)] = _best(part, one["clock"])
    rows = [
        {
            "task": task,
            "title": title,
            "cells": [cells.get(column, _best(None, "")) for column in columns],
        }
        for (task, title), cells in found.items()
    ]
    return {"columns": columns, "rows": rows}


def _best(part: Mapping | None, clock: str) -> dict:
    """Ratio of the fastest peer, or why there is none."""
    if part is None or part["best_peer"] is None:
        return {"ratio": "", "peer": "not measured"}
    row = next(row for row in part["rows"] if row["library"] == part["best_peer"])
    return {"ratio": f"{number(row[f'{clock}_ratio']['median'])}×", "peer": part["best_peer"]}


def _provenance(results: Sequence[dict]) -> dict:
    """A column a file; a line that all agree on is one cell."""
    lines = {
        "commit": [one["commit"] for one in results],
        "processor": [one["machine"]["cpu"] for one in results],
        "cores": [str(one["machine"]["cores"]) for one in results],
        "system": [one["machine"]["system"] for one in results],
        "GPU": [one["machine"].get("gpu", "none used") for one in results],
        "threads": [str(one["threads"]) for one in results],
        "engine": [one["libraries"][tables.OURS].get("engine", one["engine"]) for one in results],
        "rounds": [f"{one['rounds']}, after {one['warmup']} to warm up" for one in results],
        "time compared": [tables.CLOCKS[one["clock"]] for one in results],
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
