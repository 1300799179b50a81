"""The figures and tables of the study ``neural_operator``, drawn from its result store.

Each function takes the store as an ``xarray.Dataset``, but for those of the equations alone, and
returns a matplotlib figure or a table; None where the store lacks what is drawn.
"""

from __future__ import annotations

from hnnlib.plotting.neural_operator.bands import bands, learning, scaling
from hnnlib.plotting.neural_operator.membrane import channels, curves, responses
from hnnlib.plotting.neural_operator.speed import seconds
from hnnlib.plotting.neural_operator.spikes import errors, rank_agreement, scores, table, traces

__all__ = [
    "bands",
    "channels",
    "curves",
    "errors",
    "learning",
    "rank_agreement",
    "responses",
    "scaling",
    "scores",
    "seconds",
    "table",
    "traces",
]
