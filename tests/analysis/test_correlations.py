"""Averages of correlation matrices: the definition sample by sample, in bounded memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hnnlib.analysis import correlations
from hnnlib.analysis.correlations import (
    STATISTICS,
    VARIANTS,
    Correlations,
    describe,
    shifted,
    standardised,
)

STEPS, UNITS = 8, 6


def trains(samples: int, seed: int = 0, density: float = 0.4) -> np.ndarray:
    drawn = np.random.default_rng(seed).random((samples, STEPS, UNITS)) < density
    drawn[::3, :, 0] = False  # a unit that is often silent, and one that always fires
    drawn[:, :, 1] = True
    return drawn


def averaged(records, blocks=1, shifts=None, chunk=5) -> Correlations:
    found = Correlations(records.shape[2], blocks)
    shifts = np.zeros((len(records), records.shape[2]), int) if shifts is None else shifts
    for start in range(0, len(records), chunk):
        found.add(records[start : start + chunk], shifts[start : start + chunk])
    return found


def by_the_book(records) -> tuple[np.ndarray, np.ndarray]:
    """np.corrcoef of each sample; NaN to 0 and averaged, and the mean where defined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.array([np.corrcoef(sample.T.astype(float)) for sample in records])
    defined = np.isfinite(each).sum(0)
    total = np.nan_to_num(each).sum(0)
    with np.errstate(invalid="ignore"):
        active = np.where(defined >= correlations.LEAST, total / defined, np.nan)
    return total / len(records), active


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_averages_are_those_of_numpy_sample_by_sample(chunk):
    records = trains(40)
    paper, active = by_the_book(records)
    found = averaged(records, blocks=3, chunk=chunk)
    np.testing.assert_allclose(found.matrix("paper"), paper, atol=1e-5)
    np.testing.assert_allclose(found.matrix("offdiag_active"), active, atol=1e-5)
    assert found.samples.sum() == 40


def test_the_papers_diagonal_is_the_share_of_samples_in_which_a_unit_changes():
    records = trains(60)
    changes = records.any(1) & ~records.all(1)
    diagonal = np.diag(averaged(records).matrix("paper"))
    np.testing.assert_allclose(diagonal, changes.mean(0), atol=1e-5)


def test_pairs_that_are_rarely_defined_are_left_out_and_counted():
    records = np.zeros((20, STEPS, 2), bool)
    records[:, ::2, 0] = True
    records[: correlations.LEAST - 1, ::2, 1] = True
    found = averaged(records)
    assert np.isnan(found.matrix("offdiag_active")[0, 1])
    assert found.defined()[0, 1] == correlations.LEAST - 1
    assert found.matrix("paper")[0, 1] == pytest.approx((correlations.LEAST - 1) / 20)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_shifting_a_train_keeps_its_spikes_and_their_cyclic_order(seed):
    generator = np.random.default_rng(seed)
    records, by = trains(3, seed), generator.integers(0, STEPS, (3, UNITS))
    later = shifted(records, by)
    for sample, unit in np.ndindex(3, UNITS):
        np.testing.assert_array_equal(
            later[sample, :, unit], np.roll(records[sample, :, unit], by[sample, unit])
        )


def test_all_shifts_together_leave_no_correlation_but_the_diagonal():
    """The mean of r over all relative shifts of two trains is exactly 0."""
    records = np.repeat(trains(1, seed=4)[:, :, 2:4], STEPS, axis=0)
    shifts = np.stack([np.zeros(STEPS, int), np.arange(STEPS)], 1)
    null = averaged(records, shifts=shifts).matrix("null")
    np.testing.assert_allclose(null, np.eye(2), atol=1e-6)


def test_synchronous_trains_lose_their_correlation_in_the_null_variant():
    generator = np.random.default_rng(1)
    common = generator.random((300, STEPS, 1)) < 0.5
    records = np.repeat(common, 4, axis=2)
    found = averaged(records, shifts=generator.integers(0, STEPS, (300, 4)))
    assert found.matrix("paper")[0, 1] > 0.95
    assert abs(found.matrix("null")[0, 1]) < 0.1


def test_statistics_are_those_of_scipy():
    values = np.random.default_rng(2).normal(size=500) ** 3
    expected = [
        values.mean(),
        stats.kurtosis(values),
        stats.skew(values),
        np.percentile(values, 99),
        (values > 0.9).sum(),
    ]
    np.testing.assert_allclose(describe(values), expected)
    assert len(STATISTICS) == len(expected)


def test_statistics_of_nothing_and_of_constants_are_undefined():
    assert np.isnan(describe(np.array([]))).all()
    constant = dict(zip(STATISTICS, describe(np.full(9, 0.5)), strict=True))
    assert np.isnan(constant["kurtosis"]) and constant["mean"] == 0.5


def test_standardised_trains_have_unit_norm_or_none():
    z = standardised(trains(30))
    norm = np.square(z).sum(1)
    assert (np.isclose(norm, 1, atol=1e-5) | (norm == 0)).all() and (norm[:, 1] == 0).all()


def test_memory_does_not_grow_with_the_number_of_samples():
    def peak(batches: int) -> int:
        found, shifts = Correlations(UNITS, 4), np.zeros((50, UNITS), int)
        tracemalloc.start()
        for k in range(batches):
            found.add(trains(50, seed=k), shifts)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(2)
    assert peak(40) < 1.2 * peak(4)


def test_intervals_hold_the_estimate_and_shrink_with_samples():
    def width(samples):
        found = averaged(trains(samples), blocks=10)
        low, high = found.interval("paper", np.random.default_rng(0))
        estimate = found.describe("paper")
        assert ((low <= estimate) & (estimate <= high)).all()
        return high[0] - low[0]

    assert width(1000) < 0.6 * width(100)


def test_the_interval_of_a_mean_covers_the_truth():
    """Of 95 % intervals over independent sets of samples, few miss the true mean correlation."""
    truth = averaged(trains(20_000, seed=99), chunk=1000).describe("paper")[0]
    hits = 0
    for seed in range(40):
        found = averaged(trains(100, seed=seed), blocks=20, chunk=100)
        low, high = found.interval("paper", np.random.default_rng(seed), resamples=100)
        hits += low[0] <= truth <= high[0]
    assert hits >= 34


def test_too_few_samples_have_no_interval():
    assert np.isnan(averaged(trains(10), blocks=4).interval("paper", np.random.default_rng())).all()


def test_unknown_variants_are_refused():
    with pytest.raises(ValueError, match=VARIANTS[0]):
        Correlations(2).matrix("papre")
