"""Moments of the membrane: a closed form, samples, and the window that follows."""

import numpy as np
import pytest

from hnnlib.analysis import moments
from hnnlib.neurons.quadratic import Map, QuadraticIF

PAPERS = QuadraticIF().map
EDGES = np.linspace(-3, 4, 141)


def drawn(f, sigma, steps, reset=False, draws=1_000_000):
    inputs = np.random.default_rng(0).normal(0, sigma, (steps, draws))
    return moments.drawn(f, inputs, EDGES, reset)


def test_two_steps_of_the_papers_neuron():
    (m1, q1), (m2, q2) = moments.moments(PAPERS, 0.5, 2)
    assert (m1, q1) == (0, 0.25)
    assert (m2, q2) == pytest.approx((0.0625, 0.875**2 * 0.25 + 2 * 0.0625 * 0.0625 + 0.25))


def test_samples_agree_for_two_steps_and_not_for_three():
    found = drawn(PAPERS, 0.5, 3)
    expected = np.array(list(moments.moments(PAPERS, 0.5, 3)))
    n = 1_000_000
    for step in range(2):
        error = 3 * np.sqrt(expected[step, 1] / n)
        assert found.mean[step] == pytest.approx(expected[step, 0], abs=error)
        # of a variance of a potential that is nearly normal
        assert found.variance[step] == pytest.approx(expected[step, 1], rel=3 * np.sqrt(3 / n))
    assert found.variance[2] > 1.03 * expected[2, 1]


def test_a_leaky_integrator_stays_as_predicted():
    found = drawn(moments.leak(0.5), 0.5, 4, draws=200_000)
    expected = np.array(list(moments.moments(moments.leak(0.5), 0.5, 4)))
    np.testing.assert_allclose(found.variance, expected[:, 1], rtol=0.02)
    np.testing.assert_allclose(found.mean, 0, atol=0.01)


def test_resets_make_the_potential_narrower_than_predicted():
    apart = {sigma: list(moments.moments(PAPERS, sigma, 2))[1][1] for sigma in (0.5, 1.0)}
    ratios = [
        np.sqrt(q / drawn(PAPERS, sigma, 4, True, 100_000).variance[3])
        for sigma, q in apart.items()
    ]
    assert 1.0 < ratios[0] < ratios[1] < 1.5


def test_densities_are_densities():
    density = drawn(Map(0.0, 0.5, 0.0), 0.5, 2, draws=1000).density
    np.testing.assert_allclose((density * np.diff(EDGES)).sum(1), 1)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("sigma", 0.5), ("two_step", 0.5 * 1.25**0.5), ("twice", 1.25**0.5), ("0.25", 0.25)],
)
def test_windows_of_a_leaky_integrator(rule, expected):
    assert moments.window(moments.leak(0.5), 0.5, rule) == pytest.approx(expected)
