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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from hnnlib.analysis import statistics
from hnnlib.evidence.comparison import (
    NO_NAMES,
    Comparison,
    Names,
    counted,
    learned,
    locate,
    mean,
    paired,
    sides,
    unit_of,
    values_of,
)
from hnnlib.evidence.papers import CellPair, Group, Select, Series

__all__ = [
    "LEVEL",
    "RULES",
    "PartVerdict",
    "apply",
    "best_not_better",
    "better",
    "cheaper",
    "drop",
    "equivalent",
    "trend",
]

LEVEL = 0.05
"""Level of every test, after Holm's correction."""

Verdict = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class PartVerdict:
    """What one part of a claim comes to, with the numbers."""

    verdict: Verdict
    reason: str
    comparisons: tuple[Comparison, ...]


class _Test(NamedTuple):
    """A comparison with the p-values of being for and against the claim."""

    comparison: Comparison
    p_for: float = np.nan
    p_against: float = np.nan


RULES: dict[str, Callable[..., PartVerdict]] = {}


def _rule(function: Callable[..., PartVerdict]) -> Callable[..., PartVerdict]:
    RULES[function.__name__] = function
    return function


def apply(dataset: xr.Dataset, part: Any, defaults: Select, names: Names = NO_NAMES) -> PartVerdict:
    """Judge a part of a claim by the rule that it names."""
    options = {k: getattr(part, k) for k in ("variable", "need", "sense") if hasattr(part, k)}
    return RULES[part.rule](dataset, part.items(defaults), names=names, **options)


# --- rules --------------------------------------------------------------------------------------


@_rule
def better(
    dataset: xr.Dataset,
    pairs: Sequence[CellPair],
    *,
    need: Literal["all", "any"] = "all",
    variable: str = "test_accuracy",
    sense: Literal["higher", "lower"] = "higher",
    names: Names = NO_NAMES,
) -> PartVerdict:
    """Left is better than right: two-sided paired t test.

    For: the interval excludes zero on the better side, Holm p at most 5 %. Against: on the other
    side. With ``need="any"`` one pair for the claim supports it, and only all pairs against it
    contradict it.
    """
    sign = 1 if sense == "higher" else -1
    tests = []
    for pair in pairs:
        c, p = paired(dataset, pair, variable, names)
        tests.append(_directed(c, p, sign * c.difference > 0))
    return _decide(_settle(tests), need)


@_rule
def drop(
    dataset: xr.Dataset,
    pairs: Sequence[CellPair],
    *,
    variable: str = "test_accuracy",
    names: Names = NO_NAMES,
) -> PartVerdict:
    """Left lies below right by at least the margin: two-sided paired t test of "by the margin".

    For: the interval lies wholly below minus the margin, Holm p at most 5 %. Against: wholly above
    it, so that the loss is smaller than claimed (or none).
    """
    tests = []
    for pair in pairs:
        c, p = paired(dataset, pair, variable, names, by=-pair.margin, may_fail=True)
        tests.append(_directed(c, p, c.difference < -c.margin))
    return _decide(_settle(tests))


@_rule
def equivalent(
    dataset: xr.Dataset,
    pairs: Sequence[CellPair],
    *,
    variable: str = "test_accuracy",
    names: Names = NO_NAMES,
) -> PartVerdict:
    """Left and right are on par: two one-sided paired t tests (TOST) against the margin.

    For: the difference lies within the margin with a Holm p of at most 5 % (so does its 90 %
    interval, which is the one shown). Against: it lies beyond, Holm p at most 5 %.
    """
    tests = []
    for pair in pairs:
        c, _ = paired(dataset, pair, variable, names)
        if c.outcome == "not run":
            tests.append(_Test(c))
            continue
        t = statistics.equivalence(*sides(dataset, pair, variable), pair.margin)
        c = replace(c, low=t.low, high=t.high, level=0.90)
        tests.append(_Test(c, t.p_inside, t.p_outside))
    return _decide(_settle(tests))


