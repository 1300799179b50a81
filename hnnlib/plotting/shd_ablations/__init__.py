"""The figures and the table of the study ``shd_ablations``, made from its result store.

Each figure's function takes the store as an ``xarray.Dataset`` and returns a matplotlib figure,
with a row for each data set. Cells that the store lacks are left out or marked "not run"; cells
whose seeds all failed are marked so. Models are compared on speakers that training never had, where
the data set has such speakers.
"""

from __future__ import annotations

from hnnlib.plotting.shd_ablations.accuracy import accuracy_by_model, seen_and_unseen
from hnnlib.plotting.shd_ablations.context import context
from hnnlib.plotting.shd_ablations.curves import learning_curves
from hnnlib.plotting.shd_ablations.effects import choices, differences_by_amount
from hnnlib.plotting.shd_ablations.scaling import amount, ratio
from hnnlib.plotting.shd_ablations.selection import selection
from hnnlib.plotting.shd_ablations.tables import accuracy_table, difference_table, read

__all__ = [
    "accuracy_by_model",
    "accuracy_table",
    "amount",
    "choices",
    "context",
    "difference_table",
    "differences_by_amount",
    "learning_curves",
    "ratio",
    "read",
    "seen_and_unseen",
    "selection",
]
