"""How the groups of the study ``spike_equivalence`` become one dataset."""

from __future__ import annotations

from typing import Any

import xarray as xr

from hnnlib.studies.base import join_cells

__all__ = ["collect"]


def collect(config: Any, runs: list[xr.Dataset]) -> xr.Dataset:
    """All groups along ``cell``."""
    return join_cells(runs)
