"""Sign flips, bootstraps and rank correlations: worked examples, SciPy's answers, invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hnnlib.analysis.statistics import (
    bootstrap_difference,
    hierarchical_bootstrap,
    rank_correlation,
    sign_flip,
)

quickly = settings(max_examples=25)
numbers = st.integers(-50, 50).map(float)
samples = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8).map(np.array)

# Student (1908): hours of sleep gained by ten patients under two drugs.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

# --- sign flips -----------------------------------------------------------------------------------


def test_all_differences_of_one_sign_are_as_rare_as_two_patterns():
    found = sign_flip([2.0, 3.0, 5.0, 1.0], [0.0, 0.0, 0.0, 0.0])
    assert (found.p, found.n, found.exact) == (2 / 2**4, 4, True)


def test_sleep_data_by_signs():
    """Nine positive differences and a zero, which counts with both signs."""
    found = sign_flip(DRUG_2, DRUG_1)
    assert found.p == 2 * 2 / 2**10
    assert found.mean == pytest.approx(1.58)


def test_sign_flips_agree_with_scipys_permutation_test():
    left, right = np.array([1.0, 4.0, 2.0, 8.0, 5.0]), np.array([2.0, 1.0, 1.5, 3.0, 6.5])
    expected = stats.permutation_test(
        (left, right),
        lambda a, b, axis: (a - b).mean(axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    ).pvalue
    assert sign_flip(left, right).p == pytest.approx(expected)


def test_many_seeds_are_sampled_near_the_exact_answer(monkeypatch):
    draw = np.random.default_rng(1)
    left, right = draw.normal(0.3, 1, 14), draw.normal(0, 1, 14)
    exact = sign_flip(left, right)
    monkeypatch.setattr("hnnlib.analysis.statistics.resampling._EXACT", 10)
    sampled = sign_flip(left, right)
    assert exact.exact and not sampled.exact
    assert sampled.p == pytest.approx(exact.p, abs=0.01)
    assert sign_flip(left, right) == sampled


@quickly
@given(samples)
def test_exchanged_sides_have_the_same_p(pairs):
    left, right = pairs.T
    assert sign_flip(left, right).p == sign_flip(right, left).p
    assert sign_flip(left, right).p >= 2 / 2 ** len(left)


def test_failed_seeds_are_left_out():
    found = sign_flip([1.0, np.nan, 2.0, 3.0], [0.0] * 4)
    assert (found.mean, found.p, found.n, found.left_out) == (2.0, 0.25, 3, 1)
    assert np.isnan(sign_flip([np.nan], [1.0]).p)


# --- bootstraps -----------------------------------------------------------------------------------


def test_bootstrap_of_the_sleep_data():
    """Efron's interval of skewed differences lies off centre, unlike Student's."""
    found = bootstrap_difference(DRUG_2, DRUG_1)
    assert found.mean == pytest.approx(1.58)
    assert (found.low, found.high) == pytest.approx((1.06, 2.67), abs=0.1)
    assert found.high - found.mean > found.mean - found.low
    assert bootstrap_difference(DRUG_2, DRUG_1) == found


def test_bootstrap_covers_the_mean_about_as_often_as_it_says():
    draw = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        values = draw.normal(1.0, 2.0, 15)
        found = bootstrap_difference(values, np.zeros(15), resamples=300)
        hits += found.low <= 1.0 <= found.high
    assert 84 <= hits <= 99


def test_equal_differences_shrink_the_bootstrap_and_two_seeds_have_none():
    found = bootstrap_difference([1.5, 2.5, 3.5], [1.0, 2.0, 3.0])
    assert (found.low, found.mean, found.high) == (0.5, 0.5, 0.5)
    assert np.isnan(bootstrap_difference([1.0, 2.0], [0.0, 0.0]).low)


def test_speakers_that_differ_widen_the_interval():
    seeds = np.array([[0.7, 0.7], [0.8, 0.8], [0.75, 0.75], [0.72, 0.72]])
    apart = seeds + [-0.1, 0.1]
    same, different = hierarchical_bootstrap(seeds), hierarchical_bootstrap(apart)
    assert same.mean == pytest.approx(different.mean) == pytest.approx(0.7425)
    assert different.high - different.low > 2 * (same.high - same.low)


def test_one_speaker_leaves_the_bootstrap_over_seeds():
    values = np.random.default_rng(2).normal(size=12)
    found = hierarchical_bootstrap(values[:, None], resamples=20_000)
    expected = stats.bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.03)


def test_weights_count_recordings():
    table = [[1.0, 0.0]] * 3
    assert hierarchical_bootstrap(table, [3, 1]).mean == 0.75


def test_a_seed_without_all_speakers_is_left_out():
    found = hierarchical_bootstrap([[1.0, 1.0], [2.0, np.nan], [2.0, 2.0], [3.0, 3.0]])
    assert (found.n, found.left_out, found.mean) == (3, 1, 2.0)
    assert np.isnan(hierarchical_bootstrap([[1.0], [2.0]]).low)


# --- rank correlation -----------------------------------------------------------------------------


def test_perfect_order_of_five_runs():
    found = rank_correlation([1, 2, 3, 4, 5], [1, 4, 9, 16, 100])
    assert found.rho == pytest.approx(1.0)
    assert (found.p, found.n, found.exact) == (2 / 120, 5, True)


@quickly
@given(samples)
def test_rho_is_scipys(pairs):
    x, y = pairs.T
    found = rank_correlation(x, y, permutations=50)
    if len(x) < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(found.rho)
    else:
        assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic)


def test_p_of_many_runs_agrees_with_the_t_approximation():
    draw = np.random.default_rng(3)
    x = draw.normal(size=40)
    y = 0.3 * x + draw.normal(size=40)
    found = rank_correlation(x, y)
    assert not found.exact
    assert found.p == pytest.approx(stats.spearmanr(x, y).pvalue, abs=0.01)


def test_partial_correlation_is_the_textbook_formula():
    draw = np.random.default_rng(4)
    z = draw.normal(size=30)
    x, y = z + draw.normal(size=30), z + draw.normal(size=30)
    xy, xz, yz = (stats.spearmanr(a, b).statistic for a, b in ((x, y), (x, z), (y, z)))
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert rank_correlation(x, y, given=z).rho == pytest.approx(expected)


def test_what_explains_both_is_taken_out():
    draw = np.random.default_rng(5)
    z = draw.normal(size=60)
    x, y = z + 0.2 * draw.normal(size=60), z + 0.2 * draw.normal(size=60)
    assert rank_correlation(x, y).p < 0.001
    assert abs(rank_correlation(x, y, given=[z, -z]).rho) < 0.3


def test_groups_that_differ_make_no_correlation():
    """Between the two models x and y rise together; within each they fall."""
    x, y = [1, 2, 3, 11, 12, 13], [3, 2, 1, 13, 12, 11]
    labels = ["snn"] * 3 + ["nsn"] * 3
    assert rank_correlation(x, y).rho > 0.5
    found = rank_correlation(x, y, groups=labels)
    assert found.rho == pytest.approx(-1.0)
    assert found.p == 2 / 6**2


def test_missing_values_leave_runs_out_and_constants_have_no_correlation():
    found = rank_correlation([1, 2, 3, 4, np.nan], [1, 2, 3, 4, 5])
    assert (found.n, found.left_out) == (4, 1)
    assert np.isnan(rank_correlation([1, 1, 1, 1], [1, 2, 3, 4]).p)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="each run"):
        rank_correlation([1, 2, 3, 4], [1, 2, 3])
