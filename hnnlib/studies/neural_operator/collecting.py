"""How the groups of the study ``neural_operator`` become one dataset, and its summaries."""

from __future__ import annotations

from typing import Any

import xarray as xr

from hnnlib.studies.base import join_cells
from hnnlib.variables import variable

__all__ = ["collect", "summarise"]


def collect(config: Any, runs: list[xr.Dataset]) -> xr.Dataset:
    """All groups, and what is computed from them."""
    return summarise(join_cells(runs))


def summarise(whole: xr.Dataset) -> xr.Dataset:
    """The store with what operators gain, between cells, over averages of parameters."""
    away = whole["fi_distance"]
    gain = away.isel(cell=(whole["arm"] == "averaged").values).max("cell") - away
    found = gain.where(whole["train_seconds"].notnull()).transpose("cell", "seed")
    text = "distance of F-I curves of averaged cells minus that of operators between cells"
    return whole.assign(fi_gain=variable(found.dims, found.values, text, "spikes"))
