"""Small-sample statistics over seeds: intervals, paired differences, equivalence, trend, Holm.

Every function takes one number a seed. Seeds without a result (NaN: diverged or not run) are left
out and counted in ``left_out``. Below ``SEEDS_NEEDED`` there is no interval and no p-value (NaN),
so no verdict can rest on them. The unit of the results is the unit of the input.

Where all differences between two conditions are equal, there is no estimate of their spread and
the t statistic is undefined. The interval then shrinks to the difference itself, and p-values fall
back on the signs alone (2^-n one-sided), so that three equal differences never count as proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

__all__ = [
    "SEEDS_NEEDED",
    "Difference",
    "Equivalence",
    "Mean",
    "Trend",
    "equivalence",
    "holm",
    "mean_interval",
    "paired_difference",
    "paired_values",
    "trend",
]

SEEDS_NEEDED = {"interval": 3, "difference": 3, "equivalence": 3, "trend": 3, "correlation": 4}
"""Fewest seeds for each kind of statement. Two give a t interval too, but one of 12.7 errors."""


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its t interval."""

    mean: float
    low: float
    high: float
    n: int
    left_out: int


@dataclass(frozen=True)
class Difference(Mean):
    """A mean paired difference, its t interval and the two-sided p of the null difference."""

    p: float


@dataclass(frozen=True)
class Equivalence(Mean):
    """A mean paired difference with its 90 % interval, judged against a margin.

    ``p_inside`` is small where the difference lies within the margin, ``p_outside`` where beyond.
    """

    margin: float
    p_inside: float
    p_outside: float


@dataclass(frozen=True)
class Trend:
    """One-sided p-values of Page's test for a rising and for a falling order of conditions."""

    p_rising: float
    p_falling: float
    n: int
    left_out: int


def mean_interval(values: ArrayLike, level: float = 0.95) -> Mean:
    """Mean with the two-sided t interval, mean +- t(n-1) s / sqrt(n) (Student 1908).

    Args:
        values: one number a seed, shape (seed,).
        level: coverage of the interval.
    """
    values = np.asarray(values, float)
    used = values[~np.isnan(values)]
    mean = float(used.mean()) if used.size else np.nan
    low, high = _t_interval(used, level)
    return Mean(mean, low, high, used.size, values.size - used.size)


def paired_difference(left: ArrayLike, right: ArrayLike, by: float = 0.0) -> Difference:
    """Mean of left - right over the seeds both have, 95 % t interval, p of "it is ``by``".

    p is two-sided, of the paired t test (``scipy.stats.ttest_rel``; Student 1908).

    Args:
        left, right: one number a seed, the same seeds in the same order, shape (seed,).
        by: the difference under the null hypothesis, in the unit of the input.
    """
    left, right = np.asarray(left, float), np.asarray(right, float)
    differences = paired_values(left, right)
    d = mean_interval(differences)
    p = np.nan
    if d.n >= SEEDS_NEEDED["difference"]:
        if _constant(differences):
            p = 1.0 if d.mean == by else 2 * _signs(d.n)
        else:
            keep = ~np.isnan(differences)
            p = float(stats.ttest_rel(left[keep], right[keep] + by).pvalue)
    return Difference(d.mean, d.low, d.high, d.n, d.left_out, p)


def equivalence(left: ArrayLike, right: ArrayLike, margin: float) -> Equivalence:
    """Two one-sided paired t tests: is |left - right| below the margin (Schuirmann 1987)?

    ``p_inside`` is the larger of the two one-sided p-values; at most 0.05 exactly where the 90 %
    interval lies within +-margin. ``p_outside`` is twice the smaller p of lying beyond one margin;
    at most 0.05 exactly where the 95 % interval lies wholly beyond it.

    Args:
        left, right: one number a seed, the same seeds in the same order, shape (seed,).
        margin: largest difference that counts as none, positive, in the unit of the input.

    Raises:
        ValueError: the margin is not positive.
    """
    if not margin > 0:
        raise ValueError(f"an equivalence margin must be positive, not {margin}")
    differences = paired_values(left, right)
    d = mean_interval(differences, level=0.90)
    if d.n < SEEDS_NEEDED["equivalence"]:
        inside = outside = np.nan
    else:
        above, below = _one_sided(differences, -margin)
        beyond, under = _one_sided(differences, margin)
        inside, outside = max(above, under), min(1.0, 2 * min(below, beyond))
    return Equivalence(d.mean, d.low, d.high, d.n, d.left_out, margin, inside, outside)


