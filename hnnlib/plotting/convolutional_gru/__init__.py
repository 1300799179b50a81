"""The figures and tables of the study ``convolutional_gru``, made from its result store.

Each figure's function takes the store as an ``xarray.Dataset`` and returns a matplotlib figure, or
None where the store has nothing to show in it. Accuracy is that on speakers that training never
had, where the data set has such speakers, else on the test part. Squares are convolutional cells,
circles dense ones.
"""

from __future__ import annotations

from hnnlib.plotting.convolutional_gru.cell import diagram, traces
from hnnlib.plotting.convolutional_gru.cost import cost
from hnnlib.plotting.convolutional_gru.curves import learning_curves
from hnnlib.plotting.convolutional_gru.effects import changes, layouts, switches
from hnnlib.plotting.convolutional_gru.shares import shares
from hnnlib.plotting.convolutional_gru.tables import savings, table

__all__ = [
    "changes",
    "cost",
    "diagram",
    "layouts",
    "learning_curves",
    "savings",
    "shares",
    "switches",
    "table",
    "traces",
]
