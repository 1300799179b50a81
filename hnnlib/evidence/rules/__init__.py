"""Verdict rules: what the seeds of some cells say about one part of a claim.

Each rule is a pure function of a store and the cells it names, registered under its own name, and
returns a :class:`PartVerdict`. Its docstring says when a comparison is *for* and when *against* the
claim. Common to all rules:

- Supported: every comparison is for. Contradicted: any comparison is against. Else undecided.
- A part is one family: its p-values are corrected together (Holm) and judged at 5 %. A comparison
  that was not run, or has fewer seeds than its test needs, counts in the family's size and keeps
  the part from being supported.
- A network that did not leave chance on its own training images was trained too little to say
  anything: comparisons with it stay open. A ``drop`` may end there, it must not start there.
- Accuracies are compared in percentage points, seed by seed (paired). Seeds that diverged are left
  out of a difference and counted.
"""

from __future__ import annotations

from typing import Any

import xarray as xr

from hnnlib.evidence.comparison import NO_NAMES, Names
from hnnlib.evidence.papers import Select
from hnnlib.evidence.rules.differences import best_not_better, better, cheaper, drop, equivalent
from hnnlib.evidence.rules.orders import interior, trend
from hnnlib.evidence.rules.runs import bound, correlated
from hnnlib.evidence.rules.verdict import LEVEL, RULES, PartVerdict, Verdict

__all__ = [
    "LEVEL",
    "RULES",
    "PartVerdict",
    "Verdict",
    "apply",
    "best_not_better",
    "better",
    "bound",
    "cheaper",
    "correlated",
    "drop",
    "equivalent",
    "interior",
    "trend",
]

_OPTIONS = ("variable", "need", "sense", "value", "other", "given")


def apply(dataset: xr.Dataset, part: Any, defaults: Select, names: Names = NO_NAMES) -> PartVerdict:
    """Judge a part of a claim by the rule that it names."""
    options = {name: getattr(part, name) for name in _OPTIONS if hasattr(part, name)}
    return RULES[part.rule](dataset, part.items(defaults), names=names, **options)
