"""Surfaces: regimes, efficiency, the Pareto front and its knee, on surfaces with known answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hnnlib.analysis import manifold
from hnnlib.analysis.manifold import DEGRADED, OPERATING, SATURATED, SILENT

grids = arrays(float, (3, 4), elements=st.floats(0, 1).map(lambda x: round(x, 2)))
counts = arrays(float, (3, 4), elements=st.integers(0, 50).map(float))


def test_regimes_follow_their_rules():
    accuracy = np.array([[0.90, 0.89, 0.87, 0.11, 0.95, 0.5, 0.1, np.nan]])
    rate = np.array([[0.1, 0.1, 0.1, 0.1, 0.6, 0.1, 0.6, 0.1]])
    output = np.array([[5.0, 5.0, 5.0, 5.0, 5.0, 0.0, 5.0, 5.0]])
    found = manifold.regimes(accuracy, rate, output)
    wanted = [DEGRADED, DEGRADED, DEGRADED, SILENT, SATURATED, SILENT, SATURATED, -1]
    assert found.tolist() == [wanted]
    alone = manifold.regimes(accuracy[:, :4], rate[:, :4], output[:, :4])
    assert alone.tolist() == [[OPERATING, OPERATING, DEGRADED, SILENT]]


@pytest.mark.parametrize("share", [1.0, 0.995])
def test_a_constant_output_is_silence_whatever_its_accuracy(share):
    """One class always: its share of the data may lie above chance."""
    accuracy = np.array([[0.96, 0.118, 0.96]])
    shares = np.array([[0.12, share, share]])
    found = manifold.regimes(accuracy, 0.1 * accuracy, accuracy, 0.1, shares)
    assert found.tolist() == [[OPERATING, SILENT, SILENT]]
    unknown = manifold.regimes(accuracy, 0.1 * accuracy, accuracy, 0.1, np.nan * shares)
    assert unknown.tolist() == [[OPERATING, DEGRADED, OPERATING]]


def test_every_surface_has_its_own_best():
    accuracy = np.array([[[0.9, 0.5]], [[0.5, 0.6]]])
    found = manifold.regimes(accuracy, 0.1 * accuracy, accuracy)
    assert found.tolist() == [[[OPERATING, DEGRADED]], [[DEGRADED, OPERATING]]]


def test_efficiency_is_the_papers_and_silence_has_none():
    # 99.01 % at 12.79 million spikes on 10,000 images: the paper's 7.74
    found = manifold.efficiency(np.array([0.9901, 0.1]), np.array([1279.2, 0.0]))
    assert found[0] == pytest.approx(7.74, abs=0.005)
    assert np.isnan(found[1])


@given(accuracy=grids, spikes=counts)
@settings(max_examples=60)
def test_nobody_beats_a_point_of_the_front_and_somebody_every_other(accuracy, spikes):
    front = manifold.front(accuracy, spikes)
    usable = (accuracy >= 0.1 + manifold.FLOOR) & (spikes > 0)
    assert not front[~usable].any() and front.any() == usable.any()
    for place in map(tuple, np.argwhere(usable)):
        better = usable & (accuracy >= accuracy[place]) & (spikes <= spikes[place])
        better &= (accuracy > accuracy[place]) | (spikes < spikes[place])
        if front[place]:
            assert not better.any()
        else:  # beaten, or the twin of a point of the front
            twins = (accuracy == accuracy[place]) & (spikes == spikes[place])
            assert better.any() or (front & twins).any()


def test_the_knee_is_where_more_spikes_stop_to_pay():
    spikes = np.array([[1.0, 10.0, 100.0, 1000.0]])
    assert manifold.knee(np.array([[0.2, 0.8, 0.85, 0.9]]), spikes) == (0, 1)
    assert manifold.knee(np.array([[0.2, 0.1, 0.1, 0.1]]), spikes) is None


def test_a_sum_of_functions_of_the_axes_has_no_interaction_and_a_product_has():
    rows, columns = np.arange(3.0)[:, None], np.arange(4.0)[None]
    assert manifold.interaction(rows + columns**2) == pytest.approx(0, abs=1e-12)
    assert manifold.interaction((rows - 1) * (columns - 1.5)) == pytest.approx(1)
    assert np.isnan(manifold.interaction(np.ones((2, 2))))


def test_steps_between_neighbours():
    surface = np.array([[0.9, 0.9, 0.1], [0.9, 0.5, 0.4]])
    assert manifold.sharpest_fall(surface) == pytest.approx((0.8 + 0.4) / 2)
    assert manifold.roughness(surface) == pytest.approx((0 + 0.8 + 0.4 + 0.1 + 0 + 0.4 + 0.3) / 7)
    assert manifold.sharpest_fall(surface[:, ::-1]) == 0


def test_spikes_follow_from_accuracy_and_efficiency():
    accuracy, spikes = np.array([0.9901]), np.array([1279.2])
    efficiency = manifold.efficiency(accuracy, spikes).item()
    assert manifold.spikes_of(0.9901, efficiency) == pytest.approx(1279.2)


def test_the_most_efficient_point_lies_above_the_floor():
    accuracy, spikes = np.array([[0.12, 0.5, 0.9]]), np.array([[1.0, 10.0, 100.0]])
    assert manifold.most_efficient(accuracy, spikes) == (0, 1)
    assert manifold.most_efficient(accuracy / 10, spikes) is None
