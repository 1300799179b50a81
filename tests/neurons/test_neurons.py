"""The equations of Muramatsu & Yu against closed forms (impulse and step response, reset kernel,
surrogates).
"""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.neurons.adaptive import AdaptiveLIF
from hnnlib.neurons.decay_input import DecayInputLIF
from hnnlib.neurons.filters import DualExponential
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.neurons.synaptic import SynapticLIF
from hnnlib.surrogates import ATan, Gaussian, Sigmoid, SuperSpike, spike
from hnnlib.surrogates.rectangle import Rectangle

EAGER = engines.get("eager")
P, Q = math.exp(-1 / 4), math.exp(-1)


def filtered(signal):
    return EAGER.scan(DualExponential.from_time_constants(), signal.double().view(-1, 1, 1, 1))[
        0
    ].flatten()


def test_filter_coefficients_are_those_of_the_paper():
    kernel = DualExponential.from_time_constants()
    assert (kernel.a1, kernel.a2, kernel.b) == pytest.approx((1.1467, -0.2865, 0.4109), abs=5e-5)


def test_impulse_response_is_a_difference_of_exponentials():
    impulse = torch.zeros(30)
    impulse[0] = 1
    expected = [P ** (n + 1) - Q ** (n + 1) for n in range(30)]
    torch.testing.assert_close(filtered(impulse), torch.tensor(expected, dtype=torch.float64))


def test_step_response_and_gain_are_those_of_the_closed_form():
    response = filtered(torch.ones(200))
    assert response[:5].tolist() == pytest.approx([0.41, 0.88, 1.31, 1.65, 1.93], abs=0.006)
    assert response[24].item() == pytest.approx(2.93, abs=0.005)
    assert response[-1].item() == pytest.approx(P / (1 - P) - Q / (1 - Q), abs=1e-9)


@pytest.mark.parametrize(("tau_m", "tau_s"), [(1, 4), (4, 4), (4, 0), (4, -1)])
def test_filter_refuses_impossible_time_constants(tau_m, tau_s):
    with pytest.raises(ValueError, match="tau_m > tau_s > 0"):
        DualExponential.from_time_constants(tau_m, tau_s)


def test_one_spike_leaves_a_decaying_refractory_kernel():
    drive = torch.zeros(10, 1, 1, 1, dtype=torch.float64)
    drive[0] = 1.5
    state = None
    neuron, potentials, spikes = RefractoryLIF(), [], []
    state = neuron.initial(drive[0])
    for current in drive:
        out, state = neuron.step(current, state)
        spikes.append(out.item())
        potentials.append(state.potential.item())
    assert spikes == [1] + [0] * 9
    assert potentials[1:] == pytest.approx([-(P**n) for n in range(9)])


def test_threshold_is_strict():
    assert spike(torch.tensor([-1.0, 0.0, 1e-6]), Gaussian()).tolist() == [0, 0, 1]


def test_a_unit_at_its_threshold_may_be_let_fire():
    distance = torch.tensor([-1e-6, 0.0, 1.0])
    assert spike(distance, Gaussian(), at_threshold=True).tolist() == [0, 1, 1]


def test_membrane_decay_carries_the_potential_over():
    drive = torch.zeros(3, 1, 1, 1)
    drive[0] = 0.8
    neuron = RefractoryLIF(membrane_decay=0.5)
    _, state = EAGER.scan(neuron, drive)
    assert state.potential.item() == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("surrogate", "peak", "at_one"),
    [
        (Gaussian(0.4), 0.99736, 0.99736 * math.exp(-1 / 0.32)),
        (ATan(2.0), 1.0, 1 / (1 + math.pi**2)),
        (SuperSpike(10.0), 1.0, 1 / 121),
        (Sigmoid(4.0), 1.0, 4 / (2 + math.exp(4) + math.exp(-4))),
        (Rectangle(0.25), 2.0, 0.0),
        (Rectangle(torch.tensor(0.5, dtype=torch.float64), "height_1"), 1.0, 0.0),
    ],
)
def test_surrogates_at_threshold_and_one_away(surrogate, peak, at_one):
    x = torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64, requires_grad=True)
    spike(x, surrogate).sum().backward()
    assert x.grad.tolist() == pytest.approx([peak, at_one, at_one], rel=1e-4)


