"""Summaries of the study ``delays``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hnnlib.analysis.cells import one
from hnnlib.variables import variable

__all__ = ["summarise"]

LAG_0 = {"delay": "gain", "norm": "gain_norm"}
"""The control that has a line's taps at lag 0."""


def summarise(whole: xr.Dataset) -> xr.Dataset:
    """What each cell gains over the network without a line, and over its control at lag 0."""
    gain, true_gain, ratio = [], [], []
    for place in range(whole.sizes["cell"]):
        cell = whole.isel(cell=place)
        own = {k: cell[k].item() for k in ("dataset", "size", "neuron", "order")}
        main = {"width": "own", "mask_axis": "none", "draw": "keyed", "trained": "yes"}
        main |= {"init": "rand"} | own
        none = one(whole, **main | {"line": "none", "order": 0})
        kind = LAG_0.get(cell["line"].item())
        control = kind and one(whole, **main | {"line": kind})
        nothing = np.full(whole.sizes["seed"], np.nan)
        accuracy = cell["test_accuracy"].values
        gain.append(nothing if none is None else accuracy - none["test_accuracy"].values)
        true_gain.append(nothing if not control else accuracy - control["test_accuracy"].values)
        seconds = nothing if none is None else none["step_seconds"].values
        ratio.append(cell["step_seconds"].values / seconds)
    both, text = ("cell", "seed"), "test accuracy minus that of"
    return whole.assign(
        delay_gain=variable(both, gain, f"{text} the same network without a line"),
        true_delay_gain=variable(both, true_gain, f"{text} the same taps, all at lag 0"),
        time_ratio=variable(both, ratio, "time of a training step over that without a line"),
    )
