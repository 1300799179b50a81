"""Sums of rows in vector registers, lists of spikes and powers, against NumPy; blocks, what is left
beside them.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from hnnlib.engines.cpu import powers, vectors

KINDS = (np.float32, np.float64)


@njit
def rows(total, table, base, stride, places, first, last):
    vectors.add_rows(total, table, base, stride, places, first, last)


@njit
def to_rows(table, added, places, first, last):
    vectors.add_to_rows(table, added, places, first, last)


@njit
def above(values, threshold, places, place, end):
    return vectors.list_above(values, threshold, places, place, end)


@pytest.mark.parametrize("kind", KINDS)
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
@given(width=st.integers(1, 200), places=st.lists(st.integers(0, 5), max_size=12))
def test_a_row_is_added_to_all_that_are_named(kind, width, places):
    rng = np.random.default_rng(width)
    table = rng.normal(size=(6, width)).astype(kind)
    added, expected = rng.normal(size=width).astype(kind), table.copy()
    for place in places:
        expected[place] += added
    to_rows(table, added, np.array([9, *places, 9], np.int32), 1, 1 + len(places))
    np.testing.assert_array_equal(table, expected)


def test_a_row_goes_on_with_those_after_it():
    table, total = np.arange(12.0).reshape(6, 2), np.zeros(5)
    rows(total, table, 1, 1, np.array([0, 2], np.int32), 0, 2)
    np.testing.assert_array_equal(total, table.ravel()[2:7] + table.ravel()[6:11])


@pytest.mark.parametrize("kind", KINDS)
@given(
    width=st.integers(1, 70),
    share=st.floats(0, 1),
    place=st.integers(0, 9),
    room=st.integers(0, 20),
    seed=st.integers(0, 99),
)
def test_what_is_above_a_threshold_is_listed_in_order(kind, width, share, place, room, seed):
    values = np.random.default_rng(seed).random(width).astype(kind)
    expected = np.flatnonzero(values > kind(1 - share))
    end = place + len(expected) + room
    places = np.full(end + 30, -1, np.int32)
    behind = above(values, kind(1 - share), places, place, end)
    assert places[place:behind].tolist() == expected.tolist()
    # one place may be written before it is known whether it is wanted
    assert (places[:place] == -1).all() and (places[max(end, behind + 1) :] == -1).all()


def test_a_threshold_is_not_above_itself_and_nan_is_nowhere():
    places = np.zeros(20, np.int32)
    values = np.array([1.0, np.nan, np.inf, -np.inf, 1.5, 1.0, 2.0, 0.0, 3.0])
    assert above(values, 1.0, places, 0, 20) == 4
    assert places[:4].tolist() == [2, 4, 6, 8]


def test_arrays_with_gaps_are_refused():
    with pytest.raises(Exception, match="add_rows"):
        rows(np.ones(4), np.ones((3, 8))[:, ::2], 0, 1, np.zeros(1, np.int32), 0, 1)


@njit
def halved(times, result):
    for n in range(len(result)):
        result[n] = powers.halved(times[n])


@pytest.mark.parametrize("kind", KINDS)
def test_powers_of_one_half_are_exact_down_to_nothing(kind):
    times, result = np.arange(1101, dtype=kind), np.empty(1101, kind)
    halved(times, result)
    np.testing.assert_array_equal(result, (0.5 ** np.arange(1101)).astype(kind))
    assert result[-1] == 0 < result[100]
