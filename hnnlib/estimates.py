"""How long training takes and what memory it needs: an estimate, from settings and from what the
reference results took. Good within a factor of some; it tells minutes from months.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hnnlib.datasets import registry
from hnnlib.files import opened

__all__ = ["memory", "rate", "work"]

_CROSSED = ("models", "rows", "arms")
"""Lists of a task of which every entry is trained with every one of the others."""
_ASIDE = ("schedule", "training", "tuning", "samples", "measures", "noise", "regimes", "phases")
_ASIDE += ("seeds", "head", "regulariser", "units")
"""What says nothing of how many networks there are."""
_SIZES = ("units", "hidden", "width", "base")
_STEPS = 8  # of what has no steps of its own: bit planes


def work(settings: Mapping[str, Any]) -> float:
    """Passes times examples, steps, size and networks, over all tasks of a study's section.

    Args:
        settings: the section as plain values, complete with defaults. 0.0 where nothing in it is
            trained on a data set.
    """
    return float(sum(_work(task, settings.get("seeds", ())) for task in _tasks(settings)))


def memory(settings: Mapping[str, Any]) -> int:
    """Bytes that the largest layer of one network takes at least, all steps of a batch together."""
    return max((_memory(task) for task in _tasks(settings)), default=0)


def rate(path: Path) -> float:
    """Seconds of a core for a unit of work, as a result store measured it; NaN where none did."""
    try:
        with opened(path) as stream, h5py.File(stream) as file:
            facts = dict(file.attrs)
        units = work(json.loads(facts["config_json"]))
        seconds = np.asarray(facts["wall_seconds"]).item()
        return seconds / units if units and facts["device"] == "cpu" else math.nan
    except (OSError, KeyError, TypeError, ValueError, AttributeError):  # none, or another program's
        return math.nan


def _tasks(node: Any) -> Iterator[Mapping[str, Any]]:
    """Sections that train on one data set each, however deep; those of any other form are none."""
    if isinstance(node, Mapping):
        if node.get("dataset") in registry.names() and "epochs" in _schedule(node):
            yield node
        else:
            for value in node.values():
                yield from _tasks(value)
    elif isinstance(node, list):
        for value in node:
            yield from _tasks(value)


def _work(task: Mapping[str, Any], seeds: list[int]) -> float:
    count = len(task.get("seeds") or seeds)
    passes = _schedule(task)["epochs"] * count
    if tuning := task.get("tuning"):
        passes += tuning["epochs"] * math.prod(len(tuning.get(k, "1")) for k in ("rates", "seeds"))
    share = 0.6 * task.get("share", 1.0) * task.get("fraction", 1.0)
    entry = registry.get(task["dataset"])
    examples = share * entry.n_examples
    if task.get("samples"):
        examples = min(examples, task["samples"]["train"])
    # blocks of convolutions have their channels at every place of an image
    places = math.prod(entry.shape) if "base" in task else 1
    return passes * examples * task.get("steps", _STEPS) * places * _size(task) * _networks(task)


def _memory(task: Mapping[str, Any]) -> int:
    entry = registry.get(task["dataset"])
    batch = min(_schedule(task).get("batch", 1), entry.n_examples) * task.get("enlarge", 1) ** 2
    # of images a factor counts channels or units: no layer has fewer numbers than the image
    units = _size(task) if "units" in task else math.prod(entry.shape)
    return 4 * task.get("steps", _STEPS) * batch * math.ceil(units)


def _schedule(task: Mapping[str, Any]) -> Mapping[str, Any]:
    found = task.get("schedule") or task.get("training")
    return found if isinstance(found, Mapping) else {}


def _size(task: Mapping[str, Any]) -> float:
    size = next((task[name] for name in _SIZES if name in task), 1)
    return sum(size.values()) if isinstance(size, Mapping) else size


def _networks(task: Mapping[str, Any]) -> int:
    crossed = [len(task[k]) for k in _CROSSED if isinstance(task.get(k), list) and task[k]]
    others = [
        _entries(value)
        for name, value in task.items()
        if name not in _ASIDE and not (name in _CROSSED and isinstance(value, list))
    ]
    return math.prod(crossed) * max(1, sum(others))


def _entries(value: Any) -> int:
    """Entries of a list, of lists inside, or points of a grid."""
    if isinstance(value, Mapping):
        inside = [v["points"] for v in value.values() if isinstance(v, Mapping) and "points" in v]
        return math.prod(inside) if inside else sum(map(_entries, value.values()))
    return len(value) if isinstance(value, list) else 0