@_rule
def trend(
    dataset: xr.Dataset,
    series: Sequence[tuple[Series, Sequence[Select]]],
    *,
    variable: str = "test_accuracy",
    names: Names = NO_NAMES,
) -> PartVerdict:
    """Every series rises (or falls) in its order: Page's test with seeds as blocks.

    For: Holm p of the trend at most 5 % (two cells: their paired t test). Against: the same for the
    opposite trend, or a single step between neighbours that goes the other way, its paired interval
    excluding zero; Holm p over all opposite trends and all steps at most 5 %.
    """
    found, steps = [], []
    for one, selects in series:
        sign = 1 if one.sense == "rising" else -1
        found.append(_series(dataset, one, selects, sign, variable, names))
        if len(selects) > 2:
            for before, after in pairwise(selects):
                c, p = paired(dataset, CellPair(after, before), variable, names)
                c = replace(c, label=f"{one.label}, step {c.label}")
                steps.append(_directed(c, p, sign * c.difference > 0))
    settled = _settle(found, steps)
    back = [c for c in settled[len(found) :] if c.outcome == "against"]
    return _decide(settled[: len(found)], extra=back)


@_rule
def best_not_better(
    dataset: xr.Dataset,
    groups: Sequence[tuple[Group, Sequence[Select], Sequence[Select]]],
    *,
    variable: str = "test_accuracy",
    names: Names = NO_NAMES,
) -> PartVerdict:
    """The best cell on the left is not better than the best on the right by the margin or more.

    The best of each side is chosen by mean validation accuracy, so that the test images do not
    choose. For: the interval of the difference lies wholly below the margin, Holm p at most 5 %.
    Against: wholly above it.
    """
    tests = []
    for group, left, right in groups:
        best = [_best(dataset, side, variable) for side in (left, right)]
        pair = CellPair(best[0] or left[0], best[1] or right[0], group.margin)
        c, p = paired(dataset, pair, variable, names, by=group.margin)
        c = replace(c, label=f"best {c.label}")
        if None in best:
            c, p = replace(c, outcome="not run", label=f"best of all {group.label} cells"), np.nan
        tests.append(_directed(c, p, c.difference < group.margin))
    return _decide(_settle(tests))


@_rule
def cheaper(
    dataset: xr.Dataset,
    pairs: Sequence[CellPair],
    *,
    variable: str,
    names: Names = NO_NAMES,
) -> PartVerdict:
    """Left costs less than right, for a cost that is counted: no test, no seeds.

    For: the left number is smaller. Against: it is not.
    """
    found = []
    for pair in pairs:
        c = counted(dataset, pair, variable, names)
        if c.outcome == "open":
            c = replace(c, outcome="for" if c.difference < 0 else "against")
        found.append(c)
    return _decide(found)


# --- from tests to a verdict --------------------------------------------------------------------


def _directed(c: Comparison, p: float, favours: bool) -> _Test:
    """A two-sided p-value as evidence for the side on which the estimate lies."""
    if np.isnan(p):
        return _Test(c)
    return _Test(c, p, 1.0) if favours else _Test(c, 1.0, p)


def _settle(tests: Sequence[_Test], contrary: Sequence[_Test] = ()) -> list[Comparison]:
    """Holm over the family, once for and once against; then what each comparison says.

    ``contrary`` are tests that can speak against the claim only.
    """
    found = []
    p_for = statistics.holm([t.p_for for t in tests]) + [np.nan] * len(contrary)
    tests = [*tests, *(t._replace(p_for=np.nan) for t in contrary)]
    p_against = statistics.holm([t.p_against for t in tests])
    for test, good, bad in zip(tests, p_for, p_against, strict=True):
        c = test.comparison
        if c.outcome == "open":
            p, p_holm = (test.p_for, good) if good <= bad else (test.p_against, bad)
            outcome = "for" if good <= LEVEL else "against" if bad <= LEVEL else "open"
            c = replace(c, p=p, p_holm=p_holm, outcome=outcome)
        found.append(c)
    return found


def _decide(
    found: Sequence[Comparison],
    need: Literal["all", "any"] = "all",
    extra: Sequence[Comparison] = (),
) -> PartVerdict:
    """Verdict and reason; ``extra`` are comparisons that can only speak against."""
    good = [c for c in found if c.outcome == "for"]
    bad = [*(c for c in found if c.outcome == "against"), *extra]
    total, everything = len(found), (*found, *extra)
    if need == "any" and good:
        told = f"{len(good)} of {total} comparisons agree"
        return PartVerdict("supported", _tell(told, good, total), everything)
    if bad and (need == "all" or len(bad) == total):
        of = "" if extra else f" of {total}"
        word = "comparison" if extra and len(bad) == 1 else "comparisons"
        told = f"{len(bad)}{of} {word} {'goes' if len(bad) == 1 else 'go'} against the claim"
        return PartVerdict("contradicted", _tell(told, bad, total), everything)
    if len(good) == total:
        told = f"all {total} comparisons agree"
        return PartVerdict("supported", _tell(told, good, total, clearest=False), everything)
    return PartVerdict("undecided", _why_open(found, len(good)), everything)


