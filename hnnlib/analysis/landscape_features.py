"""Exploratory landscape features: numbers that describe a function by a sample of its values.

Definitions are those of pflacco 1.2.2 (Prager & Trautmann 2024), whose values are among the tests.
Three families: the information content of the sequence of slopes along a tour or walk (Munoz et al.
2015), the dispersion of the best points (Lunacek & Whitley 2006), and nearest better clustering
(Kerschke et al. 2015). Smaller values are better, as of a loss.

``ic.eps_s``, ``ic.eps_max`` and ``ic.eps_ratio`` are thresholds on df / ||dx||, so they change with
the units of both: ``features`` scales the values to [0, 1] and expects points in a unit box. In
hundreds of dimensions all distances are alike, and dispersion says little.

Points must differ from each other. Distances are computed in blocks of bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from hnnlib.randomness import numpy_generator

__all__ = [
    "CONTENT",
    "DISPERSION",
    "NEAREST_BETTER",
    "dispersion",
    "features",
    "information_content",
    "information_content_of_walks",
    "nearest_better",
    "sobol",
]

CONTENT = ("ic.h_max", "ic.eps_s", "ic.eps_max", "ic.eps_ratio", "ic.m0")
QUANTILES = {"02": 0.02, "05": 0.05, "10": 0.10, "25": 0.25}
DISPERSION = tuple(
    f"disp.{how}_{of}_{share}"
    for how, of, share in product(("ratio", "diff"), ("mean", "median"), QUANTILES)
)
NEAREST_BETTER = (
    "nbc.nn_nb.sd_ratio",
    "nbc.nn_nb.mean_ratio",
    "nbc.nn_nb.cor",
    "nbc.dist_ratio.coeff_var",
    "nbc.nb_fitness.cor",
)

_EPSILONS = np.concatenate([[0.0], np.logspace(-5, 15, 1000)])
_SETTLED, _HALF = 0.05, 0.5  # H below this is "nothing but zeros"; share of m0 for eps_ratio
_BLOCK = 1 << 22  # distances at a time: 32 MiB
_BINS = 1 << 16


def sobol(count: int, dimensions: int, seed: int, *roles: object) -> np.ndarray:
    """Scrambled Sobol points in the unit box, (count, dimensions), another scramble for each seed.

    Args:
        count: a power of two, for which the points are balanced.
        dimensions: at most 21,201.
        seed, roles: key of the scramble, see ``hnnlib.randomness``.

    Raises:
        ValueError: the count is not a power of two.
    """
    if count < 1 or count & (count - 1):
        raise ValueError(f"Sobol points come in powers of two, not {count}")
    from scipy.stats import qmc  # costs a second, so only here

    draw = numpy_generator(seed, "sobol", *roles)
    return qmc.Sobol(dimensions, scramble=True, seed=draw).random(count)


def features(points: ArrayLike, values: ArrayLike) -> dict[str, float]:
    """All features of one sample, values scaled to [0, 1]; NaN where the function is constant or
    has a value that is not finite.

    Args:
        points: in a unit box, shape (n, dimension).
        values: shape (n,).
    """
    values = np.asarray(values, float)
    names = (*CONTENT, *DISPERSION, *NEAREST_BETTER)
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return dict.fromkeys(names, float("nan"))
    values = (values - values.min()) / np.ptp(values)
    found = information_content(points, values) | dispersion(points, values)
    return found | nearest_better(points, values)


# --- information content --------------------------------------------------------------------------


def information_content(points: ArrayLike, values: ArrayLike, start: int = 0) -> dict[str, float]:
    """Information content of the slopes along a tour from each point to its nearest unvisited one.

    Args:
        points: shape (n, dimension).
        values: shape (n,).
        start: where the tour begins.

    Returns:
        ``ic.h_max``: largest entropy H of pairs of successive symbols that differ, in units of
        log 6; a symbol is the sign of a slope, 0 where it is smaller than eps. ``ic.eps_max``: the
        eps at which H is largest (median where there are several). ``ic.eps_s``: log10 of the least
        eps with H < 0.05. ``ic.m0``: changes of sign a step at eps = 0. ``ic.eps_ratio``: log10 of
        the largest eps that leaves more than half of them. NaN where there is no such eps; -5,
        the least eps tried, where eps = 0 is the answer.
    """
    points, values = _sample(points, values)
    order = _tour(points, start)
    lengths = np.linalg.norm(np.diff(points[order], axis=0), axis=1)
    return _content((np.diff(values[order]) / lengths)[None])


def information_content_of_walks(values: ArrayLike, step: float) -> dict[str, float]:
    """The same along straight walks of constant step, all walks counted together.

    A tour's steps grow longer as unvisited points get rare; those of a walk have one length.

    Args:
        values: along each walk, shape (walk, n).
        step: distance between neighbours.
    """
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        return dict.fromkeys(CONTENT, float("nan"))
    return _content(np.diff(values, axis=1) / step)


def _tour(points: np.ndarray, start: int) -> np.ndarray:
    """Order of a walk that always goes on to the nearest point not yet visited."""
    left = np.arange(len(points))
    squares = np.einsum("nd,nd->n", points, points)
    order = np.empty(len(points), int)
    order[0], place = start, start
    for step in range(1, len(points)):
        left = np.delete(left, place)
        # |x - y|^2 without the part that is the same for all candidates
        near = squares[left] - 2 * (points[left] @ points[order[step - 1]])
        place = int(near.argmin())
        order[step] = left[place]
    return order


def _content(slopes: np.ndarray) -> dict[str, float]:
    """Features of slopes (walk, n - 1)."""
    pairs = slopes.shape[0] * (slopes.shape[1] - 1)
    entropy, changes = np.zeros(len(_EPSILONS)), np.zeros(len(_EPSILONS))
    for k, epsilon in enumerate(_EPSILONS):
        symbols = np.where(np.abs(slopes) < epsilon, 0, np.sign(slopes)).astype(int)
        if not symbols.any():  # nor will any larger epsilon leave a symbol
            break
        # -1, 0, 1 and -1, 0, 1 make nine pairs, of which those of equals (0, 4, 8) don't count
        counts = np.bincount((3 * symbols[:, :-1] + symbols[:, 1:] + 4).ravel(), minlength=9)
        shares = np.delete(counts, [0, 4, 8]) / pairs
        shares = shares[shares > 0]
        entropy[k] = -(shares * np.log(shares)).sum() / np.log(6)
        changes[k] = sum(np.count_nonzero(np.diff(row[row != 0])) for row in symbols) / pairs
    settled, many = entropy < _SETTLED, changes > _HALF * changes[0]
    logs = np.log10(np.maximum(_EPSILONS, _EPSILONS[1]))
    return {
        "ic.h_max": float(entropy.max()),
        "ic.eps_s": float(logs[settled][0]) if settled.any() else float("nan"),
        "ic.eps_max": float(np.median(_EPSILONS[entropy == entropy.max()])),
        "ic.eps_ratio": float(logs[many][-1]) if many.any() else float("nan"),
        "ic.m0": float(changes[0]),
    }


# --- dispersion -----------------------------------------------------------------------------------


def dispersion(points: ArrayLike, values: ArrayLike) -> dict[str, float]:
    """How far apart the best points lie, beside all points.

    Args:
        points: shape (n, dimension).
        values: shape (n,).

    Returns:
        For the best 2, 5, 10 and 25 %: mean and median of their distances, divided by those of all
        points (``ratio``), and minus them (``diff``). A single best point has no distances: NaN.
    """
    points, values = _sample(points, values)
    overall = _centre(points)
    found = {}
    for share, quantile in QUANTILES.items():
        best = _centre(points[values <= np.quantile(values, quantile)])
        for of, some, every in zip(("mean", "median"), best, overall, strict=True):
            found[f"disp.ratio_{of}_{share}"] = some / every
            found[f"disp.diff_{of}_{share}"] = some - every
    return {name: found[name] for name in DISPERSION}


def _centre(points: np.ndarray) -> tuple[float, float]:
    """Mean and median of the distances of all pairs.

    The median is found in two passes: which bin of a histogram holds it, then its place among the
    distances of that bin.
    """
    n = len(points) * (len(points) - 1) // 2
    if n == 0:
        return float("nan"), float("nan")
    if n <= _BLOCK:
        distances = np.concatenate(list(_pairs(points)))
        return float(distances.mean()), float(np.median(distances))
    top = 2 * np.linalg.norm(points, axis=1).max()
    edges = np.linspace(0, top * (1 + 1e-9), _BINS + 1)
    counts, total = np.zeros(_BINS, int), 0.0
    for distances in _pairs(points):
        counts += np.histogram(distances, edges)[0]
        total += distances.sum()
    ends = counts.cumsum()
    first, last = (int(np.searchsorted(ends, rank, "right")) for rank in ((n - 1) // 2, n // 2))
    low, high, below = edges[first], edges[last + 1], ends[first] - counts[first]
    inside = [d[(d >= low) & (d < high)] for d in _pairs(points)]
    inside = np.sort(np.concatenate(inside))
    return total / n, float((inside[(n - 1) // 2 - below] + inside[n // 2 - below]) / 2)


def _pairs(points: np.ndarray) -> Iterator[np.ndarray]:
    """Distances of all pairs, each pair once, block by block."""
    for rows, distances in _blocks(points):
        later = np.arange(len(points)) > np.arange(len(points))[rows, None]
        yield distances[later]


# --- nearest better clustering --------------------------------------------------------------------


def nearest_better(points: ArrayLike, values: ArrayLike) -> dict[str, float]:
    """Distances to the nearest point beside distances to the nearest better point.

    A best point has no better one; its nearest distance stands in. (pflacco looks for an equal
    partner first where several points share the least value; here they have none.)

    Args:
        points: shape (n, dimension).
        values: shape (n,).

    Returns:
        Ratios of standard deviations and of means of the two distances, their correlation, the
        coefficient of variation of nearest / nearest better, and the correlation of a point's value
        with the number of points whose nearest better one it is.
    """
    points, values = _sample(points, values)
    near, partner = np.empty(len(points), int), np.full(len(points), -1)
    for rows, distances in _blocks(points):
        here = np.arange(len(points))[rows]
        distances[np.arange(len(here)), here] = np.inf
        near[rows] = distances.argmin(1)
        worse = values[None] >= values[rows, None]
        distances[worse] = np.inf
        partner[rows] = np.where(worse.all(1), -1, distances.argmin(1))
    to_near = np.linalg.norm(points - points[near], axis=1)
    to_better = np.linalg.norm(points - points[np.where(partner < 0, near, partner)], axis=1)
    ratio = to_near / to_better
    followers = np.bincount(partner[partner >= 0], minlength=len(points))
    with np.errstate(invalid="ignore"):  # equal distances have no correlation
        found = (
            to_near.std(ddof=1) / to_better.std(ddof=1),
            to_near.mean() / to_better.mean(),
            np.corrcoef(to_near, to_better)[0, 1],
            ratio.std(ddof=1) / ratio.mean(),
            np.corrcoef(followers, values)[0, 1],
        )
    return {name: float(value) for name, value in zip(NEAREST_BETTER, found, strict=True)}


# --- shared ---------------------------------------------------------------------------------------


def _sample(points: ArrayLike, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Checked and centred: distances from products then lose no digits to a far origin."""
    points, values = np.asarray(points, float), np.asarray(values, float)
    if points.ndim != 2 or values.shape != points.shape[:1] or len(points) < 3:
        raise ValueError(
            f"a sample needs points (n, dimension) and values (n,) of three or more points, not "
            f"{points.shape} and {values.shape}"
        )
    if len(np.unique(points, axis=0)) < len(points):
        raise ValueError("a sample holds a point twice: slopes between equal points don't exist")
    return points - points.mean(0), values


def _blocks(points: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Distances from some rows to all points, (rows, n), block by block."""
    squares = np.einsum("nd,nd->n", points, points)
    count = max(1, _BLOCK // len(points))
    for start in range(0, len(points), count):
        rows = slice(start, start + count)
        square = squares[rows, None] + squares - 2 * (points[rows] @ points.T)
        yield rows, np.sqrt(np.maximum(square, 0, out=square), out=square)
