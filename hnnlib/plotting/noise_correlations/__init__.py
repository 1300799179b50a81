"""The figures of the study ``noise_correlations``, drawn from its result store.

Each function takes the store as an ``xarray.Dataset`` and returns a matplotlib figure.
"""

from __future__ import annotations

from hnnlib.plotting.noise_correlations.changes import changes, layers
from hnnlib.plotting.noise_correlations.distributions import distributions
from hnnlib.plotting.noise_correlations.maps import correlation_by_regime, regime_maps
from hnnlib.plotting.noise_correlations.matrices import matrices
from hnnlib.plotting.noise_correlations.values import values

__all__ = [
    "changes",
    "correlation_by_regime",
    "distributions",
    "layers",
    "matrices",
    "regime_maps",
    "values",
]
