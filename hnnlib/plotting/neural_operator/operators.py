"""Operators in figures: their names and colours, and where a store has them."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["COLOURS", "title", "trained"]

_NAMES = {
    "main": "both features",
    "amplitude_scaled": "scaled waves",
    "constant": "constant channels",
    "no_cell": "no features",
    "no_amplitude": "no amplitude",
    "none": "no embedding",
    "slope": "slope alone",
    "rheobase": "threshold alone",
    "three": "three features",
    "l2": "relative L2 loss",
    "cosine": "half a cosine",
    "test": "chosen by the test part",
    "all": "scaled by all cells",
}
COLOURS = {"main": "#117733", "no_cell": "#DDAA33", "none": "#882255"}
"""Of operators that are drawn side by side."""
_SHARES = {
    "models": "{:.0%} of the cells, {:.0%} of the traces",
    "traces": "{1:.0%} of the traces",
    "sag": "fine-tuned, lambda {2}",
}
_SWITCH = {
    "embedding": "embedding",
    "features": "features",
    "loss": "loss",
    "schedule": "schedule",
    "select": "select",
    "scaling": "scaling",
}


def trained(store: xr.Dataset) -> list[xr.Dataset]:
    """All operators, in the store's order."""
    found = np.flatnonzero(store["train_seconds"].notnull())
    return [store.isel(cell=place) for place in found]


def title(cell: xr.Dataset) -> str:
    """What an operator is called."""
    arm = cell["arm"].item()
    if arm in _SHARES:
        models, traces = float(cell["models"]), float(cell["traces"])
        return _SHARES[arm].format(models, traces, cell["sag"].item())
    return _NAMES[arm if arm == "main" else cell[_SWITCH[arm]].item()]
