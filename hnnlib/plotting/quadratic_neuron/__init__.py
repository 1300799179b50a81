"""The figures and tables of the study ``quadratic_neuron``, drawn from its result store.

Each function takes the store as an ``xarray.Dataset``, but for those of the equations alone, and
returns a matplotlib figure or a table.
"""

from __future__ import annotations

from hnnlib.plotting.quadratic_neuron.accuracy import choices, drift, planes, printed, widths
from hnnlib.plotting.quadratic_neuron.dynamics import cobwebs, moments, responses
from hnnlib.plotting.quadratic_neuron.tables import accuracy_table, exact_table

__all__ = [
    "accuracy_table",
    "choices",
    "cobwebs",
    "drift",
    "exact_table",
    "moments",
    "planes",
    "printed",
    "responses",
    "widths",
]
