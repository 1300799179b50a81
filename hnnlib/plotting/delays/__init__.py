"""The figures and the table of the study ``delays``, made from its result store.

Each figure's function takes the store as an ``xarray.Dataset`` and returns a matplotlib figure,
or None where the store has nothing for it. Networks are compared on speakers that training never
had, where the data set has such speakers.
"""

from __future__ import annotations

from hnnlib.plotting.delays.accuracy import by_parameters, by_taps, gain_in_parts
from hnnlib.plotting.delays.choices import choices
from hnnlib.plotting.delays.drawing import neuron
from hnnlib.plotting.delays.learnt import curves, taps
from hnnlib.plotting.delays.tables import table

__all__ = [
    "by_parameters",
    "by_taps",
    "choices",
    "curves",
    "gain_in_parts",
    "neuron",
    "table",
    "taps",
]
