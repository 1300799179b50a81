"""Sums of rows in vector registers, against NumPy; blocks, and what is left beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from hnnlib.engines.cpu import vectors

KINDS = (np.float32, np.float64)


@njit
def rows(total, table, base, stride, places, first, last):
    vectors.add_rows(total, table, base, stride, places, first, last)


@njit
def products(total, table, factors):
    vectors.add_products(total, table, factors)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(
    width=st.integers(1, 200), first=st.integers(0, 9), several=st.integers(0, 12), data=st.data()
)
def test_rows_are_added_and_nothing_else_is_touched(kind, width, first, several, data):
    places = data.draw(st.lists(st.integers(0, 9), min_size=25, max_size=25))
    rng = np.random.default_rng(width)
    table, total = rng.normal(size=(40, width)).astype(kind), np.ones(width + 70, kind)
    rows(total[:width], table, 5, 3, np.array(places, np.int32), first, first + several)
    expected = 1 + table[5 + 3 * np.array(places[first : first + several], int)].sum(0)
    np.testing.assert_allclose(total[:width], expected, rtol=1e-5, atol=1e-5)
    assert (total[width:] == 1).all()


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(width=st.integers(1, 200), several=st.integers(0, 30))
def test_products_are_those_of_a_matrix(kind, width, several):
    rng = np.random.default_rng(several)
    table, total = rng.normal(size=(several, width)).astype(kind), np.ones(width + 70, kind)
    factors = rng.normal(size=several).astype(kind)
    products(total[:width], table, factors)
    np.testing.assert_allclose(total[:width], 1 + factors @ table, rtol=1e-5, atol=1e-5)
    assert (total[width:] == 1).all()


def test_arrays_with_gaps_are_refused():
    with pytest.raises(Exception, match="add_products"):
        products(np.ones(4), np.ones((3, 8))[:, ::2], np.ones(3))