def trend(table: ArrayLike) -> Trend:
    """Page's test: do the conditions rise in their given order, seeds being the blocks (Page 1963)?

    Args:
        table: shape (seed, condition), at least three conditions; a seed that lacks one of them
            is left out.

    Raises:
        ValueError: fewer than three conditions, for which the test does not exist.
    """
    table = np.asarray(table, float)
    if table.ndim != 2 or table.shape[1] < 3:
        raise ValueError(f"Page's test needs (seed, three or more conditions), not {table.shape}")
    blocks = table[~np.isnan(table).any(axis=1)]
    n, left_out = len(blocks), len(table) - len(blocks)
    if n < SEEDS_NEEDED["trend"]:
        return Trend(np.nan, np.nan, n, left_out)
    rising = float(stats.page_trend_test(blocks).pvalue)
    falling = float(stats.page_trend_test(blocks[:, ::-1]).pvalue)
    return Trend(rising, falling, n, left_out)


def holm(p: Sequence[float]) -> list[float]:
    """Step-down adjusted p-values of one family (Holm 1979): the i-th smallest times m - i + 1.

    NaN stands for a test that could not be made: it counts in the family's size m and stays NaN,
    so that a smaller run is not judged more leniently.
    """
    p = np.asarray(p, float)
    order = np.argsort(p)  # NaN last
    adjusted = np.empty_like(p)
    steps = np.minimum(p[order] * (p.size - np.arange(p.size)), 1.0)
    adjusted[order] = np.maximum.accumulate(steps)
    return [float(value) for value in adjusted]


def paired_values(left: ArrayLike, right: ArrayLike) -> np.ndarray:
    """left - right, NaN where one of them lacks a result; equal but for rounding made equal.

    A store may hold float32: without this, three equal differences would look like three nearly
    equal ones, and their tiny rounding errors like a tiny spread.
    """
    left, right = np.asarray(left, float), np.asarray(right, float)
    if left.shape != right.shape or left.ndim != 1:
        raise ValueError(f"paired samples need the same seeds, not {left.shape} and {right.shape}")
    differences = left - right
    used = ~np.isnan(differences)
    if used.any():
        rounding = 1e-6 * max(np.abs(left[used]).max(), np.abs(right[used]).max())
        if np.ptp(differences[used]) <= rounding:
            differences = np.where(used, np.median(differences[used]), np.nan)
    return differences


def _t_interval(used: np.ndarray, level: float) -> tuple[float, float]:
    if used.size < SEEDS_NEEDED["interval"]:
        return np.nan, np.nan
    error = used.std(ddof=1) / np.sqrt(used.size)
    half = stats.t.ppf((1 + level) / 2, used.size - 1) * error
    return float(used.mean() - half), float(used.mean() + half)


def _one_sided(differences: np.ndarray, bound: float) -> tuple[float, float]:
    """One-sided p-values of "the mean lies above the bound" and "... below the bound"."""
    used = differences[~np.isnan(differences)]
    if not _constant(used):
        above = float(stats.ttest_1samp(used, bound, alternative="greater").pvalue)
        return above, 1 - above
    if used[0] == bound:
        return 1.0, 1.0
    return (_signs(used.size), 1.0) if used[0] > bound else (1.0, _signs(used.size))


def _constant(differences: np.ndarray) -> bool:
    return bool(np.nanmax(differences) == np.nanmin(differences))


def _signs(n: int) -> float:
    """Chance that n differences all have one given sign when both signs are equally likely."""
    return 0.5**n