@pytest.mark.parametrize(("height", "area"), [("area_1", 1.0), ("height_1", 1.5)])
def test_a_window_has_the_area_it_says_and_ends_at_its_upper_edge_only(height, area):
    window, edges = Rectangle(0.75, height), torch.tensor([-0.75, 0.75], dtype=torch.float64)
    x = torch.linspace(-2, 2, 40_001, dtype=torch.float64)
    assert window.derivative(x).sum().item() * 1e-4 == pytest.approx(area, rel=1e-3)
    assert window.derivative(edges).tolist() == [0.0, window.peak()]


def test_a_window_may_lie_beside_the_threshold():
    edges = torch.tensor([-0.5, -0.25, 0.25, 0.5], dtype=torch.float64)
    assert Rectangle(0.5, centre=-0.25).derivative(edges).tolist() == [1.0, 1.0, 1.0, 0.0]


def test_a_gaussian_of_each_member_is_that_of_its_own_width():
    x = torch.linspace(-2, 2, 41, dtype=torch.float64).expand(2, -1)
    both = Gaussian(torch.tensor([[0.4], [0.9]], dtype=torch.float64)).derivative(x)
    for row, sigma in zip(both, (0.4, 0.9), strict=True):
        torch.testing.assert_close(row, Gaussian(sigma).derivative(x[0]))


def test_gradient_flows_through_the_reset():
    # V1 = I1 - R1 and R1 = O0: the reset is not detached, so I0 moves V1 by -O0'
    drive = torch.tensor([1.2, 0.9], dtype=torch.float64).view(2, 1, 1, 1).requires_grad_()
    spikes, _ = EAGER.scan(RefractoryLIF(), drive)
    spikes[1].sum().backward()
    g = Gaussian()
    slope0 = g.derivative(torch.tensor(0.2, dtype=torch.float64)).item()
    slope1 = g.derivative(torch.tensor(0.9 - 1 - 1, dtype=torch.float64)).item()
    assert drive.grad.flatten().tolist() == pytest.approx([-slope0 * slope1, slope1])


@pytest.mark.parametrize(("hard", "left"), [(True, 0.0), (False, 0.5)])
def test_lif_resets_hard_or_soft(hard, left):
    drive = torch.full((1, 1, 1, 1), 1.5)
    assert EAGER.scan(LIF(hard_reset=hard), drive)[1].item() == left


def test_recurrent_weights_act_one_step_later():
    drive = torch.zeros(3, 1, 1, 2)
    drive[0, ..., 0] = 2
    weights = torch.tensor([[[0.0, 2.0], [0.0, 0.0]]])
    spikes, _ = EAGER.scan(LIF(decay=0.0), drive, weights)
    assert spikes[:, 0, 0].tolist() == [[1, 0], [0, 1], [0, 0]]


@given(st.lists(st.floats(-3, 6), min_size=1, max_size=40))
def test_spikes_are_bounded_by_what_the_drive_pays_for(drive):
    """Each spike costs the kernel 1 + theta + ..., so a drive below threshold throughout gives
    none.
    """
    spikes, _ = EAGER.scan(
        RefractoryLIF(), torch.tensor(drive, dtype=torch.float64).view(-1, 1, 1, 1)
    )
    fired = spikes.flatten().tolist()
    assert all(not out or value > 1 for out, value in zip(fired, drive, strict=True))


# --- DecayInputLIF --------------------------------------------------------------------------------


def column(values):
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1, 1)


def trajectory(neuron, drive):
    """Outputs and states over time, of one unit."""
    state, outputs, states = neuron.initial(column(drive)[0]), [], []
    for current in column(drive):
        output, state = neuron.step(current, state)
        outputs.append(output.item())
        states.append(state)
    return outputs, states


@pytest.mark.parametrize(
    ("neuron", "drive", "spikes", "potentials"),
    [
        # tau 2: the potential goes half the way to the input in every step
        (DecayInputLIF(2.0, 1.0), [1, 1, 1.25, 0.5], [0, 0, 1, 0], [0.5, 0.75, 0, 0.25]),
        # tau 4, reset 0.25: it rests there, and jumps back there
        (DecayInputLIF(4.0, 1.0, 0.25), [0, 3, 3, 2], [0, 1, 1, 0], [0.25, 0.25, 0.25, 0.75]),
    ],
)
def test_decaying_input_follows_the_equations(neuron, drive, spikes, potentials):
    outputs, states = trajectory(neuron, drive)
    assert (outputs, [state.item() for state in states]) == (spikes, potentials)


