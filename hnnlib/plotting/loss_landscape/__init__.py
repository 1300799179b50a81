"""The figures of the study ``loss_landscape``, drawn from its result store.

Each function takes the store as an ``xarray.Dataset`` and returns a matplotlib figure, or a table
of text. Data sets and arms that the store lacks are left out.
"""

from __future__ import annotations

from hnnlib.plotting.loss_landscape.arms import by_radius, by_ratio
from hnnlib.plotting.loss_landscape.maps import maps, slices
from hnnlib.plotting.loss_landscape.ratios import ratios
from hnnlib.plotting.loss_landscape.runs import across_runs
from hnnlib.plotting.loss_landscape.scales import by_scale
from hnnlib.plotting.loss_landscape.tables import features, summary

__all__ = [
    "across_runs",
    "by_radius",
    "by_ratio",
    "by_scale",
    "features",
    "maps",
    "ratios",
    "slices",
    "summary",
]
