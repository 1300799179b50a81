"""Rules on the runs of single cells: two variables that go together, and a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    spoken,
    unit_of,
    valued,
    values_of,
)
from hnnlib.evidence.papers import Line, Select
from hnnlib.evidence.rules.verdict import PartVerdict, Tested, decide, directed, rule, settle

__all__ = ["bound", "correlated", "not_measured"]


@rule
def correlated(
    dataset: xr.Dataset,
    series: Sequence[tuple[Line, Sequence[Select]]],
    *,
    other: str,
    variable: str = "test_accuracy",
    sense: Literal["positive", "negative"] = "positive",
    given: Sequence[str] = (),
    names: Names = NO_NAMES,
) -> PartVerdict:
    """Two variables go together over the seeds within cells: rank correlation, permutation test.

    Ranks are taken within each cell of a series, so that differences between cells, such as models,
    make no correlation; what ranks of the variables held fixed explain is taken out first. For: in
    the sense claimed, one-sided Holm p at most 5 %. Against: the same in the other sense.
    """
    tests = []
    for line, selects in series:
        c, p_positive, p_negative = _correlation(
            dataset, line, selects, (variable, other), given, names
        )
        p = (p_positive, p_negative) if sense == "positive" else (p_negative, p_positive)
        sign = 1 if sense == "positive" else -1
        favours = None if np.isnan(c.difference) else bool(sign * c.difference > 0)
        tests.append(Tested(replace(c, sense=sign, favours=favours), *p))
    return decide(settle(tests))


@rule
def bound(
    dataset: xr.Dataset,
    selects: Sequence[Select],
    *,
    value: float,
    variable: str = "test_accuracy",
    sense: Literal["above", "below"] = "above",
    need: Literal["all", "any"] = "all",
    names: Names = NO_NAMES,
) -> PartVerdict:
    """A variable of every cell lies above (or below) a value: two-sided one-sample t test.

    For: the interval lies wholly on the side claimed, Holm p at most 5 %. Against: wholly on the
    other side. A number that has no seeds, exact or counted, is compared as it is: it needs no
    test, and no gate. With ``need="any"`` one cell for the claim supports it, and only all cells
    against it contradict it.
    """
    sign = 1 if sense == "above" else -1
    tests = []
    for select in selects:
        c, p = valued(dataset, select, variable, value, sense, names)
        far = sign * (c.difference - value) > 0
        if c.outcome == "open" and c.kind == "number":
            c = replace(c, outcome="for" if far else "against", favours=bool(far))
        tests.append(directed(c, p, far))
    return decide(settle(tests), need)


@rule
def not_measured(
    dataset: xr.Dataset, why: str, *, variable: str = "", names: Names = NO_NAMES
) -> PartVerdict:
    """A clause of the claim that no stored number can speak about: never tested, for a reason."""
    return PartVerdict("not tested", why, ())


def _correlation(
    dataset: xr.Dataset,
    line: Line,
    selects: Sequence[Select],
    variables: tuple[str, str],
    given: Sequence[str],
    names: Names,
) -> tuple[Comparison, float, float]:
    """The correlation in one series of cells, with its p-values of being positive and negative."""
    cells = [locate(dataset, select) for select in selects]
    label = f"{line.label}: {' with '.join(spoken(v, names) for v in variables)}"
    if given:
        label += f", given {' and '.join(spoken(v, names) for v in given)}"
    c = Comparison(label, tuple(selects), variables[0], "correlation", unit="1", outcome="not run")
    c = replace(c, cells=tuple(cell for cell in cells if cell))
    for variable in (*variables, *given):
        unit_of(dataset, variable)  # an unknown one is an error, whatever was run
    if None in cells:
        return c, np.nan, np.nan
    x, y, *fixed = (
        np.stack([values_of(dataset, cell, variable) for cell in cells])
        for variable in (*variables, *given)
    )
    found = statistics.seed_correlation(x, y, fixed)
    enough = found.n >= statistics.SEEDS_NEEDED["correlation"]
    c = replace(
        c,
        left=cells[0],
        right=cells[-1],
        means=(mean(x.ravel()), mean(y.ravel())),
        difference=found.rho,
        n=found.n,
        left_out=found.left_out,
        outcome="open" if enough else "too few seeds",
    )
    return c, found.p_positive, found.p_negative
