"""Rules on pairs of cells: better, drop, equivalent, the best of two sets, cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import xarray as xr

from hnnlib.analysis import statistics
from hnnlib.evidence.comparison import (
    NO_NAMES,
    Names,
    counted,
    overlap_of,
    paired,
    sides,
    step_of,
)
from hnnlib.evidence.papers import CellPair, Group, Select
from hnnlib.evidence.rules.best import best_of
from hnnlib.evidence.rules.verdict import PartVerdict, Tested, decide, directed, rule, settle

__all__ = ["best_not_better", "better", "cheaper", "drop", "equivalent"]


@rule
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
        tests.append(directed(replace(c, sense=sign), p, sign * c.difference > 0))
    return decide(settle(tests), need)


@rule
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
        tests.append(directed(replace(c, sense=-1), p, c.difference < -c.margin))
    return decide(settle(tests))


@rule
def equivalent(
    dataset: xr.Dataset,
    pairs: Sequence[CellPair],
    *,
    need: Literal["all", "any"] = "all",
    variable: str = "test_accuracy",
    names: Names = NO_NAMES,
) -> PartVerdict:
    """Left and right are on par: two one-sided paired t tests (TOST) against the margin.

    For: the difference lies within the margin with a Holm p of at most 5 % (so does its 90 %
    interval, which is the one shown). Against: it lies beyond, Holm p at most 5 %. With
    ``need="any"`` one pair for the claim supports it, and only all pairs against it contradict it.
    """
    tests = []
    for pair in pairs:
        c, _ = paired(dataset, pair, variable, names)
        if c.outcome == "not run":
            tests.append(Tested(c))
            continue
        both, overlap = sides(dataset, pair, variable), overlap_of(dataset, c.left)
        t = statistics.equivalence(*both, pair.margin, overlap, step_of(*both))
        inside = None if np.isnan(c.difference) else bool(abs(c.difference) < pair.margin)
        c = replace(c, low=t.low, high=t.high, level=0.90, sense=0, favours=inside)
        tests.append(Tested(c, t.p_inside, t.p_outside))
    return decide(settle(tests), need)


@rule
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
        best = [best_of(dataset, side, variable) for side in (left, right)]
        pair = CellPair(best[0] or left[0], best[1] or right[0], group.margin)
        c, p = paired(dataset, pair, variable, names, by=group.margin, prefix="best ")
        if None in best:
            c, p = replace(c, outcome="not run", label=f"best of all {group.label} cells"), np.nan
        tests.append(directed(replace(c, sense=-1), p, c.difference < group.margin))
    return decide(settle(tests))


@rule
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
            less = bool(c.difference < 0)
            c = replace(c, outcome="for" if less else "against", sense=-1, favours=less)
        found.append(c)
    return decide(found)
