"""Statistics over seeds: worked examples, agreement with SciPy, and what must hold for any data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from hnnlib.analysis.statistics import (
    Planned,
    could_find,
    equivalence,
    holm,
    mean_interval,
    paired_difference,
    prediction_interval,
    seeds_to_decide,
    trend,
)

quickly = settings(max_examples=25)
numbers = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))
samples = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8).map(np.array)

# Student (1908): hours of sleep gained by ten patients under two drugs.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

# Tutorial ratings from the documentation of scipy.stats.page_trend_test: ten students rate three.
RATINGS = [[3, 4, 3], [2, 2, 4], [3, 3, 5], [1, 3, 2], [2, 3, 2]]
RATINGS += [[2, 4, 5], [1, 2, 4], [3, 4, 4], [2, 4, 5], [1, 3, 4]]


def spread_out(d: np.ndarray) -> bool:
    """Whether differences are far enough from equal for a t test to be meaningful."""
    return np.ptp(d) > 0.01


# --- mean ---------------------------------------------------------------------------------------


def test_interval_of_five_numbers():
    m = mean_interval([1, 2, 3, 4, 5])
    assert (m.mean, m.n, m.left_out) == (3, 5, 0)
    assert (m.low, m.high) == pytest.approx((3 - 1.96324, 3 + 1.96324), abs=1e-5)


def test_diverged_seeds_are_left_out_and_counted():
    m = mean_interval([1, np.nan, 3, 5, np.nan])
    assert (m.mean, m.n, m.left_out) == (3, 3, 2)
    assert m.low == mean_interval([1, 3, 5]).low


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [1.0, 2.0, np.nan]])
def test_no_interval_below_three_seeds(values):
    m = mean_interval(values)
    assert np.isnan(m.low) and np.isnan(m.high)
    assert m.n + m.left_out == len(values)


# --- paired difference --------------------------------------------------------------------------


def test_students_sleep_data():
    d = paired_difference(DRUG_2, DRUG_1)
    assert d.mean == pytest.approx(1.58)
    assert (d.low, d.high) == pytest.approx((0.7001, 2.4599), abs=1e-4)
    assert d.p == pytest.approx(0.00283, abs=1e-5)


def test_null_difference_other_than_zero_agrees_with_scipy():
    d = np.subtract(DRUG_2, DRUG_1)
    expected = stats.ttest_1samp(d, 1.0).pvalue
    assert paired_difference(DRUG_2, DRUG_1, by=1.0).p == pytest.approx(expected)


@quickly
@given(samples)
def test_exchanging_sides_changes_the_sign_only(pairs):
    left, right = pairs.T
    a, b = paired_difference(left, right), paired_difference(right, left)
    assert a.mean == pytest.approx(-b.mean)
    assert (a.low, a.high) == pytest.approx((-b.high, -b.low))
    assert a.p == pytest.approx(b.p)


@quickly
@given(samples)
def test_p_is_small_exactly_where_the_interval_excludes_zero(pairs):
    left, right = pairs.T
    assume(spread_out(left - right))
    d = paired_difference(left, right)
    assume(abs(d.p - 0.05) > 1e-6)
    assert (d.p < 0.05) == (d.low > 0 or d.high < 0)


@quickly
@given(samples, st.integers(0, 2))
def test_a_pair_counts_only_where_both_sides_have_a_result(pairs, lost):
    left, right = pairs.T
    shorter = paired_difference(np.delete(left, lost), np.delete(right, lost))
    left[lost] = np.nan
    d = paired_difference(left, right)
    assert (d.n, d.left_out) == (len(left) - 1, 1)
    assert d.mean == pytest.approx(shorter.mean)
    assert d.p == pytest.approx(shorter.p, nan_ok=True)


def test_two_pairs_give_a_difference_but_no_p():
    d = paired_difference([2.0, 3.0, np.nan], [1.0, 1.0, 1.0])
    assert d.mean == 1.5
    assert np.isnan(d.p) and np.isnan(d.low)


@pytest.mark.parametrize(("n", "p"), [(3, 0.0267), (4, 0.0062), (5, 0.0015), (10, 1.67e-6)])
def test_equal_differences_are_strong_evidence(n, p):
    """A spread that hides below the widest step which could show a difference at all."""
    d = paired_difference(np.arange(n) + 0.5, np.arange(n))
    assert (d.mean, d.low, d.high) == (0.5, 0.5, 0.5)
    assert d.p == pytest.approx(p, rel=0.05)
    assert d.p == pytest.approx(2 * stats.t.sf(np.sqrt(12 * n), n - 1))


def test_the_finer_the_step_of_equal_values_the_stronger():
    left, right = [1.5, 2.5, 3.5], [1.0, 2.0, 3.0]
    coarse, fine = (paired_difference(left, right, step=step).p for step in (0.5, 0.01))
    assert coarse == paired_difference(left, right).p > 100 * fine


@quickly
@given(st.integers(3, 15), st.integers(1, 15))
def test_unanimous_seeds_decide_in_any_family_where_the_step_is_fine(n, family):
    d = paired_difference(np.full(n, 98.0), np.full(n, 97.0), step=0.01)
    assert max(holm([d.p] * family)) < 0.05


def test_identical_samples_do_not_differ():
    assert paired_difference([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).p == 1.0


def test_rounding_is_not_spread():
    """Accuracies stored as float32: one image more, of 300, for every seed."""
    right = np.array([270, 280, 290]) / 300
    left = right + 1 / 300
    single = paired_difference(100 * left.astype("f4").astype(float), 100 * right)
    assert single.p == pytest.approx(2 * stats.t.sf(6, 2))


def test_overlapping_parts_widen_an_interval_as_nadeau_and_bengio_have_it():
    """10 seeds, parts 6:2:2: the variance of the mean is s^2 (1/10 + 1/3)."""
    plain, corrected = (paired_difference(DRUG_2, DRUG_1, overlap=o) for o in (0.0, 1 / 3))
    factor = np.sqrt((1 / 10 + 1 / 3) / (1 / 10))
    assert corrected.high - corrected.mean == pytest.approx(factor * (plain.high - plain.mean))
    t = corrected.mean / (np.std(np.subtract(DRUG_2, DRUG_1), ddof=1) * np.sqrt(1 / 10 + 1 / 3))
    assert corrected.p == pytest.approx(2 * stats.t.sf(t, 9)) and corrected.p > plain.p


def test_different_numbers_of_seeds_are_refused():
    with pytest.raises(ValueError, match="same seeds"):
        paired_difference([1.0, 2.0, 3.0], [1.0, 2.0])


# --- equivalence --------------------------------------------------------------------------------


def test_equivalence_agrees_with_two_one_sided_tests_of_scipy():
    d = np.subtract(DRUG_2, DRUG_1)
    above = stats.ttest_1samp(d, -2.5, alternative="greater").pvalue
    below = stats.ttest_1samp(d, 2.5, alternative="less").pvalue
    assert equivalence(DRUG_2, DRUG_1, 2.5).p_inside == pytest.approx(max(above, below))


@quickly
@given(samples, st.floats(0.1, 50))
def test_equivalence_is_the_90_percent_interval_within_the_margin(pairs, margin):
    left, right = pairs.T
    assume(spread_out(left - right))
    e = equivalence(left, right, margin)
    assume(abs(e.p_inside - 0.05) > 1e-6)
    assert (e.p_inside < 0.05) == (-margin < e.low and e.high < margin)


@quickly
@given(samples, st.floats(0.1, 50))
def test_beyond_the_margin_is_the_95_percent_interval_beyond_it(pairs, margin):
    left, right = pairs.T
    assume(spread_out(left - right))
    e, d = equivalence(left, right, margin), paired_difference(left, right)
    assume(abs(e.p_outside - 0.05) > 1e-6)
    assert (e.p_outside < 0.05) == (d.low > margin or d.high < -margin)


@quickly
@given(samples, st.floats(0.1, 50), st.floats(1.0, 3.0))
def test_equivalence_has_no_direction_and_eases_with_the_margin(pairs, margin, factor):
    left, right = pairs.T
    e = equivalence(left, right, margin)
    assert equivalence(right, left, margin).p_inside == pytest.approx(e.p_inside)
    assert equivalence(left, right, margin * factor).p_inside <= e.p_inside + 1e-12


def test_equal_differences_within_the_margin_are_equivalent():
    e = equivalence([1.1, 2.1, 3.1], [1.0, 2.0, 3.0], margin=0.5)
    assert e.p_inside == pytest.approx(stats.t.sf(6, 2))
    assert e.p_outside == 1.0


@pytest.mark.parametrize("margin", [0.0, -1.0, np.nan])
def test_a_margin_must_be_positive(margin):
    with pytest.raises(ValueError, match="margin"):
        equivalence(DRUG_1, DRUG_2, margin)


# --- trend --------------------------------------------------------------------------------------


def test_pages_test_of_tutorial_ratings():
    assert trend(RATINGS).p_rising == pytest.approx(0.0018191161948127822)


def test_reversed_order_exchanges_rise_and_fall():
    forward, backward = trend(RATINGS), trend(np.array(RATINGS)[:, ::-1])
    assert forward.p_rising == backward.p_falling
    assert forward.p_falling == backward.p_rising > 0.9


def test_three_seeds_in_perfect_order():
    """Each of three blocks has the one order out of six that the hypothesis names."""
    assert trend([[1, 2, 3]] * 3).p_rising == pytest.approx(1 / 6**3)


def test_a_seed_that_lacks_a_condition_is_left_out():
    t = trend([*RATINGS, [1, np.nan, 2]])
    assert (t.n, t.left_out) == (10, 1)
    assert t.p_rising == trend(RATINGS).p_rising


def test_seeds_that_share_examples_show_less_of_a_trend():
    """At n overlap = 3 the standard deviation doubles, and the order of one draw is no evidence."""
    plain, shared = trend(RATINGS), trend(RATINGS, overlap=0.3)
    assert stats.norm.isf(shared.p_rising) == pytest.approx(stats.norm.isf(plain.p_rising) / 2)
    draw = np.random.default_rng(0)
    common, own = draw.normal(0, 1, (200, 1, 3)), draw.normal(0, 1, (200, 6, 3))
    tables = np.sqrt(0.5) * common + own
    found = {o: np.mean([trend(t, o).p_rising <= 0.05 for t in tables]) for o in (0.0, 0.5)}
    assert found[0.5] <= 0.08 < found[0.0]


def test_too_few_seeds_for_a_trend():
    t = trend([[1, 2, 3], [1, 2, 3]])
    assert np.isnan(t.p_rising) and t.n == 2


def test_two_conditions_have_no_trend():
    with pytest.raises(ValueError, match="three or more"):
        trend([[1, 2]] * 5)


# --- Holm ---------------------------------------------------------------------------------------


def test_worked_example():
    """4 x 0.005, 3 x 0.01, 2 x 0.03, then 0.04, which may not fall below its predecessor."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_test_that_was_not_made_still_counts():
    adjusted = holm([0.01, np.nan, 0.02])
    assert adjusted[0] == pytest.approx(0.03)
    assert np.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.04)