@pytest.mark.parametrize("tau", [1.001, 2.0, 5.0])
def test_a_constant_input_settles_at_itself_whatever_tau(tau):
    _, states = trajectory(DecayInputLIF(tau, threshold=2.0), [0.9] * 200)
    assert states[-1].item() == pytest.approx(0.9)


def test_gradient_flows_through_the_reset_of_decaying_input():
    drive = column([3.0, 1.0]).requires_grad_()
    neuron = DecayInputLIF(2.0, 1.0)
    spikes, _ = EAGER.scan(neuron, drive)
    spikes[1].sum().backward()
    # H0 = 1.5 fires; V0 = H0 (1 - S0), so dV0/dX0 = -H0 S'(0.5) / 2; H1 = V0 / 2 + X1 / 2 = 0.5
    first, second = neuron.surrogate.derivative(torch.tensor([0.5, -0.5])).tolist()
    expected = [second / 2 * -1.5 * first / 2, second / 2]
    assert drive.grad.flatten().tolist() == pytest.approx(expected, rel=1e-6)


# --- SynapticLIF ----------------------------------------------------------------------------------

# b = a = 1/2, so that every number here is exact
MIXED = {"membrane_decay": 0.5, "synapse_decay": 0.5}
NONE = torch.tensor([0])


@pytest.mark.parametrize(
    ("neuron", "drive", "outputs", "potentials"),
    [
        # c = 4, 2, 1 from the first step on; u = 2 fires and is set to 0
        (SynapticLIF(**MIXED), [4, 0, 0, 0], [0, 0, 1, 0], [0, 2, 0, 0.5]),
        # at exactly 1, no spike
        (SynapticLIF(**MIXED), [2, 0, 0], [0, 0, 0], [0, 1, 1]),
        # graded: u = 0.5, then (0.25 + 0.25) (1 - 0.5)
        (SynapticLIF(**MIXED, spiking=NONE), [1, 0, 0], [0, 0, 0.5], [0, 0.5, 0.25]),
        (
            SynapticLIF(**MIXED, spiking=NONE, reset_graded=False),
            [4, 0, 0, -8],
            [0, 0, 1, 1],
            [0, 2, 2, 1.5],
        ),
        (SynapticLIF(**MIXED, spiking=NONE), [-4, 0, 0], [0, 0, 0], [0, -2, -2]),
    ],
)
def test_synaptic_neurons_follow_the_equations(neuron, drive, outputs, potentials):
    found, states = trajectory(neuron, drive)
    assert (found, [state.potential.item() for state in states]) == (outputs, potentials)


def test_tanh_units_answer_at_once_and_keep_nothing():
    neuron = SynapticLIF(**MIXED, spiking=NONE, others="tanh")
    outputs, _ = trajectory(neuron, [-1.0, 0.5, 0])
    assert outputs == pytest.approx([math.tanh(-1), math.tanh(0.5), 0])


@pytest.mark.parametrize(
    ("reset_gradient", "expected"), [("stopped", [0.375, 0.375]), ("through", [0.25, 0.375])]
)
def test_gradient_flows_through_the_reset_of_graded_units_if_asked_for(reset_gradient, expected):
    drive = column([0.5, 0, 0, 0]).requires_grad_()
    neuron = SynapticLIF(**MIXED, spiking=NONE, reset_gradient=reset_gradient)
    outputs, _ = EAGER.scan(neuron, drive)
    outputs[3].sum().backward()
    # u3 = (u2 / 2 + c2 / 2) (1 - u2) with u2 = c1 / 2 = 0.25, c2 = c1 / 2 + X1, c1 = X0
    assert drive.grad.flatten().tolist() == [*expected, 0, 0]


