"""How the groups of the study ``bit_plane_coding`` become one dataset.

What is computed beside them is computed with tensors, so that this module loads torch.
"""

from __future__ import annotations

from typing import Any

import xarray as xr

from hnnlib.studies.base import join_cells
from hnnlib.studies.bit_plane_coding.cells import labelled
from hnnlib.studies.bit_plane_coding.exact import exact

__all__ = ["collect"]


def collect(config: Any, runs: list[xr.Dataset]) -> xr.Dataset:
    """All groups, and behind them what is computed."""
    return join_cells([*runs, *(labelled(found, cell, "none") for cell, found in exact())])