def _tell(told: str, some: list[Comparison], total: int, clearest: bool = True) -> str:
    if total == 1 and len(some) == 1:
        return some[0].sentence()
    one = (min if clearest else max)(some, key=_weight)
    return f"{told}; the {'clearest' if clearest else 'weakest'} is {one.sentence()}"


def _weight(c: Comparison) -> tuple[float, float]:
    """Small for clear comparisons: by p, then by size (counts: by ratio)."""
    if c.kind == "count":
        return 0.0, -abs(np.log(c.means[0] / c.means[1])) if min(c.means) > 0 else 0.0
    return c.p_holm, -abs(c.difference)


def _why_open(found: Sequence[Comparison], good: int) -> str:
    total = len(found)
    absent = [c for c in found if c.outcome == "not run"]
    few = [c for c in found if c.outcome == "too few seeds"]
    dull = [c for c in found if c.outcome == "not learned"]
    still = [c for c in found if c.outcome == "open"]
    if len(absent) == total:
        return "not run at this scale" + (f": {found[0].label}" if total == 1 else "")
    if few:
        needed = statistics.SEEDS_NEEDED["difference"]
        reason = f"too few seeds, the test needs {needed}: {few[0].sentence()}"
    elif dull:
        reason = (
            f"{len(dull)} of {total} comparisons are with networks that did not learn their "
            f"training images: {dull[0].sentence()}"
        )
    elif still and total == 1:
        reason = f"the seeds do not decide: {still[0].sentence()}"
    elif still:
        one = max(still, key=_weight)
        reason = f"{good} of {total} comparisons agree, others are open: {one.sentence()}"
    else:
        return f"{len(absent)} of {total} comparisons not run at this scale: {absent[0].label}"
    return reason + (f"; {len(absent)} of {total} not run at this scale" if absent else "")


def _series(
    dataset: xr.Dataset,
    one: Series,
    selects: Sequence[Select],
    sign: int,
    variable: str,
    names: Names,
) -> _Test:
    """The trend of one series, with the evidence for and against its sense."""
    if len(selects) == 2:
        c, p = paired(dataset, CellPair(selects[1], selects[0]), variable, names)
        c = replace(c, label=f"{one.label}, {c.label}")
        return _directed(c, p, sign * c.difference > 0)
    cells = [locate(dataset, s) for s in selects]
    c = Comparison(
        one.label, tuple(selects), variable, "series", unit_of(dataset, variable), outcome="not run"
    )
    if None in cells:
        return _Test(c)
    table = np.stack([values_of(dataset, cell, variable) for cell in cells], axis=-1)
    t = statistics.trend(table)
    means = tuple(mean(column) for column in table.T)
    enough = t.n >= statistics.SEEDS_NEEDED["trend"]
    c = replace(
        c,
        left=cells[-1],
        right=cells[0],
        means=means,
        difference=means[-1] - means[0],
        n=t.n,
        left_out=t.left_out,
        outcome="open" if enough else "too few seeds",
    )
    if enough and not all(learned(dataset, cell, variable) for cell in cells):
        c = replace(c, outcome="not learned")
    p_for, p_against = (t.p_rising, t.p_falling)[::sign]
    return _Test(c, p_for, p_against)


def _best(dataset: xr.Dataset, selects: Sequence[Select], variable: str) -> Select | None:
    """Selector of the cell with the best mean validation accuracy; None if a cell is not run."""
    cells = [locate(dataset, s) for s in selects]
    if None in cells:
        return None
    chooser = "validation_accuracy" if variable == "test_accuracy" else variable
    means = [mean(values_of(dataset, cell, chooser)) for cell in cells]
    return selects[int(np.nanargmax(means))] if not np.isnan(means).all() else selects[0]
