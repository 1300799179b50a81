"""What a paper reports and claims, as data: the models of ``papers/<paper>.yaml`` and their reader.

A *selector* names a cell of a result store by its coordinates, such as ``{coding: duplicate,
training: separate}``. Selectors nest: the paper's ``defaults``, then the table's, part's or
column's, then the cell's own; the inner one wins. ``vocabulary`` lists the coordinates and values
that a selector may use, so that a slip of the pen is an error and not a cell that was "not run".

Several studies may rerun one paper (``studies: [a, b]``). A table, a claim or a part of a claim
then names its ``study``, each with a store of its own; the default is the first.
"""

from __future__ import annotations

from hnnlib.evidence.papers.base import Select
from hnnlib.evidence.papers.gates import Baseline, Fault, Gate, Gates, OwnNumbers
from hnnlib.evidence.papers.paper import Anchor, Claim, Edition, Fact, Inconsistency, Paper
from hnnlib.evidence.papers.parts import (
    BestNotBetter,
    Better,
    Bound,
    CellPair,
    Cheaper,
    Context,
    Correlated,
    Drop,
    Equivalent,
    Group,
    Interior,
    Line,
    NotMeasured,
    Pair,
    Part,
    Series,
    Trend,
)
from hnnlib.evidence.papers.reader import PAPERS, load, naming
from hnnlib.evidence.papers.readings import Reading
from hnnlib.evidence.papers.tables import Entry, Table

__all__ = [
    "PAPERS",
    "Anchor",
    "Baseline",
    "BestNotBetter",
    "Better",
    "Bound",
    "CellPair",
    "Cheaper",
    "Claim",
    "Context",
    "Correlated",
    "Drop",
    "Edition",
    "Entry",
    "Equivalent",
    "Fact",
    "Fault",
    "Gate",
    "Gates",
    "Group",
    "Inconsistency",
    "Interior",
    "Line",
    "NotMeasured",
    "OwnNumbers",
    "Pair",
    "Paper",
    "Part",
    "Reading",
    "Select",
    "Series",
    "Table",
    "Trend",
    "load",
    "naming",
]
