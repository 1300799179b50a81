"""Correlations between spike trains, averaged over samples without keeping the samples.

A layer's record of one sample is T time steps of N units. Pearson's r of two trains is the inner
product of the standardised trains, so that the sum of r over samples is one product Z' Z, with the
trains of many samples below each other: memory depends on N, never on the number of samples. A
train that never changes has no r; standardised to zero, it adds the 0 that the paper's code puts
there, on the diagonal too.

Variants of the average (Mazurek et al., Algorithm 1, and what it leaves out):

- ``paper``: r with 0 for undefined, over all samples; statistics over all N^2 entries, the diagonal
  included. E[C_ii] is then the chance that unit i changes at all, and E[C_ij] = E[r; both change].
- ``offdiag_active``: the mean r over the samples in which both trains change; statistics over the
  upper triangle, for pairs with at least ``LEAST`` such samples.
- ``null``: as ``paper``, but each train shifted in time by itself, round the end. Rates, and trains
  that never change, stay; synchrony goes.
"""

from __future__ import annotations

import numpy as np

__all__ = ["LEAST", "STATISTICS", "VARIANTS", "Correlations", "describe", "shifted", "standardised"]

VARIANTS = ("paper", "offdiag_active", "null")
STATISTICS = ("mean", "kurtosis", "skewness", "percentile_99", "count")
"""Of the entries of an average matrix; ``count`` is the number of entries above 0.9."""
LEAST = 10
"""Samples with a defined r that a pair needs in the variant ``offdiag_active``: one or two samples
of a few steps give r = 1 by chance."""

_HIGH = 0.9


def standardised(trains: np.ndarray) -> np.ndarray:
    """Trains (sample, time, unit) with mean 0 and sum of squares 1 over time, or 0 if constant."""
    values = trains.astype(np.float32)
    values -= values.mean(1, keepdims=True)
    norm = np.sqrt(np.square(values).sum(1, keepdims=True))
    # spikes are 0 or 1: a train that changes at all has a norm far above rounding
    return np.divide(values, norm, out=np.zeros_like(values), where=norm > 1e-3)


def shifted(trains: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Each train of (sample, time, unit) later by its own number of steps, round the end.

    Args:
        by: integers (sample, unit).
    """
    steps = trains.shape[1]
    source = (np.arange(steps)[None, :, None] - by[:, None, :]) % steps
    return np.take_along_axis(trains, source, axis=1)


class Correlations:
    """Running averages of one layer's correlation matrices.

    Samples fall into blocks in turn; the sums of each block are kept, so that means can be
    bootstrapped over blocks.

    Args:
        units: number of trains N.
        blocks: number of blocks; memory is 12 bytes x blocks x N^2.
    """

    def __init__(self, units: int, blocks: int = 1) -> None:
        shape = (blocks, units, units)
        self._sums = {name: np.zeros(shape, np.float32) for name in ("real", "null", "defined")}
        self.samples = np.zeros(blocks, np.int64)
        self._spikes = self._slots = 0

    def add(self, trains: np.ndarray, shifts: np.ndarray) -> None:
        """Take in some samples.

        Args:
            trains: (sample, time, unit), zeros and ones.
            shifts: (sample, unit), steps by which the null variant shifts each train.
        """
        block = (self.samples.sum() + np.arange(len(trains))) % len(self.samples)
        z = standardised(trains)
        null = shifted(z, shifts)
        defined = np.square(z).sum(1, dtype=np.float32).round()
        for k in np.unique(block):
            mine = block == k
            for name, rows in (("real", z[mine]), ("null", null[mine]), ("defined", defined[mine])):
                flat = rows.reshape(-1, rows.shape[-1])
                self._sums[name][k] += flat.T @ flat
            self.samples[k] += mine.sum()
        self._spikes += int(trains.sum())
        self._slots += trains.size

    def matrix(self, variant: str, weights: np.ndarray | None = None) -> np.ndarray:
        """Average matrix (N, N) of a variant; NaN where it is undefined.

        Args:
            variant: one of ``VARIANTS``.
            weights: how often each block counts, (block,); once each by default.

        Raises:
            ValueError: no such variant.
        """
        if variant not in VARIANTS:
            raise ValueError(f"there is no variant '{variant}': choose {', '.join(VARIANTS)}")
        w = np.ones(len(self.samples)) if weights is None else weights
        samples = w @ self.samples
        total = np.tensordot(w, self._sums["null" if variant == "null" else "real"], 1)
        if variant != "offdiag_active":
            return total / samples if samples else np.full_like(total, np.nan)
        defined = np.tensordot(w, self._sums["defined"], 1)
        return np.divide(total, defined, out=np.full_like(total, np.nan), where=defined >= LEAST)

    def defined(self) -> np.ndarray:
        """Samples in which both trains change, (N, N)."""
        return self._sums["defined"].sum(0)

    def rate(self) -> float:
        """Spikes a unit and step."""
        return self._spikes / self._slots if self._slots else np.nan

    def active(self) -> float:
        """Share of trains that change, so that they have correlations."""
        return float(np.diag(self.defined()).mean() / self.samples.sum())

    def describe(self, variant: str) -> np.ndarray:
        """``STATISTICS`` of a variant's average matrix; see the function of this name."""
        return describe(entries(self.matrix(variant), variant))

    def interval(
        self, variant: str, generator: np.random.Generator, resamples: int = 200
    ) -> np.ndarray:
        """95 % intervals of the statistics over samples, (2, statistic): estimate +- 1.96 SE.

        The standard error is that of bootstrapped means: whole blocks are drawn with replacement
        (Efron & Tibshirani 1993, ch. 6). Percentiles of the bootstrap would not do: a resampled
        mean is noisier than the mean itself, which moves its kurtosis. NaN with fewer than five
        blocks, or below three samples a block.
        """
        blocks = len(self.samples)
        if blocks < 5 or self.samples.sum() < 3 * blocks:
            return np.full((2, len(STATISTICS)), np.nan)
        drawn = generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples)
        found = [describe(entries(self.matrix(variant, w.astype(float)), variant)) for w in drawn]
        half = 1.96 * np.std(found, axis=0, ddof=1)
        return self.describe(variant) + np.array([-1.0, 1.0])[:, None] * half


def entries(matrix: np.ndarray, variant: str) -> np.ndarray:
    """The entries that a variant's statistics run over, NaN left out."""
    if variant == "offdiag_active":
        matrix = matrix[np.triu_indices(len(matrix), 1)]
    values = matrix.ravel()
    return values[~np.isnan(values)]


def describe(values: np.ndarray) -> np.ndarray:
    """``STATISTICS`` of some numbers: mean, excess kurtosis, skewness, 99th percentile, how many
    lie above 0.9.

    Kurtosis and skewness are the biased moment ratios of SciPy's defaults, NaN for constant
    numbers; all are NaN for no number.
    """
    if not values.size:
        return np.full(len(STATISTICS), np.nan)
    values = values.astype(np.float64)
    mean = values.mean()
    away = values - mean
    second = np.mean(away**2)
    # correlations are of order 1: below this, what is left is rounding
    flat = second < 1e-14
    kurtosis = np.nan if flat else np.mean(away**4) / second**2 - 3
    skewness = np.nan if flat else np.mean(away**3) / second**1.5
    high = np.percentile(values, 99)
    return np.array([mean, kurtosis, skewness, high, np.count_nonzero(values > _HIGH)])
