"""Resampling over seeds: exact sign-flip test, BCa bootstrap, bootstrap over seeds and speakers.

They assume no normal distribution, but they can't conjure one: three seeds have eight patterns of
signs, so that the smallest two-sided p of three seeds is 0.25, of six 0.031, and a bootstrap of
three numbers is too narrow. Read them beside the t methods, not instead of them.

Randomly drawn resamples come from a generator keyed by their role, so that a number is the same
whenever it is computed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hnnlib.analysis.statistics.intervals import SEEDS_NEEDED, Mean
from hnnlib.analysis.statistics.seeds import paired_values
from hnnlib.randomness import numpy_generator

__all__ = ["SignFlip", "bootstrap_difference", "hierarchical_bootstrap", "sign_flip"]

_EXACT = 16  # up to so many seeds all 2^n patterns of signs are tried
_PATTERNS = 1 << 16  # drawn where there are more
_ROUNDING = 1e-9  # two sums count as equal within this share of the largest


@dataclass(frozen=True)
class SignFlip:
    """A mean paired difference and the two-sided p of its sign-flip test.

    ``exact`` says whether all patterns of signs were tried, or a sample of them.
    """

    mean: float
    p: float
    n: int
    left_out: int
    exact: bool


def sign_flip(left: ArrayLike, right: ArrayLike) -> SignFlip:
    """Randomisation test of paired differences (Fisher 1935, section 21).

    If nothing differs but chance, every difference might as well have the other sign. p is the
    share of all 2^n patterns of signs whose mean is at least as far from zero as the observed one.
    Above 16 seeds 65,536 patterns are drawn instead, and the observed one is counted among them.

    Args:
        left, right: one number a seed, the same seeds in the same order, shape (seed,).
    """
    differences = paired_values(left, right)
    used = differences[~np.isnan(differences)]
    n, left_out = used.size, differences.size - used.size
    exact = n <= _EXACT
    if n == 0:
        return SignFlip(np.nan, np.nan, n, left_out, exact)
    if exact:
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    else:
        patterns = numpy_generator(0, "sign_flip").integers(0, 2, (_PATTERNS, n))
    sums = np.abs((1 - 2 * patterns) @ used)
    far = np.count_nonzero(sums >= abs(used.sum()) - _ROUNDING * np.abs(used).sum())
    p = far / len(sums) if exact else (far + 1) / (len(sums) + 1)
    return SignFlip(float(used.mean()), float(p), n, left_out, exact)


def bootstrap_difference(
    left: ArrayLike, right: ArrayLike, level: float = 0.95, resamples: int = 10_000
) -> Mean:
    """Mean paired difference with its bias-corrected, accelerated bootstrap interval (Efron 1987).

    Differences that are all equal shrink the interval to their value; fewer than three give none.

    Args:
        left, right: one number a seed, the same seeds in the same order, shape (seed,).
        level: coverage of the interval.
        resamples: bootstrap samples.
    """
    differences = paired_values(left, right)
    used = differences[~np.isnan(differences)]
    n, left_out = used.size, differences.size - used.size
    mean = float(used.mean()) if n else np.nan
    if n < SEEDS_NEEDED["interval"]:
        return Mean(mean, np.nan, np.nan, n, left_out)
    if np.ptp(used) == 0:
        return Mean(mean, mean, mean, n, left_out)
    from scipy import stats  # costs a second, so only here

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        interval = stats.bootstrap(
            (used,),
            np.mean,
            confidence_level=level,
            n_resamples=resamples,
            method="BCa",
            random_state=numpy_generator(0, "bootstrap"),
        ).confidence_interval
    return Mean(mean, float(interval.low), float(interval.high), n, left_out)


def hierarchical_bootstrap(
    table: ArrayLike,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 10_000,
) -> Mean:
    """Mean over seeds and speakers, with a percentile interval that resamples both.

    A model's accuracy is meant to hold for other speakers too. Seeds and speakers are crossed
    (every seed hears every speaker), so that each resample draws seeds and, independently,
    speakers with replacement (Owen 2007, the "pigeonhole" bootstrap). With two speakers, as among
    the unseen ones of SHD, a quarter of the resamples holds one of them alone, twice: the interval
    then says little more than how far the two lie apart.

    Args:
        table: accuracy or a difference of accuracies, shape (seed, speaker). A seed with a missing
            value is left out.
        weights: how much each speaker counts, such as its number of recordings, (speaker,);
            None: equally.
        level: coverage of the interval.
        resamples: bootstrap samples.
    """
    table = np.asarray(table, float)
    if table.ndim != 2:
        raise ValueError(f"a table (seed, speaker) is needed, not one of shape {table.shape}")
    speakers = table.shape[1]
    weights = np.ones(speakers) if weights is None else np.asarray(weights, float)
    used = table[~np.isnan(table).any(axis=1)]
    n, left_out = len(used), len(table) - len(used)
    mean = float((used @ weights).mean() / weights.sum()) if n else np.nan
    if n < SEEDS_NEEDED["interval"]:
        return Mean(mean, np.nan, np.nan, n, left_out)
    draw = numpy_generator(0, "hierarchical_bootstrap")
    seed_counts = draw.multinomial(n, np.full(n, 1 / n), resamples)
    speaker_counts = draw.multinomial(speakers, np.full(speakers, 1 / speakers), resamples)
    heavy = speaker_counts * weights
    means = np.einsum("rs,sk,rk->r", seed_counts, used, heavy) / (n * heavy.sum(axis=1))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Mean(mean, float(low), float(high), n, left_out)