def test_no_tests():
    assert holm([]) == []


@quickly
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_correction_lies_between_none_and_bonferroni_and_keeps_the_order(p):
    adjusted = np.array(holm(p))
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(len(p) * np.array(p), 1) + 1e-12).all()
    assert adjusted.min() == pytest.approx(min(1.0, min(p) * len(p)))
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


# --- shares and counts --------------------------------------------------------------------------


@quickly
@given(st.lists(st.floats(0, 1), min_size=3, max_size=8))
def test_intervals_of_shares_stay_within_0_and_1_and_hold_the_mean(shares):
    for m in (mean_interval(shares, kind="share"), prediction_interval(shares, kind="share")):
        assert 0 <= m.low <= m.mean + 1e-9 and m.mean - 1e-9 <= m.high <= 1


@quickly
@given(st.lists(st.floats(0, 1e6), min_size=3, max_size=8))
def test_intervals_of_counts_stay_above_0(counts):
    m = mean_interval(counts, kind="count")
    assert 0 <= m.low <= m.mean * (1 + 1e-9)


def test_far_from_the_ends_the_kind_makes_no_difference():
    shares = [0.50, 0.51, 0.49]
    plain, share = mean_interval(shares), mean_interval(shares, kind="share")
    assert share.low == pytest.approx(plain.low, abs=1e-4)


