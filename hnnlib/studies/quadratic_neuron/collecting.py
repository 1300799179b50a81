"""Cells that stand for several: the lowest point of a plane, the best neuron, counts of all."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hnnlib.analysis import cells
from hnnlib.studies.base import join_cells
from hnnlib.variables import of_cell, variable

__all__ = ["LABELS", "summarise"]

_SUMMARIES = ("lowest", "best", "count")
_PLANE = {
    "lowest_accuracy": "lowest test accuracy of a plane",
    "spread_accuracy": "deviation of test accuracy over a plane",
}
_COPIED = (
    "diverged",
    "test_accuracy",
    "train_accuracy",
    "validation_accuracy",
    "validation_curve",
    "spikes",
)
LABELS = ("neuron", "leak", "sigma", "window", "reading", "clamp", "u2", "height", "track")
LABELS += ("first", "loss", "steps", "arm", "network", "dataset")
"""Coordinates of a cell."""


def summarise(whole: xr.Dataset) -> xr.Dataset:
    """The store with these cells behind those that were trained, made anew."""
    trained = whole.isel(cell=~whole["arm"].isin(_SUMMARIES).values)
    planes = cells.select(trained, arm="plane")
    parts = [trained]
    for (dataset, neuron), plane in cells.parts(planes, "dataset", "neuron"):
        parts.append(_best(plane, dataset, neuron))
        for (window,), part in cells.parts(plane, "window"):
            if part.sizes["cell"] > 1:  # a single point is no plane
                parts.append(_lowest(part, dataset, neuron, window))
    fitted = trained.isel(cell=trained["diverged"].notnull().any("seed").values)
    for (dataset, neuron, reading), part in cells.parts(fitted, "dataset", "neuron", "reading"):
        parts.append(_count(part, dataset, neuron, reading))
    joined = join_cells(parts)
    missing = [name for name in _PLANE if name not in joined]  # where no plane has two points
    return joined.assign(
        {name: variable(("cell", "seed"), _nothing(joined), _PLANE[name]) for name in missing}
    )


def _nothing(like: xr.Dataset) -> np.ndarray:
    return np.full((like.sizes["cell"], like.sizes["seed"]), np.nan)


def _cell(found: dict, like: xr.Dataset, name: str, **labels: str) -> xr.Dataset:
    """A cell with the labels given; of the others it has none."""
    every = dict.fromkeys(LABELS, "any") | {"network": "stack"} | labels
    coords = {key: ("cell", [value]) for key, value in every.items()}
    return xr.Dataset(
        found, coords | {"cell": [name], "seed": like["seed"], "epoch": like["epoch"]}
    )


def _best(plane: xr.Dataset, dataset: str, neuron: str) -> xr.Dataset:
    """The point and window with the highest validation accuracy, mean over seeds; the first where
    all of them failed.
    """
    place = int(plane["validation_accuracy"].mean("seed").fillna(-1).argmax("cell"))
    chosen = plane[list(_COPIED)].isel(cell=[place])
    found = {name: values.variable for name, values in chosen.data_vars.items()}
    found["candidates"] = of_cell((), plane.sizes["cell"], "cells that validation chose from")
    labels = {key: str(chosen[key].item()) for key in LABELS} | {"arm": "best"}
    return _cell(found, plane, f"{dataset}/{neuron}/best", **labels)


def _lowest(plane: xr.Dataset, dataset: str, neuron: str, window: str) -> xr.Dataset:
    """The lowest accuracy of a plane under one window, and the spread over its points, seed by
    seed; what it learned and how it went on are those of the lowest point, too. A seed at which a
    point diverged has none.
    """
    test = plane["test_accuracy"]
    found = {
        "lowest_accuracy": test.min("cell", skipna=False),
        "spread_accuracy": test.std("cell", ddof=1, skipna=False),
    }
    found = {name: of_cell(("seed",), values, _PLANE[name]) for name, values in found.items()}
    found |= {
        "points": of_cell((), plane.sizes["cell"], "points of the plane"),
    }
    for name in ("train_accuracy", "validation_curve"):
        found[name] = plane[name].min("cell", keep_attrs=True).expand_dims("cell").variable
    found["diverged"] = plane["diverged"].max("cell", keep_attrs=True).expand_dims("cell").variable
    labels = {"dataset": dataset, "neuron": neuron, "window": window, "arm": "lowest"}
    return _cell(found, plane, f"{dataset}/{neuron}/lowest/{window}", **labels)


def _count(part: xr.Dataset, dataset: str, neuron: str, reading: str) -> xr.Dataset:
    """Networks that were trained, and those that diverged."""
    found = {
        "members": of_cell((), part["diverged"].size, "networks trained"),
        "diverged_members": of_cell((), int(part["diverged"].sum()), "networks that diverged"),
    }
    labels = {"dataset": dataset, "neuron": neuron, "reading": reading, "arm": "count"}
    return _cell(found, part, f"{dataset}/{neuron}/count/{reading}", **labels)
