"""Cells side by side: with each other, seed by seed, and with the numbers of the paper.

:func:`paired`, :func:`counted` and :func:`show` measure pairs of cells for the rules and the
ledger. :func:`compare` lays every number of a paper's tables beside ours.
"""

from __future__ import annotations

from hnnlib.evidence.comparison.cells import (
    Comparison,
    counted,
    dataset_of,
    learned,
    locate,
    mean,
    paired,
    show,
    sides,
    unit_of,
    valued,
    values_of,
)
from hnnlib.evidence.comparison.labels import (
    NO_NAMES,
    Names,
    describe,
    describe_cell,
    number_format,
    spoken,
    titled,
)
from hnnlib.evidence.comparison.stores import by_study, prepare
from hnnlib.evidence.comparison.tables import compare, data_label, pivot

__all__ = [
    "NO_NAMES",
    "Comparison",
    "Names",
    "by_study",
    "compare",
    "counted",
    "data_label",
    "dataset_of",
    "describe",
    "describe_cell",
    "learned",
    "locate",
    "mean",
    "number_format",
    "paired",
    "pivot",
    "prepare",
    "show",
    "sides",
    "spoken",
    "titled",
    "unit_of",
    "valued",
    "values_of",
]
