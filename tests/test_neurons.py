"""The equations of Muramatsu & Yu against closed forms (impulse and step response, reset kernel,
surrogates).
"""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.neurons import LIF, DualExponential, RefractoryLIF
from hnnlib.surrogates import ATan, Gaussian, SuperSpike, spike

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
    ],
)
def test_surrogates_at_threshold_and_one_away(surrogate, peak, at_one):
    x = torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64, requires_grad=True)
    spike(x, surrogate).sum().backward()
    assert x.grad.tolist() == pytest.approx([peak, at_one, at_one], rel=1e-4)


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
