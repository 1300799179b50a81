"""Ranks and their correlation are scipy's, to the last bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hnnlib.analysis.ranks import ranks, spearman

NUMBERS = st.lists(st.integers(-9, 9), min_size=3, max_size=20)


@given(NUMBERS)
def test_ranks_with_ties(values):
    np.testing.assert_array_equal(ranks(np.array(values)), stats.rankdata(values))


@given(NUMBERS, st.randoms(use_true_random=False))
def test_correlation_of_ranks(values, random):
    x, y = np.array(values), np.array(random.sample(values, len(values)))
    if np.ptp(x):
        assert spearman(x, y) == stats.spearmanr(x, y).statistic
