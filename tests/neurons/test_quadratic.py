"""The quadratic neuron: its map, what it does near rest, and its reset."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.quadratic import QuadraticIF

EAGER = engines.get("eager")


def path(neuron, start, steps):
    """Potentials after each step without input, in double precision."""
    state, found = torch.tensor(start, dtype=torch.float64), []
    for _ in range(steps):
        _, state = neuron.step(torch.zeros_like(state), state)
        found.append(state.item())
    return found


@pytest.mark.parametrize(
    ("reading", "start", "expected"),
    [
        ("euler", 0.0, [0.0, 0.0]),
        ("euler", 0.5, [0.5, 0.5]),
        ("euler", 0.75, [0.796875, 0.796875 + 0.25 * 0.796875 * 0.296875]),
        ("product", 0.75, [0.046875]),
    ],
)
def test_the_papers_figure(reading, start, expected):
    assert path(QuadraticIF(reading=reading), start, len(expected)) == pytest.approx(expected)


def test_above_the_critical_point_it_spikes_by_itself():
    neuron, state, spikes = QuadraticIF(), torch.tensor(0.75, dtype=torch.float64), []
    for _ in range(4):
        fired, state = neuron.step(torch.zeros_like(state), state)
        spikes.append(fired.item())
    assert spikes == [0, 0, 0, 1] and state == 0


@given(st.floats(0.05, 3), st.floats(-0.5, 0.2), st.floats(0.3, 0.9))
def test_rest_and_critical_point_stay_and_have_their_slopes(a, u1, u2):
    u, neuron = (
        torch.tensor([u1, u2], dtype=torch.float64, requires_grad=True),
        QuadraticIF(a, u1, u2),
    )
    torch.testing.assert_close(neuron.step(torch.zeros_like(u), u)[1], u, rtol=0, atol=1e-12)
    (slopes,) = torch.autograd.grad(neuron.map(u).sum(), u)  # without the surrogate's, by the reset
    assert slopes.tolist() == pytest.approx([1 - a * (u2 - u1), 1 + a * (u2 - u1)])


def test_beyond_a_slope_of_minus_one_half_it_swings_around_rest():
    potentials = [1e-3, *path(QuadraticIF(3.0), 1e-3, 8)]
    ratios = [after / before for before, after in zip(potentials, potentials[1:], strict=False)]
    assert all(ratio < 0 for ratio in ratios)
    assert ratios[-1] == pytest.approx(-0.5, abs=1e-4)


@pytest.mark.parametrize(("reading", "decay"), [("euler", 1.0), ("product", 0.0)])
def test_without_curvature_it_is_a_leaky_integrator(reading, decay):
    drive = torch.randn(20, 1, 2, 5, generator=torch.Generator().manual_seed(0))
    flat = EAGER.scan(QuadraticIF(0.0, reading=reading), drive)[0]
    assert flat.any() and torch.equal(flat, EAGER.scan(LIF(decay, hard_reset=True), drive)[0])


@given(st.floats(0.05, 2), st.sampled_from(["euler", "product"]))
def test_clamped_it_never_falls_with_the_potential(a, reading):
    u = torch.linspace(-20, 0.9, 500, dtype=torch.float64)
    neuron = QuadraticIF(a, reading=reading, threshold=1e6, clamp=True)
    assert (neuron.step(torch.zeros_like(u), u)[1].diff() >= 0).all()


@pytest.mark.parametrize("clamp", [False, True])
def test_inhibition_alone_makes_no_spike_if_clamped(clamp):
    drive = torch.zeros(3, 1, 1, 1)
    drive[0] = -6.0
    assert EAGER.scan(QuadraticIF(clamp=clamp), drive)[0].any() == (not clamp)


@given(st.integers(0, 99), st.booleans())
@settings(max_examples=10)
def test_it_follows_the_recursion(seed, clamp):
    a, u1, u2, reset = 0.6, -0.1, 0.7, 0.0
    drive = torch.randn(30, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    u, expected = 0.0, []
    for current in drive.tolist():
        slope = 1 - a * (u1 + u2)
        u = max(u, -slope / (2 * a)) if clamp else u
        u = a * u**2 + slope * u + a * u1 * u2 + current
        expected.append(float(u >= 1))
        u = reset if u >= 1 else u
    spikes = EAGER.scan(QuadraticIF(a, u1, u2, clamp=clamp), drive.view(-1, 1, 1, 1))[0]
    assert spikes.flatten().tolist() == expected
