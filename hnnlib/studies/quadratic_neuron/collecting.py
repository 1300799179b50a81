"""How the groups of the study ``quadratic_neuron`` become one dataset, and its summaries."""

from __future__ import annotations

from typing import Any

import xarray as xr

from hnnlib.studies.base import join_cells
from hnnlib.studies.quadratic_neuron.summary import summarise

__all__ = ["collect", "summarise"]


def collect(config: Any, runs: list[xr.Dataset]) -> xr.Dataset:
    """All cells, and those that stand for several."""
    return summarise(join_cells(runs))
