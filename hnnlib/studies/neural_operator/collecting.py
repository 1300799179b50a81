"""Summaries of the study ``neural_operator``."""

from __future__ import annotations

import xarray as xr

from hnnlib.variables import variable

__all__ = ["summarise"]


def summarise(whole: xr.Dataset) -> xr.Dataset:
    """The store with what operators gain, between cells, over averages of parameters."""
    away = whole["fi_distance"]
    gain = away.isel(cell=(whole["arm"] == "averaged").values).max("cell") - away
    found = gain.where(whole["train_seconds"].notnull()).transpose("cell", "seed")
    text = "distance of F-I curves of averaged cells minus that of operators between cells"
    return whole.assign(fi_gain=variable(found.dims, found.values, text, "spikes"))
