"""The solver agrees with NEURON, step by step below the threshold and in its spikes above it."""

from __future__ import annotations

import numpy as np
import pytest

from hnnlib.datasets.cable import ensemble, neuron_oracle, solver, spikes

pytest.importorskip("neuron", reason="needs the extra `cable`: make oracles")
STEP = solver.Step(pulse=50, duration=60, dt=0.1)


def both(family, amplitude):
    """Own and NEURON's potentials of two cells in turn, (trace, sample), at soma and dendrite."""
    cells = ensemble.draw(2, family, 0.08, 0)
    arguments = cells, np.arange(len(amplitude)) % 2, np.array(amplitude), 5.0, STEP
    sites = {"recorded": (0, 12)}
    return solver.run(*arguments, **sites), neuron_oracle.run(*arguments, **sites)


def count(voltage):
    return spikes.crossings(voltage[:, 0]).sum(-1)


def test_potentials_below_the_threshold_agree():
    own, other = both("golomb", [-0.11, -0.05, 0.02])
    np.testing.assert_allclose(own, other, atol=0.05)


def test_spikes_are_as_many_at_five_amplitudes():
    own, other = both("golomb", [0.1, 0.13, 0.17, 0.21, 0.28])
    np.testing.assert_array_equal(count(own), count(other))
    assert (count(own) > 0).all() and len(set(count(own))) > 1


def test_the_other_family_agrees_too():
    own, other = both("wang_buzsaki", [-0.05, 0.001, 0.05, 0.1])
    np.testing.assert_allclose(own[:2], other[:2], atol=0.05)
    np.testing.assert_array_equal(count(own), count(other))
    assert (count(own)[2:] > 0).all()
