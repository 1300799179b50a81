"""Intervals that stay where their numbers can be: shares within 0 and 1, counts above 0.

A t interval of a share near 1 leaves [0, 1]. Here the interval is made on another scale, the
logit of a share or the logarithm of a count, with the error of the mean carried over by the delta
method: g(m) +- t s / sqrt(n) g'(m), transformed back. It always holds the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, stdtrit

__all__ = ["SEEDS_NEEDED", "Kind", "Mean", "between", "mean_interval", "prediction_interval"]

SEEDS_NEEDED = {"interval": 3, "difference": 3, "equivalence": 3, "trend": 3, "correlation": 4}
"""Fewest seeds for each kind of statement. Two give a t interval too, but one of 12.7 errors."""

Kind = Literal["number", "share", "count"]


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its interval."""

    mean: float
    low: float
    high: float
    n: int
    left_out: int


def mean_interval(
    values: ArrayLike, level: float = 0.95, kind: Kind = "number", overlap: float = 0.0
) -> Mean:
    """Mean with a two-sided interval, mean +- t(n-1) s sqrt(1/n + overlap) (Student 1908).

    Args:
        values: one number a seed, shape (seed,).
        level: coverage of the interval.
        kind: a share stays within 0 and 1, a count above 0.
        overlap: test over training examples where each seed draws its parts anew from one pool,
            which makes seeds alike (Nadeau & Bengio 2003); 0: parts are fixed.
    """
    return _around(values, level, kind, lambda n: 1 / n + overlap)


def prediction_interval(values: ArrayLike, level: float = 0.95, kind: Kind = "number") -> Mean:
    """Where one further run falls: mean +- t(n-1) s sqrt(1 + 1/n), by kind as above."""
    return _around(values, level, kind, lambda n: 1 + 1 / n)


def between(mean: float, half: float, kind: Kind = "number") -> tuple[float, float]:
    """Ends of an interval around a mean, made on the scale of its kind.

    Args:
        half: half of the interval on the plain scale.
    """
    if kind == "share" and 0 < mean < 1:
        centre, half = np.log(mean / (1 - mean)), half / (mean * (1 - mean))
        low, high = (expit(centre + sign * half) for sign in (-1, 1))
        # equal values have no width, and rounding must not put their mean outside
        return min(float(low), float(mean)), max(float(high), float(mean))
    if kind == "count" and mean > 0:
        return float(mean * np.exp(-half / mean)), float(mean * np.exp(half / mean))
    return float(mean - half), float(mean + half)


@cache
def _quantile(level: float, freedom: int) -> float:
    return stdtrit(freedom, level)


def _around(values: ArrayLike, level: float, kind: Kind, variance: Callable[[int], float]) -> Mean:
    values = np.asarray(values, float)
    used = values[~np.isnan(values)]
    n, left_out = used.size, values.size - used.size
    mean = float(used.mean()) if n else np.nan
    if n < SEEDS_NEEDED["interval"]:
        return Mean(mean, np.nan, np.nan, n, left_out)
    half = _quantile((1 + level) / 2, n - 1) * used.std(ddof=1) * np.sqrt(variance(n))
    return Mean(mean, *between(mean, half, kind), n, left_out)
