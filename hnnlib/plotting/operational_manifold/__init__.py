"""The figures of the study ``operational_manifold``, drawn from its result store.

Each function takes the store as an ``xarray.Dataset`` and returns a matplotlib figure.
"""

from __future__ import annotations

from hnnlib.plotting.operational_manifold.maps import control, maps
from hnnlib.plotting.operational_manifold.pareto import pareto, printed
from hnnlib.plotting.operational_manifold.surrogates import surrogates

__all__ = ["control", "maps", "pareto", "printed", "surrogates"]
