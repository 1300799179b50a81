"""How the groups of the study ``loss_landscape`` become one dataset."""

from __future__ import annotations

from typing import Any

import xarray as xr

from hnnlib.studies.base import join_cells

__all__ = ["collect"]


def collect(config: Any, runs: list[xr.Dataset]) -> xr.Dataset:
    """All groups; coordinates that only some of them have stay in order."""
    return join_cells(sorted(runs, key=lambda run: str(run["arm"].values[0]) != "main"))
