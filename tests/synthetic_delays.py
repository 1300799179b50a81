"""A made-up result store of the study ``delays``: every cell, no training.

Its numbers are invented, so it serves tests of readers only. ``make()`` gives the full store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import get_args
from zlib import crc32

import numpy as np
import xarray as xr
from synthetic_store import provenance

from hnnlib.studies.delays.cells import Cell, DelayTask, Switch, cells
from hnnlib.studies.delays.collecting import summarise
from hnnlib.variables import variable

__all__ = ["make", "task"]

_NUMBERS = (
    "validation_accuracy",
    "train_accuracy",
    "unseen_accuracy",
    "seen_accuracy",
    "synaptic_operations",
    "multiply_accumulates",
)


def task(dataset: str = "shd", **changes) -> DelayTask:
    """Everything that a task may ask for."""
    full = {
        "dataset": dataset,
        "units": {"small": 32, "large": 128},
        "orders": [5, 15, 25],
        "controls": [5, 15, 25],
        "arms": get_args(Switch),
        "schedule": {"epochs": 50},
    }
    return DelayTask.model_validate(full | changes)


def make(
    *,
    seeds: int = 5,
    datasets: Sequence[str] = ("shd", "randman_standard"),
    means: Mapping[str, float] = {},
    away: float = 1e-12,
    **changes,
) -> xr.Dataset:
    """The study's store with invented numbers; ``means`` are added to accuracy by line."""
    found = [(name, cell) for name in datasets for cell in cells(task(name, **changes))]
    labels = [asdict(cell) | {"dataset": name, "units": _units(cell)} for name, cell in found]
    names = [f"{name}/{cell.name}" for name, cell in found]
    noise = np.array(
        [
            [np.random.default_rng([s, crc32(name.encode())]).normal() for s in range(seeds)]
            for name in names
        ]
    )
    gain = np.array([[means.get(cell.line, 0.0)] for _, cell in found])
    accuracy, both = 0.6 + 0.002 * noise + gain, ("cell", "seed")
    line = np.array([cell.order > 0 and cell.line != "dcls" for _, cell in found])
    count, order = len(found), max(cell.order for _, cell in found)
    shape = count, seeds, 2, order
    curve = np.broadcast_to(accuracy[..., None], (*accuracy.shape, 50))
    named = {name: variable(both, accuracy, "made up") for name in ("test_accuracy", *_NUMBERS)}
    rate = np.array([[0.1 + 0.3 * (cell.line == "delay")] for _, cell in found])
    named |= {
        "firing_rate": variable(both, rate + 0 * accuracy, "made up"),
        "selection_premium": variable(both, 0.02 + 0 * accuracy, "made up"),
        "last_epoch_premium": variable(both, 0 * accuracy, "made up"),
        "diverged": variable(both, 0 * accuracy, "made up"),
        "validation_curve": variable((*both, "epoch"), curve, "made up"),
        "train_loss": variable((*both, "epoch"), curve, "made up"),
        "presented": variable(both, 5000 + 0 * accuracy, "made up"),
        "train_examples": variable(("cell",), np.full(count, 100), "made up"),
        "train_seconds": variable(("cell",), np.where(line, 1.2, 1.0), "made up", "s"),
        "step_seconds": variable(both, 1 + 0.2 * line[:, None] + 0.01 * noise, "made up", "s"),
        "parameters": variable(("cell",), [1000 + 50 * c.order for _, c in found], "made up"),
        "states": variable(("cell",), [1 + c.member.lags for _, c in found], "made up"),
        "largest_difference": variable(("cell",), np.where(line, away, np.nan), "made up"),
    }
    for name in ("taps", "taps_low", "taps_high"):
        named[name] = variable((*both, "layer", "lag"), np.full(shape, 0.5), "made up")
    coords = {name: ("cell", [one[name] for one in labels]) for name in labels[0]}
    coords |= {"cell": names, "seed": np.arange(seeds), "epoch": np.arange(50)}
    sources = {name: {"official": True, "origin": "made up"} for name in datasets}
    marks = dict.fromkeys(datasets, "made up")
    store = xr.Dataset(named, coords | {"layer": [1, 2], "lag": np.arange(order)})
    return summarise(store).assign_attrs(provenance("delays", "paper", sources, marks))


def _units(cell: Cell) -> str:
    return {"small": "32", "large": "128"}[cell.size]
