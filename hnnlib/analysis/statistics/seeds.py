"""Small-sample statistics over seeds: paired differences, equivalence, trend, Holm, seeds needed.

Every function takes one number a seed. Seeds without a result (NaN: diverged or not run) are left
out and counted in ``left_out``. Below ``SEEDS_NEEDED`` there is no interval and no p-value (NaN),
so no answer can rest on them. The unit of the results is the unit of the input.

Where all differences between two conditions are equal, their spread hides below the step in which
they are counted (one image, one point of a grid). A number rounded to a step h has an error of
standard deviation h / sqrt(12) (Sheppard 1898), which is put in place of the spread. A step that is
not known is taken as the distance to the hypothesis, the widest that still tells the two apart: t
is then sqrt(12 n), and p 0.027 for three seeds, 0.0015 for five.

Where each seed draws its training and test part anew from one pool, seeds share examples and a
plain t test finds too much. ``overlap`` is then the number of test over that of training examples:
the variance of a mean is s^2 (1/n + overlap) (the corrected resampled t test of Nadeau & Bengio
2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from hnnlib.analysis.statistics.intervals import SEEDS_NEEDED, Mean, mean_interval

__all__ = [
    "Difference",
    "Equivalence",
    "Trend",
    "equivalence",
    "holm",
    "paired_difference",
    "paired_values",
    "seeds_to_decide",
    "trend",
]

_MOST_SEEDS = 1000


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


def paired_difference(
    left: ArrayLike,
    right: ArrayLike,
    by: float = 0.0,
    overlap: float = 0.0,
    step: float = np.inf,
) -> Difference:
    """Mean of left - right over the seeds both have, 95 % t interval, p of "it is ``by``".

    p is two-sided, of the paired t test (Student 1908), corrected for overlapping parts.

    Args:
        left, right: one number a seed, the same seeds in the same order, shape (seed,).
        by: the difference under the null hypothesis, in the unit of the input.
        overlap: test over training examples where parts are drawn anew; 0: they are fixed.
        step: in which the numbers are counted, if it is known; it matters for equal values.

    >>> found = paired_difference([97.1, 97.4, 97.0], [96.0, 96.6, 95.8])
    >>> print(f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}], p = {found.p:.3f}")
    1.03 [0.52, 1.55], p = 0.013
    """
    differences = paired_values(left, right)
    d = mean_interval(differences, overlap=overlap)
    p = np.nan
    if d.n >= SEEDS_NEEDED["difference"]:
        t = _t(differences[~np.isnan(differences)], by, overlap, step)
        p = float(2 * stdtr(d.n - 1, -abs(t)))
    return Difference(d.mean, d.low, d.high, d.n, d.left_out, p)


def equivalence(
    left: ArrayLike,
    right: ArrayLike,
    margin: float,
    overlap: float = 0.0,
    step: float = np.inf,
) -> Equivalence:
    """Two one-sided paired t tests: is |left - right| below the margin (Schuirmann 1987)?

    ``p_inside`` is the larger of the two one-sided p-values; at most 0.05 exactly where the 90 %
    interval lies within +-margin. ``p_outside`` is twice the smaller p of lying beyond one margin;
    at most 0.05 exactly where the 95 % interval lies wholly beyond it.

    Args:
        left, right: one number a seed, the same seeds in the same order, shape (seed,).
        margin: largest difference that counts as none, positive, in the unit of the input.
        overlap: test over training examples where parts are drawn anew; 0: they are fixed.
        step: in which the numbers are counted, if it is known; it matters for equal values.

    Raises:
        ValueError: the margin is not positive.
    """
    if not margin > 0:
        raise ValueError(f"an equivalence margin must be positive, not {margin}")
    differences = paired_values(left, right)
    d = mean_interval(differences, level=0.90, overlap=overlap)
    if d.n < SEEDS_NEEDED["equivalence"]:
        inside = outside = np.nan
    else:
        used = differences[~np.isnan(differences)]
        low, high = (_t(used, bound, overlap, step) for bound in (-margin, margin))
        above, under = (float(stdtr(d.n - 1, t)) for t in (-low, high))
        inside, outside = max(above, under), min(1.0, 2 * min(1 - above, 1 - under))
    return Equivalence(d.mean, d.low, d.high, d.n, d.left_out, margin, inside, outside)


def seeds_to_decide(
    distance: float, spread: float, family: int = 1, overlap: float = 0.0, level: float = 0.05
) -> int | None:
    """Seeds at which a difference as seen would decide, were its mean and spread to stay.

    None where a thousand would not: nothing is seen, or parts overlap too much for it.

    Args:
        distance: of the mean difference from the hypothesis.
        spread: standard deviation of the differences over seeds.
        family: comparisons that are corrected together.
        overlap: test over training examples where parts are drawn anew; 0: they are fixed.
    """
    n = np.arange(SEEDS_NEEDED["difference"], _MOST_SEEDS + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = abs(distance) / (spread * np.sqrt(1 / n + overlap))
    enough = t >= stdtrit(n - 1, 1 - level / (2 * family))
    return int(n[enough.argmax()]) if enough.any() else None


def trend(table: ArrayLike, overlap: float = 0.0) -> Trend:
    """Page's test: do the conditions rise in their given order, seeds being the blocks (Page 1963)?

    Its statistic is a sum over seeds, so that overlapping parts raise its variance as they raise
    that of a mean: by the factor 1 + n overlap, under the normal approximation.

    Args:
        table: shape (seed, condition), at least three conditions; a seed that lacks one of them
            is left out.
        overlap: test over training examples where parts are drawn anew; 0: they are fixed.

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
    from scipy.stats import page_trend_test  # costs a second, so only here

    p = [page_trend_test(order).pvalue for order in (blocks, blocks[:, ::-1])]
    if overlap:
        p = ndtr(ndtri(p) / np.sqrt(1 + n * overlap))
    return Trend(*map(float, p), n, left_out)


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


def _t(used: np.ndarray, by: float, overlap: float, step: float) -> float:
    """Student's t of "the mean is ``by``"; equal values stand for what their step may hide."""
    distance = used.mean() - by
    if distance == 0:
        return 0.0
    hidden = min(abs(distance), step) / np.sqrt(12)
    spread = hidden if np.ptp(used) == 0 else used.std(ddof=1)
    return float(distance / (spread * np.sqrt(1 / used.size + overlap)))