@pytest.mark.parametrize("changes", [{}, {"reset_graded": False}, {"others": "tanh"}])
def test_the_gradient_of_the_reset_changes_no_output_and_graded_resets_only(changes):
    drive = drawn(12, 1, 4, 6)
    kinds = (None, torch.tensor([3])) if changes else (None,)
    for spiking in (*kinds, torch.tensor([6])):
        found = []
        for reset_gradient in ("stopped", "through"):
            leaf = drive.clone().requires_grad_()
            neuron = SynapticLIF(0.8, 0.6, spiking, reset_gradient=reset_gradient, **changes)
            outputs, _ = EAGER.scan(neuron, leaf)
            outputs.sum().backward()
            found.append((outputs, leaf.grad))
        assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    graded = (SynapticLIF(0.8, 0.6, NONE, reset_gradient=g) for g in ("stopped", "through"))
    assert torch.equal(*(EAGER.scan(neuron, drive)[0] for neuron in graded))


@pytest.mark.parametrize(("level", "slope"), [(-1.0, 0), (0.5, 1), (1.5, 0)])
def test_the_gradient_of_a_graded_unit_ends_where_it_saturates(level, slope):
    drive = column([2 * level, 0, 0]).requires_grad_()
    EAGER.scan(SynapticLIF(**MIXED, spiking=NONE), drive)[0].sum().backward()
    assert drive.grad[0].item() == 0.5 * slope


def drawn(*shape):
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("others", ["graded", "tanh"])
def test_masks_never_mix_units_or_members(others):
    """Each unit of a mixed population does what it does in a network of its own kind."""
    drive = drawn(12, 3, 4, 6)

    def run(spiking):
        return EAGER.scan(SynapticLIF(0.8, 0.6, spiking, others), drive)[0]

    mixed = run(torch.tensor([0, 2, 6]))
    spiking, alike = run(None), run(torch.tensor([0, 0, 0]))
    assert torch.equal(run(torch.tensor([6, 6, 6])), spiking)
    for member, count in enumerate((0, 2, 6)):
        assert torch.equal(mixed[:, member, :, :count], spiking[:, member, :, :count])
        assert torch.equal(mixed[:, member, :, count:], alike[:, member, :, count:])


def test_decays_may_differ_between_members():
    drive = drawn(12, 1, 4, 6).expand(-1, 2, -1, -1)
    decays = torch.tensor([0.5, 0.9], dtype=torch.float64).view(2, 1, 1)
    both, _ = EAGER.scan(SynapticLIF(decays, decays.flip(0)), drive)
    for member, (b, a) in enumerate([(0.5, 0.9), (0.9, 0.5)]):
        alone, _ = EAGER.scan(SynapticLIF(b, a), drive[:, member : member + 1])
        assert torch.equal(both[:, member : member + 1], alone)


def test_gradients_of_tanh_units_stay_finite_over_long_times():
    drive = drawn(2000, 1, 1, 2).requires_grad_()
    neuron = SynapticLIF(0.99, 0.9, torch.tensor([1]), "tanh")
    EAGER.scan(neuron, drive)[0].sum().backward()
    assert drive.grad.isfinite().all()


def test_a_drive_too_small_never_fires_and_ends_where_the_leak_holds_it():
    drive = torch.full((400, 1, 1, 1), 0.09, dtype=torch.float64)
    spikes, potential = EAGER.scan(LIF(0.9), drive)
    assert not spikes.any()
    assert potential.item() == pytest.approx(0.09 / (1 - 0.9))


def test_an_adaptive_neuron_without_adaptation_is_the_plain_one():
    drive = torch.rand(50, 1, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    plain, adaptive = (
        EAGER.scan(neuron, drive)[0] for neuron in (LIF(0.8), AdaptiveLIF(0.8, 0.97, 0.0, 0.0))
    )
    assert plain.any() and torch.equal(plain, adaptive)


def test_adaptation_follows_potential_and_spikes_by_hand():
    drive = torch.tensor([1.5, 0.0, 2.0], dtype=torch.float64).view(-1, 1, 1, 1)
    neuron = AdaptiveLIF(alpha=0.5, beta=0.9, a=0.2, b=1.0)
    spikes, state = EAGER.scan(neuron, drive)
    # w: 0; 0.2 * 1.5 + 1 = 1.3; 1.17 + 0.2 u1 with u1 = 0.25 - 0.65 = -0.4, so 1.09
    assert spikes.flatten().tolist() == [1, 0, 1]
    assert state.adaptation.item() == pytest.approx(1.09)
    assert state.potential.item() == pytest.approx(0.5 * -0.4 - 0.5 * 1.09 + 2)
