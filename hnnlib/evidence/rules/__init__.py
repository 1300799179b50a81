"""Rules: what the seeds of some cells say about one part of a claim.

Each rule is a pure function of a store and the cells it names, registered under its own name, and
returns a :class:`PartVerdict`. Its docstring says when a comparison is *for* and when *against* the
claim. Whether a run may speak at all is asked by gates (:mod:`hnnlib.evidence.gates`) afterwards.
Common to all rules:

- Supported: every comparison is for. Contradicted: any comparison is against. Not tested: what is
  missing would have to be for. Else undecided.
- A part is one family: its p-values are corrected together (Holm) and judged at 5 %. A comparison
  that was not run, or has fewer seeds than its test needs, counts in the family's size and keeps
  the part from being supported.
- Accuracies are compared in percentage points, seed by seed (paired). Seeds that diverged are left
  out of a difference and counted. Where seeds draw their parts anew from one pool, differences
  are corrected for what the parts share (Nadeau & Bengio 2003).
"""

from __future__ import annotations

from typing import Any

import xarray as xr

from hnnlib.evidence.comparison import NO_NAMES, Names, fitting
from hnnlib.evidence.papers import Part, Select
from hnnlib.evidence.rules.differences import best_not_better, better, cheaper, drop, equivalent
from hnnlib.evidence.rules.orders import interior, trend
from hnnlib.evidence.rules.runs import bound, correlated, not_measured
from hnnlib.evidence.rules.verdict import LEVEL, RULES, PartVerdict, Verdict, decide

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
    "decide",
    "drop",
    "equivalent",
    "interior",
    "items",
    "not_measured",
    "options",
    "trend",
]

_OPTIONS = ("variable", "need", "sense", "value", "other", "given")


def apply(
    dataset: xr.Dataset, part: Part, defaults: Select, names: Names = NO_NAMES
) -> PartVerdict:
    """Judge a part of a claim by the rule that it names."""
    return RULES[part.rule](dataset, items(dataset, part, defaults), names=names, **options(part))


def items(dataset: xr.Dataset, part: Part, defaults: Select) -> Any:
    """What a part compares, as its rule takes it; ``every``: all cells of the store that fit."""
    found = part.items(defaults)
    if not getattr(part, "every", False):
        return found
    return [select for one in found for select in fitting(dataset, one)]


def options(part: Part) -> dict[str, Any]:
    """What a part tells its rule beside its cells."""
    return {name: getattr(part, name) for name in _OPTIONS if hasattr(part, name)}
