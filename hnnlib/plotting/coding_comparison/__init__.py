"""The figures of the study ``coding_comparison``, drawn from its result store.

Each function takes the store as an ``xarray.Dataset`` and returns a matplotlib figure;
``dead_seeds`` returns a table. Cells that the store lacks are marked "not run"; cells whose seeds
all failed are marked so.
"""

from __future__ import annotations

from hnnlib.plotting.coding_comparison.accuracy import accuracy_by_row
from hnnlib.plotting.coding_comparison.cost import cost
from hnnlib.plotting.coding_comparison.curves import validation_curves
from hnnlib.plotting.coding_comparison.paired import differences, protocol_choices
from hnnlib.plotting.coding_comparison.seeds import dead_seeds

__all__ = [
    "accuracy_by_row",
    "cost",
    "dead_seeds",
    "differences",
    "protocol_choices",
    "validation_curves",
]
