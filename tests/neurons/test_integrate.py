"""Integrate-and-fire with several spikes a step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.analysis.equivalence import Layer, Rules, fire
from hnnlib.neurons.integrate import IntegrateAndFire
from hnnlib.neurons.lif import LIF
from hnnlib.surrogates import ATan

EAGER = engines.get("eager")
drives = st.lists(st.integers(-20, 40), min_size=1, max_size=30)


def run(neuron: IntegrateAndFire | LIF, drive: list[float]) -> list[float]:
    signal = torch.tensor(drive, dtype=torch.float64).view(-1, 1, 1, 1)
    return EAGER.scan(neuron, signal)[0].flatten().tolist()


@given(drives, st.integers(1, 30))
def test_spikes_are_the_steps_of_the_running_maximum(drive, threshold):
    potential = np.cumsum(drive)
    total = np.maximum(0, np.floor(np.maximum.accumulate(potential) / threshold))
    assert run(IntegrateAndFire(float(threshold)), drive) == np.diff(total, prepend=0).tolist()


@given(drives, st.integers(1, 30))
def test_with_a_leak_they_are_those_of_the_exact_equations(drive, threshold):
    layer = Layer.of(np.array([[1]]), np.array([threshold]))
    events = np.array(drive)[:, None]
    for reset in ("permanent", "leaky"):
        exact = fire(layer, events, Rules("exponential", reset=reset))
        assert (
            run(IntegrateAndFire(float(threshold), leak=0.5, reset=reset), drive)
            == exact[:, 0].tolist()
        )


@given(drives, st.integers(1, 30))
def test_one_spike_a_step_is_the_textbook_neuron_without_a_leak(drive, threshold):
    """But for a potential of exactly the threshold, where that one is silent."""
    drive = [value + 1e-3 for value in drive]
    one = IntegrateAndFire(float(threshold), spikes_per_step="one")
    assert run(one, drive) == run(LIF(1.0, float(threshold)), drive)


def test_what_one_step_leaves_fires_later():
    assert run(IntegrateAndFire(2.0), [6.0, 0.0, 0.0]) == [3, 0, 0]
    assert run(IntegrateAndFire(2.0, spikes_per_step="one"), [6.0, 0.0, 0.0]) == [1, 1, 1]


@pytest.mark.parametrize(("potential", "nearest"), [(0.3, 1), (1.4, 1), (1.6, 2), (3.2, 3)])
def test_the_gradient_is_that_of_the_nearest_threshold(potential, nearest):
    drive = torch.tensor(potential, dtype=torch.float64, requires_grad=True)
    neuron = IntegrateAndFire()
    spikes, _ = neuron.step(drive, neuron.initial(drive))
    spikes.backward()
    assert spikes.item() == int(potential)
    expected = ATan().derivative(torch.tensor(potential - nearest, dtype=torch.float64))
    assert drive.grad.item() == pytest.approx(expected.item())
