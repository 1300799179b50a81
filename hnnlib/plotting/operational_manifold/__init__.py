"""The figures of the study ``operational_manifold``, drawn from its result store.

Each function takes the store as an ``xarray.Dataset`` and returns a matplotlib figure;
``count_seeds`` gives words for its caption.
"""

from __future__ import annotations

from hnnlib.plotting.operational_manifold.maps import control, maps
from hnnlib.plotting.operational_manifold.pareto import pareto, printed
from hnnlib.plotting.operational_manifold.surfaces import count_seeds
from hnnlib.plotting.operational_manifold.surrogates import surrogates

__all__ = ["control", "count_seeds", "maps", "pareto", "printed", "surrogates"]
