"""Summaries over seeds: what a figure draws is the mean, range, ratio or majority it says."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hnnlib.analysis import summaries
from hnnlib.analysis.statistics import mean_interval

tables = arrays(float, (3, 4), elements=st.floats(0.01, 100) | st.just(np.nan))


@given(values=tables)
@settings(max_examples=60)
def test_a_spread_is_that_of_the_seeds_with_a_result(values):
    found = summaries.spread(values)
    for place in range(4):
        known = values[:, place][~np.isnan(values[:, place])]
        wanted = (known.mean(), known.min(), known.max()) if known.size else (np.nan,) * 3
        mine = found.middle[place], found.low[place], found.high[place]
        assert mine == pytest.approx(wanted, nan_ok=True)


def test_geometric_means_are_those_of_logarithms():
    found = summaries.geometric_spread(np.array([[1.0, 0.0], [100.0, 10.0]]))
    assert found.middle == pytest.approx([10, 10])
    assert found.low == pytest.approx([1, 10]) and found.high == pytest.approx([100, 10])
    interval = summaries.geometric_interval(np.array([1.0, 10.0, 100.0]))
    logs = mean_interval(np.log([1.0, 10.0, 100.0]))
    assert interval.mean == pytest.approx(10)
    assert [interval.low, interval.high] == pytest.approx(np.exp([logs.low, logs.high]))


def test_a_ratio_to_all_but_nothing_is_none():
    left, right = np.array([1.0, 1.0, 0.0, 1.0]), np.array([2.0, 1e-9, 1.0, np.nan])
    assert summaries.ratio(left, right) == pytest.approx([0.5, np.nan, np.nan, np.nan], nan_ok=True)


def test_most_seeds_decide_and_of_equals_the_lower_number():
    votes = np.array([[2.0, 0.0, np.nan], [2.0, 1.0, 3.0], [1.0, np.nan, np.nan]])
    assert summaries.most_common(votes).tolist() == [2, 0, 3]


def test_correlation_ranks_within_models():
    """Within each model accuracy falls with the measure; between models it rises."""
    cells = [
        xr.Dataset(
            {
                "roughness": ("seed", 10.0**k * np.array([1, 2, 3, 4])),
                "test_accuracy": ("seed", k + np.array([0.4, 0.3, 0.2, 0.1])),
            }
        )
        for k in range(3)
    ]
    found = summaries.within_models(cells, "roughness")
    assert found.rho == pytest.approx(-1) and found.p < 0.01


def test_clusters_stand_together():
    groups = np.array([0, 1, 0, 1, 0, 1])
    order = summaries.clustered((groups[:, None] == groups[None, :]) * 0.8)
    assert len(set(groups[order][:3])) == 1
    assert sorted(order) == list(range(6))


def test_neurons_that_are_undefined_take_part_in_the_order():
    assert sorted(summaries.clustered(np.full((4, 4), np.nan))) == [0, 1, 2, 3]
