"""Networks of many spikes and of one: closed forms, and equality in both directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.analysis.equivalence import (
    Layer,
    Rules,
    bounds,
    fire,
    floor_potential,
    moebius,
    multi_from_single,
    propagate,
    single_from_multi,
    squarefree,
    summed,
    weigh,
)

ONCE = Rules(once=True)
ONE_NEURON = [Layer.of(np.array([[3]]), np.array([2]))]
THREE_INPUTS = np.ones((3, 1), np.int64)


def column(spikes: np.ndarray) -> list[int]:
    return spikes[:, 0].tolist()


def layers_of(seed: int, depth: int, most: int, rules: Rules) -> tuple[list[Layer], np.ndarray]:
    """A network whose neurons have about so many spikes at most, and its input."""
    generator = np.random.default_rng(seed)
    events = first = (generator.random((12, 4)) < 0.3).astype(np.int64)
    layers = []
    for _ in range(depth):
        weights = generator.integers(-3, 8, (4, 4))
        peak = floor_potential(weigh(events, weights), rules.kernel).max()
        layers.append(Layer.of(weights, np.full(4, max(1, peak // most))))
        events = fire(layers[-1], events, rules)
    return layers, first


def most_of(spikes: list[np.ndarray]) -> int:
    return max(1, *(int(one.sum(0).max()) for one in spikes))


# --- one neuron ---------------------------------------------------------------------------------


def test_a_jump_over_two_thresholds_is_two_spikes_and_each_member_fires_at_its_own():
    """w = 3, threshold 2: P = 3, 6, 9, spikes at events 1, 2, 2, 3."""
    assert column(fire(ONE_NEURON[0], THREE_INPUTS)) == [1, 2, 1]
    (group,) = single_from_multi(ONE_NEURON, 4)
    assert group.thresholds.tolist() == [2, 4, 6, 8]
    members = fire(group, THREE_INPUTS, ONCE)
    assert [np.flatnonzero(member).tolist() for member in members.T] == [[0], [1], [1], [2]]


def test_multiples_of_the_threshold_cancel_all_spikes_but_the_first():
    (group,) = multi_from_single(ONE_NEURON, 4)
    assert group.times.tolist() == [1, 2, 3] and group.readout.tolist() == [1, -1, -1]
    members = fire(group, THREE_INPUTS)
    assert members.T.tolist() == [[1, 2, 1], [0, 1, 1], [0, 1, 0]]
    assert column(summed(members, group)) == [1, 0, 0]


def test_a_constant_drive_fires_at_multiples_of_threshold_over_drive():
    layer = Layer.of(np.array([[4]]), np.array([10]))
    spikes = fire(layer, np.ones((30, 1), np.int64))
    times = np.repeat(np.arange(1, 31), column(spikes))
    assert times.tolist() == [math.ceil(k * 10 / 4) for k in range(1, 13)]


def test_the_first_spike_of_a_leaky_neuron_is_where_the_charging_curve_crosses():
    """Drive c a step, half of the potential stays: P[t] = 2 c (1 - 2^-(t+1))."""
    potential = floor_potential(np.full((20, 1), 1000), "exponential")
    assert column(potential) == [int(2000 * (1 - 2.0 ** -(t + 1))) for t in range(20)]
    layer = Layer.of(np.array([[1000]]), np.array([1900]))
    spikes = fire(layer, np.ones((20, 1), np.int64), Rules("exponential"))
    assert np.flatnonzero(spikes)[0] == math.ceil(math.log2(2000 / (2000 - 1900))) - 1


def test_kernels_are_what_one_spike_leaves():
    impulse = np.zeros((8, 1), np.int64)
    impulse[0] = 1024
    time = np.arange(8)
    for kernel, expected in {
        "step": np.full(8, 1024),
        "ramp": 1024 * time,
        "exponential": 1024 >> time,
        "alpha": 1024 * time // 2**time,
    }.items():
        assert column(floor_potential(impulse, kernel)) == expected.tolist(), kernel


def test_lateral_synapses_put_the_second_neuron_where_a_leaky_reset_puts_the_second_spike():
    """It sees P + threshold (1 - 2^-(t - t_1)) and crosses 2 threshold where P - threshold 2^-(t -
    t_1) = threshold.
    """
    layer = [Layer.of(np.array([[100]]), np.array([110]))]
    events = np.ones((4, 1), np.int64)
    # P = 100, 150, 175, 187.5: spike at step 1; V = 65 - 110/2 .. = 120 at step 2, 132.5 - 55 at 3
    spikes = fire(layer[0], events, Rules("exponential", reset="leaky"))
    assert column(spikes) == [0, 1, 1, 0]
    (group,) = single_from_multi(layer, 2)
    lateral = fire(group, events, Rules("exponential", once=True, reset="lateral"))
    assert lateral.T.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]
    bare = fire(group, events, Rules("exponential", once=True))
    assert bare.T.tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]


# --- numbers ------------------------------------------------------------------------------------


def test_moebius_sums_over_divisors_to_one_at_one_only():
    mu = moebius(200)
    for j in range(1, 201):
        assert sum(mu[m] for m in range(1, j + 1) if j % m == 0) == (j == 1)


def test_squarefree_integers_are_counted():
    assert [squarefree(n) for n in range(1, 17)] == [
        1,
        2,
        3,
        3,
        4,
        5,
        6,
        6,
        6,
        7,
        8,
        8,
        9,
        10,
        11,
        11,
    ]
    assert (squarefree(100), squarefree(1000)) == (61, 608)


def test_the_first_bound_always_holds_and_the_second_fails_at_four_numbers():
    counts = np.cumsum(np.abs(moebius(20_000)))
    fails = [n for n in range(1, 20_001) if counts[n] >= bounds(n)[1] * n]
    assert fails == [2, 3, 6, 7]
    assert all(counts[n] <= bounds(n)[0] * n for n in range(1, 20_001))


# --- networks -----------------------------------------------------------------------------------

drawn = given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 8))


@settings(max_examples=60, deadline=None)
@drawn
def test_every_network_has_an_equal_one_in_both_directions(seed, depth, most):
    for kernel in ("step", "ramp", "exponential", "alpha"):
        many, once = Rules(kernel), Rules(kernel, once=True)
        layers, events = layers_of(seed, depth, most, many)
        ours = propagate(layers, events, many)
        group = single_from_multi(layers, most_of(ours))
        theirs = propagate(group, events, once)
        assert all(one.sum(0).max() <= 1 for one in theirs)
        assert all((a == summed(b, g)).all() for a, b, g in zip(ours, theirs, group, strict=True))

        layers, events = layers_of(seed, depth, most, once)
        ours = propagate(layers, events, once)
        fed = zip(layers, [events, *ours[:-1]], strict=True)
        spikes = most_of([fire(one, signal, many) for one, signal in fed])
        group = multi_from_single(layers, spikes)
        theirs = propagate(group, events, many)
        assert all((a == summed(b, g)).all() for a, b, g in zip(ours, theirs, group, strict=True))
        assert len(group[0].thresholds) == squarefree(spikes) * len(layers[0].thresholds)


@settings(max_examples=40, deadline=None)
@drawn
def test_lateral_synapses_repair_a_leaky_reset(seed, depth, most):
    leaky = Rules("exponential", reset="leaky")
    layers, events = layers_of(seed, depth, most, leaky)
    ours = propagate(layers, events, leaky)
    group = single_from_multi(layers, most_of(ours))
    theirs = propagate(group, events, Rules("exponential", once=True, reset="lateral"))
    assert all((a == summed(b, g)).all() for a, b, g in zip(ours, theirs, group, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_one_construction_after_the_other_gives_the_same_potential_downstream(seed):
    """Many spikes as single ones, each of which becomes a group of many again."""
    layers, events = layers_of(seed, 2, 5, Rules())
    first, second = layers
    spikes = fire(first, events)
    (once,) = single_from_multi([first], most_of([spikes]))
    alone = Layer.of(once.weights, once.thresholds)
    (again,) = multi_from_single([alone], most_of([fire(alone, events)]))
    signal = summed(summed(fire(again, events), again), once)
    downstream = [weigh(one, second.weights).cumsum(0) for one in (spikes, signal)]
    assert (downstream[0] == downstream[1]).all()


def test_what_breaks_it():
    """Each switch alone, on one neuron."""
    assert column(fire(ONE_NEURON[0], THREE_INPUTS, Rules(spikes_per_step="one"))) == [1, 1, 1]
    both = Layer.of(np.array([[3], [-3]]), np.array([2]))
    assert column(fire(both, np.ones((1, 2), np.int64))) == [0]
    assert column(fire(both, np.ones((1, 2), np.int64), Rules(arrival="in_order"))) == [1]
    at = Layer.of(np.array([[2]]), np.array([2]))
    assert column(fire(at, THREE_INPUTS, Rules(at_threshold=False))) == [0, 1, 1]
    # 3 * 0.1 > 0.3 in double precision
    tenth = Layer.of(np.array([[1]]), np.array([3]))
    assert column(fire(tenth, THREE_INPUTS, Rules(arithmetic="float"))) == [0, 0, 1]
    shuffled = Rules(arrival="shuffled")
    found = {
        fire(both, np.ones((1, 2), np.int64), shuffled, np.random.default_rng(k)).item()
        for k in range(9)
    }
    assert found == {0, 1}
