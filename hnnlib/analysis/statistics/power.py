"""Power by simulation: could these seeds, with this spread, have found an effect of this size?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, stdtr

from hnnlib.analysis.statistics.intervals import SEEDS_NEEDED
from hnnlib.randomness import numpy_generator

__all__ = ["Planned", "could_find"]

_RUNS = 400


@dataclass(frozen=True)
class Planned:
    """One comparison of a family as it is planned.

    Attributes:
        effect: the mean difference that is supposed to be there; for an order of cells, the mean of
            each.
        spread: standard deviation over seeds, of the difference or of each cell.
        test: which test is made.
        bound: the difference under the hypothesis; the margin of an equivalence.
        sense: 1 where the claim says more, -1 where it says less.
    """

    effect: float | tuple[float, ...]
    spread: float
    test: Literal["difference", "equivalence", "order"] = "difference"
    bound: float = 0.0
    sense: int = 1


def could_find(
    family: Sequence[Planned | None], seeds: int, overlap: float = 0.0, level: float = 0.05
) -> list[float]:
    """Share of simulated families in which each comparison is decided for the claim after Holm.

    Seeds are normal around the effect. A comparison of which nothing is known (None) counts in the
    family's size, as one that was not run does, and has no share (NaN).

    Args:
        seeds: how many there are to be.
        overlap: test over training examples where parts are drawn anew; 0: they are fixed.
        level: of the family.
    """
    draw = numpy_generator(0, "power")
    p = np.ones((_RUNS, len(family)))
    if seeds >= SEEDS_NEEDED["difference"]:
        for k, one in enumerate(family):
            if one is not None:
                p[:, k] = _p(one, seeds, overlap, draw)
    found = (_holm(p) <= level).mean(0)
    return [np.nan if one is None else float(f) for one, f in zip(family, found, strict=True)]


def _p(one: Planned, n: int, overlap: float, draw: np.random.Generator) -> np.ndarray:
    """p-values of being for the claim, one a simulated run."""
    if one.test == "order":
        return _page(np.array(one.effect) * one.sense, one.spread, n, draw)
    values = draw.normal(one.effect, max(one.spread, 1e-12), (_RUNS, n))
    error = np.maximum(values.std(1, ddof=1), 1e-15) * np.sqrt(1 / n + overlap)
    mean = values.mean(1)
    if one.test == "equivalence":
        nearest = np.minimum(one.bound - mean, mean + one.bound)
        return stdtr(n - 1, -nearest / error)
    t = one.sense * (mean - one.bound) / error
    return np.where(t > 0, 2 * stdtr(n - 1, -np.abs(t)), 1.0)


def _page(means: np.ndarray, spread: float, n: int, draw: np.random.Generator) -> np.ndarray:
    """Page's test of rising order by its normal approximation (Page 1963)."""
    k = len(means)
    values = draw.normal(means, max(spread, 1e-12), (_RUNS, n, k))
    ranks = values.argsort(-1).argsort(-1) + 1
    statistic = (ranks.sum(1) * np.arange(1, k + 1)).sum(-1)
    mean = n * k * (k + 1) ** 2 / 4
    deviation = np.sqrt(n * k**2 * (k + 1) ** 2 * (k - 1) / 144)
    return ndtr(-(statistic - mean) / deviation)


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm's correction of each row."""
    order = p.argsort(1)
    ranked = np.take_along_axis(p, order, 1) * (p.shape[1] - np.arange(p.shape[1]))
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(ranked, 1), 1)
    return adjusted
