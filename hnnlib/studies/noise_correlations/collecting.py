"""How the groups of the study ``noise_correlations`` become one dataset."""

from __future__ import annotations

from typing import Any

import xarray as xr

from hnnlib.studies.base import join_cells

__all__ = ["collect"]


def collect(config: Any, runs: list[xr.Dataset]) -> xr.Dataset:
    """All groups; every network's layers stay in the order in which they fire."""
    layers = dict.fromkeys(name for run in runs for name in run["layer"].values)
    return join_cells(runs).sel(layer=list(layers))
