"""Rules on cells in an order: a trend, and a best cell inside the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
import xarray as xr

from hnnlib.analysis import statistics
from hnnlib.evidence.comparison import (
    NO_NAMES,
    Comparison,
    Names,
    locate,
    mean,
    overlap_of,
    paired,
    titled,
    unit_of,
    values_of,
)
from hnnlib.evidence.papers import CellPair, Line, Select, Series
from hnnlib.evidence.rules.best import best_of, chooser
from hnnlib.evidence.rules.verdict import PartVerdict, Tested, decide, directed, rule, settle

__all__ = ["interior", "trend"]


@rule
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
                pair, step = CellPair(after, before), f"{one.label}, step "
                c, p = paired(dataset, pair, variable, names, prefix=step)
                steps.append(directed(replace(c, sense=sign), p, sign * c.difference > 0))
    settled = settle(found, steps)
    back = [c for c in settled[len(found) :] if c.outcome == "against"]
    return decide(settled[: len(found)], extra=back)


@rule
def interior(
    dataset: xr.Dataset,
    series: Sequence[tuple[Line, Sequence[Select]]],
    *,
    variable: str = "test_accuracy",
    sense: Literal["higher", "lower"] = "higher",
    names: Names = NO_NAMES,
) -> PartVerdict:
    """The best cell of every series lies inside it: it is better than both ends, paired t tests.

    The best inner cell is chosen by mean validation accuracy; for variables that are no accuracy,
    by the variable itself, and p-values are then multiplied by the number of inner cells. For:
    better than either end, Holm p at most 5 %. Against: an end is better than the best inner cell.
    """
    sign = 1 if sense == "higher" else -1
    tests = []
    for line, selects in series:
        inner = selects[1:-1]
        chosen = best_of(dataset, inner, variable, sense)
        looks = len(inner) if chooser(dataset, variable) == variable else 1
        for end in (selects[0], selects[-1]):
            pair, inside = CellPair(chosen or inner[0], end), f"{line.label}, best inside: "
            c, p = paired(dataset, pair, variable, names, prefix=inside)
            if chosen is None:
                c, p = replace(c, outcome="not run", label=f"{line.label}, best inside"), np.nan
            tests.append(
                directed(replace(c, sense=sign), min(1.0, looks * p), sign * c.difference > 0)
            )
    return decide(settle(tests))


def _series(
    dataset: xr.Dataset,
    one: Series,
    selects: Sequence[Select],
    sign: int,
    variable: str,
    names: Names,
) -> Tested:
    """The trend of one series, with the evidence for and against its sense."""
    if len(selects) == 2:
        pair = CellPair(selects[1], selects[0])
        c, p = paired(dataset, pair, variable, names, prefix=f"{one.label}, ")
        return directed(replace(c, sense=sign), p, sign * c.difference > 0)
    cells = [locate(dataset, s) for s in selects]
    c = Comparison(
        titled(one.label, variable, names),
        tuple(selects),
        variable,
        "series",
        unit_of(dataset, variable),
        outcome="not run",
        cells=tuple(cell for cell in cells if cell),
        sense=sign,
    )
    if None in cells:
        return Tested(c)
    table = np.stack([values_of(dataset, cell, variable) for cell in cells], axis=-1)
    t = statistics.trend(table, overlap_of(dataset, cells[0]))
    means = tuple(mean(column) for column in table.T)
    ran = table[~np.isnan(table).all(axis=1)]
    own = ran - np.nanmean(ran, axis=1, keepdims=True)  # a seed's level tells no order
    spread = float(np.nanstd(own, axis=0, ddof=1).mean()) if t.n > 1 else np.nan
    enough = t.n >= statistics.SEEDS_NEEDED["trend"]
    c = replace(
        c,
        left=cells[-1],
        right=cells[0],
        means=means,
        difference=means[-1] - means[0],
        n=t.n,
        left_out=t.left_out,
        spread=spread,
        favours=bool((sign * np.diff(means) > 0).all()),
        outcome="open" if enough else "too few seeds",
    )
    p_for, p_against = (t.p_rising, t.p_falling)[::sign]
    return Tested(c, p_for, p_against)
