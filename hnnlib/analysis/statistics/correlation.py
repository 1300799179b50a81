"""Rank correlation across runs, with what explains both taken out, and a permutation test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations as every_order
from math import factorial, prod

import numpy as np
from numpy.typing import ArrayLike

from hnnlib.analysis.ranks import ranks as ranks_of
from hnnlib.analysis.statistics.intervals import SEEDS_NEEDED
from hnnlib.randomness import numpy_generator

__all__ = ["Correlation", "SeedCorrelation", "rank_correlation", "seed_correlation"]

_RUNS_NEEDED = 4  # three pairs are in perfect order once in six times by chance
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Correlation:
    """A rank correlation, the two-sided p of its permutation test, and the number of runs.

    ``exact`` says whether all orders were tried, or a sample of them.
    """

    rho: float
    p: float
    n: int
    left_out: int
    exact: bool


def rank_correlation(
    x: ArrayLike,
    y: ArrayLike,
    given: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    permutations: int = 10_000,
) -> Correlation:
    """Spearman's correlation of two variables over runs, plain, partial, or within groups.

    Plain: the correlation of ranks (Spearman 1904). Partial: of what a linear fit on the ranks of
    ``given`` leaves of both ranks, which for one variable is (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2)
    (1 - r_yz^2)). Within groups: ranks are taken in each group and centred, so that differences
    between groups, such as models, can't make a correlation; all groups count together.

    p is the share of orders of y (of what is left of it) within the groups whose correlation is at
    least as far from zero. All orders are tried where there are at most ``permutations``, otherwise
    so many are drawn and the observed one is counted among them. NaN below four runs or where one
    side is constant.

    Args:
        x, y: one number a run, shape (run,); a run with a missing value is left out.
        given: what to hold fixed, shape (run,) or (variable, run).
        groups: label of each run's group, shape (run,).
        permutations: most orders to try.

    Raises:
        ValueError: shapes don't agree.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    others = np.empty((0, x.size)) if given is None else np.atleast_2d(np.asarray(given, float))
    labels = np.zeros(x.size, int) if groups is None else np.asarray(groups)
    if x.ndim != 1 or not x.shape == y.shape == labels.shape == others.shape[1:]:
        raise ValueError("a correlation needs one number, and one label, for each run")
    keep = np.isfinite(x) & np.isfinite(y) & np.isfinite(others).all(axis=0)
    n, left_out = int(keep.sum()), int((~keep).sum())
    members = [np.flatnonzero(labels[keep] == label) for label in np.unique(labels[keep])]
    fixed = np.array([_ranks(z[keep], members) for z in others]).reshape(len(others), n)
    a, b = (_rest(_ranks(z[keep], members), fixed) for z in (x, y))
    length = np.sqrt((a @ a) * (b @ b))
    if n < _RUNS_NEEDED or length <= _ROUNDING:
        return Correlation(np.nan, np.nan, n, left_out, False)
    rho = float(a @ b / length)
    exact = prod(factorial(len(group)) for group in members) <= permutations
    orders = _all_orders(members, n) if exact else _some_orders(members, n, permutations)
    far = np.count_nonzero(np.abs(b[orders] @ a) / length >= abs(rho) - _ROUNDING)
    p = far / len(orders) if exact else (far + 1) / (len(orders) + 1)
    return Correlation(rho, float(p), n, left_out, exact)


@dataclass(frozen=True)
class SeedCorrelation:
    """A rank correlation over seeds with the one-sided p-values of its permutation test."""

    rho: float
    p_positive: float
    p_negative: float
    n: int
    left_out: int


def seed_correlation(
    x: ArrayLike, y: ArrayLike, given: Sequence[ArrayLike] = (), permutations: int = 10_000
) -> SeedCorrelation:
    """Correlation of ranks within cells whose seeds share their draws: the seed is the unit.

    The coefficient is that of :func:`rank_correlation` within groups, the groups being cells. Its
    p-values are the shares of orders of the seeds, the same order in all cells, whose correlation
    is at least as high (as low): luck that all cells of a seed share counts once. NaN below four
    seeds or where one side is constant.

    Args:
        x, y: one number a run, shape (cell, seed); a seed that lacks one is left out.
        given: what to hold fixed, each of shape (cell, seed).
        permutations: most orders to try.
    """
    x, y, *others = (np.atleast_2d(np.asarray(z, float)) for z in (x, y, *given))
    keep = np.isfinite(np.stack([x, y, *others])).all(axis=(0, 1))
    n, left_out = int(keep.sum()), int((~keep).sum())
    nothing = SeedCorrelation(np.nan, np.nan, np.nan, n, left_out)
    if n < SEEDS_NEEDED["correlation"]:
        return nothing
    members = list(np.arange(x.shape[0] * n).reshape(-1, n))
    fixed = [_ranks(z[:, keep].ravel(), members) for z in others]
    fixed = np.array(fixed).reshape(-1, x.shape[0] * n)
    a, b = (_rest(_ranks(z[:, keep].ravel(), members), fixed) for z in (x, y))
    length = np.sqrt((a @ a) * (b @ b))
    if length <= _ROUNDING:
        return nothing
    products = a.reshape(-1, n).T @ b.reshape(-1, n)  # of every seed of x with every one of y
    seeds, exact = [np.arange(n)], factorial(n) <= permutations
    orders = _all_orders(seeds, n) if exact else _some_orders(seeds, n, permutations)
    found = products[np.arange(n), orders].sum(1) / length
    rho = float(np.trace(products) / length)
    above = np.count_nonzero(found >= rho - _ROUNDING)
    below = np.count_nonzero(found <= rho + _ROUNDING)
    extra = 0 if exact else 1
    p = [(count + extra) / (len(orders) + extra) for count in (above, below)]
    return SeedCorrelation(rho, *p, n, left_out)


def _ranks(values: np.ndarray, members: list[np.ndarray]) -> np.ndarray:
    """Ranks within each group, centred; ties share their mean rank."""
    ranks = np.empty(values.size)
    for group in members:
        ranks[group] = ranks_of(values[group]) - (len(group) + 1) / 2
    return ranks


def _rest(ranks: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """What a least-squares fit on the fixed ranks leaves; all ranks are centred already."""
    if not len(fixed):
        return ranks
    return ranks - fixed.T @ np.linalg.lstsq(fixed.T, ranks, rcond=None)[0]


def _all_orders(members: list[np.ndarray], n: int) -> np.ndarray:
    """Every order that keeps runs within their groups, (order, run)."""
    orders = np.empty((1, n), int)
    for group in members:
        inside = np.array(list(every_order(group)))
        orders = np.repeat(orders, len(inside), axis=0)
        orders[:, group] = np.tile(inside, (len(orders) // len(inside), 1))
    return orders


def _some_orders(members: list[np.ndarray], n: int, count: int) -> np.ndarray:
    draw = numpy_generator(0, "rank_correlation")
    orders = np.empty((count, n), int)
    for group in members:
        orders[:, group] = draw.permuted(np.tile(group, (count, 1)), axis=1)
    return orders
