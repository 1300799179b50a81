"""Cells side by side: with each other, seed by seed, and with the numbers of the paper.

:func:`paired`, :func:`counted` and :func:`show` measure pairs of cells for the rules and the
ledger. :func:`compare` lays every number of a paper's tables beside ours.
"""

from __future__ import annotations

from hnnlib.evidence.comparison.cells import (
    at,
    chance_of,
    counted,
    dataset_of,
    fitting,
    interval_of,
    locate,
    mean,
    overlap_of,
    paired,
    predicted,
    ran,
    show,
    sides,
    step_of,
    unit_of,
    valued,
    values_of,
)
from hnnlib.evidence.comparison.labels import (
    NO_NAMES,
    WITHOUT_DATA,
    Names,
    describe,
    describe_cell,
    number_format,
    spoken,
    titled,
)
from hnnlib.evidence.comparison.outputs import constant_seeds, dead_outputs, dead_seeds, told_dead
from hnnlib.evidence.comparison.record import Comparison
from hnnlib.evidence.comparison.stores import Stores, by_study, prepare
from hnnlib.evidence.comparison.tables import compare, data_label, pivot

__all__ = [
    "NO_NAMES",
    "WITHOUT_DATA",
    "Comparison",
    "Names",
    "Stores",
    "at",
    "by_study",
    "chance_of",
    "compare",
    "constant_seeds",
    "counted",
    "data_label",
    "dataset_of",
    "dead_outputs",
    "dead_seeds",
    "describe",
    "describe_cell",
    "fitting",
    "interval_of",
    "locate",
    "mean",
    "number_format",
    "overlap_of",
    "paired",
    "pivot",
    "predicted",
    "prepare",
    "ran",
    "show",
    "sides",
    "step_of",
    "spoken",
    "titled",
    "told_dead",
    "unit_of",
    "valued",
    "values_of",
]
