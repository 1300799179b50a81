"""Summaries over seeds that figures draw: means with ranges, geometric means, what most seeds say.

NaN stands for a seed without a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from hnnlib.analysis.statistics import (
    Correlation,
    Mean,
    hierarchical_bootstrap,
    mean_interval,
    rank_correlation,
)

__all__ = [
    "Spread",
    "clustered",
    "geometric_interval",
    "geometric_spread",
    "most_common",
    "over_speakers",
    "positive",
    "ratio",
    "spread",
    "within_models",
]

_FAR = 1e4  # a measure that is 0 but for rounding gives meaningless ratios


@dataclass(frozen=True)
class Spread:
    """Mean, lowest and highest seed of every place, each of shape (...); NaN without a seed."""

    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray


def spread(values: np.ndarray) -> Spread:
    """Mean and range over the seeds that have a result.

    Args:
        values: (seed, ...).
    """
    values = np.asarray(values, float)
    known = ~np.isnan(values)
    here = known.any(0)
    total = np.where(known, values, 0).sum(0)
    middle = np.divide(total, known.sum(0), out=np.full(total.shape, np.nan), where=here)
    low, high = np.where(known, values, np.inf).min(0), np.where(known, values, -np.inf).max(0)
    return Spread(middle, np.where(here, low, np.nan), np.where(here, high, np.nan))


def positive(values: np.ndarray) -> np.ndarray:
    """Values that have a logarithm; NaN elsewhere."""
    return np.where(values > 0, values, np.nan)


def geometric_spread(values: np.ndarray) -> Spread:
    """Geometric mean and range over seeds; values that are not positive don't take part."""
    found = spread(np.log(positive(values)))
    return Spread(*(np.exp(part) for part in (found.middle, found.low, found.high)))


def geometric_interval(values: np.ndarray) -> Mean:
    """Geometric mean with the t interval of the logarithms; values (seed,) must be positive."""
    found = mean_interval(np.log(positive(values)))
    low, middle, high = np.exp([found.low, found.mean, found.high])
    return replace(found, mean=float(middle), low=float(low), high=float(high))


def ratio(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``left`` over ``right`` seed by seed; NaN where one isn't positive or all but nothing."""
    found = positive(left) / positive(right)
    return np.where((found < _FAR) & (found > 1 / _FAR), found, np.nan)


def most_common(values: np.ndarray) -> np.ndarray:
    """The number that most seeds agree on, of equals the lowest; NaN is left out.

    Args:
        values: few different numbers, (seed, ...).
    """
    kinds = np.unique(values[np.isfinite(values)])
    return kinds[np.stack([(values == kind).sum(0) for kind in kinds]).argmax(0)]


def within_models(cells: Sequence[xr.Dataset], name: str) -> Correlation:
    """Rank correlation of a measure with test accuracy over runs, within models.

    Args:
        cells: one a model.
        name: a variable with a number a seed.
    """
    return rank_correlation(
        np.concatenate([cell[name].values for cell in cells]),
        np.concatenate([cell["test_accuracy"].values for cell in cells]),
        groups=np.repeat(np.arange(len(cells)), [cell.sizes["seed"] for cell in cells]),
    )


def over_speakers(cell: xr.Dataset, who: str) -> Mean:
    """Accuracy in percent with its bootstrap interval over seeds and speakers; NaN below two
    speakers. Speakers count by their recordings.

    Args:
        cell: of a store that says how many recordings a speaker has; NaN for others.
        who: ``unseen`` or ``seen`` speakers, or ``all``.
    """
    none = Mean(np.nan, np.nan, np.nan, 0, 0)
    if "speaker_recordings" not in cell:
        return none
    recordings = np.nan_to_num(cell["speaker_recordings"].values)
    unseen = cell["speaker_unseen"].values == 1
    keep = recordings > 0
    if who != "all":
        keep &= unseen if who == "unseen" else ~unseen
    if keep.sum() < 2:
        return none
    table = cell["speaker_accuracy"].transpose("seed", "speaker").values[:, keep]
    return hierarchical_bootstrap(100 * table, recordings[keep])


def clustered(matrix: np.ndarray) -> np.ndarray:
    """Order of neurons in which correlated ones stand together: average linkage of 1 - r.

    Undefined correlations count as none.
    """
    distance = np.clip(1 - np.nan_to_num(matrix), 0, None)
    distance = (distance + distance.T) / 2
    np.fill_diagonal(distance, 0)
    return hierarchy.leaves_list(
        hierarchy.linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    )