def test_a_prediction_is_wider_than_a_mean_by_the_root_of_n_plus_1():
    mean, one = mean_interval(DRUG_1), prediction_interval(DRUG_1)
    assert one.high - one.mean == pytest.approx(np.sqrt(11) * (mean.high - mean.mean))


# --- planning -----------------------------------------------------------------------------------


def test_seeds_to_decide_is_the_first_number_that_does():
    n = seeds_to_decide(1.0, 1.0)
    assert 1.0 * np.sqrt(n) >= stats.t.ppf(0.975, n - 1)
    assert 1.0 * np.sqrt(n - 1) < stats.t.ppf(0.975, n - 2)
    assert seeds_to_decide(1.0, 1.0, family=10) > n
    assert seeds_to_decide(0.0, 1.0) is None
    assert seeds_to_decide(1.0, 1.0, overlap=1.0) is None  # parts too alike for any number


def test_simulated_power_is_that_of_the_t_test():
    """d = 1, n = 10: 0.80 (Cohen 1988, table 2.4.1 by the noncentral t)."""
    t = stats.t.ppf(0.975, 9)
    exact = 1 - stats.nct.cdf(t, 9, np.sqrt(10))
    [found] = could_find([Planned(1.0, 1.0)], 10)
    assert found == pytest.approx(exact, abs=0.06)


def test_power_falls_with_the_family_and_with_overlap():
    [alone] = could_find([Planned(1.0, 1.0)], 6)
    among = could_find([Planned(1.0, 1.0)] + [None] * 9, 6)
    assert among[0] < alone and np.isnan(among[1:]).all()
    assert could_find([Planned(1.0, 1.0)], 6, overlap=1 / 3)[0] < alone
    assert could_find([Planned(1.0, 0.1)], 2) == [0.0]


def test_power_of_an_equivalence_and_of_an_order():
    assert could_find([Planned(0.0, 0.1, "equivalence", 0.5)], 5)[0] > 0.95
    assert could_find([Planned(0.0, 2.0, "equivalence", 0.5)], 5)[0] < 0.1
    assert could_find([Planned((0.0, 1.0, 2.0, 3.0), 0.1, "order")], 5)[0] == 1.0
    assert could_find([Planned((3.0, 2.0, 1.0), 0.1, "order", sense=-1)], 5)[0] == 1.0
