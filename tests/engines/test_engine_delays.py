"""A line of delays outside the time loop is the shift register that it stands for."""

import pytest
import torch
from agreement import CPU, EAGER, agree
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn


def drawn(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64))


def register(signal, taps):
    """v[t] = A v[t-1] + e_1 z[t], A with ones below its diagonal; m[t] = sum_i taps[i] v_i[t]."""
    state, lags = [torch.zeros_like(signal[0])] * taps.shape[1], []
    for z in signal:
        state = [z, *state[:-1]]
        lags.append(torch.stack(state))
    return torch.einsum("tkmbu,mku->tmbu", torch.stack(lags), taps), torch.stack(lags)


def test_an_impulse_walks_through_the_register():
    signal = torch.zeros(8, 1, 1, 1)
    signal[3] = 1
    _, states = register(signal, torch.ones(1, 4, 1))
    assert states.flatten(1)[3:7].tolist() == torch.eye(4).tolist()
    assert states[:3].sum() == states[7].sum() == 0


@settings(max_examples=25)
@given(
    st.integers(1, 9), st.integers(1, 3), st.integers(1, 3), st.integers(1, 11), st.integers(1, 6)
)
def test_the_product_is_the_recursion(steps, members, batch, units, lags):
    signal, taps = drawn(0, steps, members, batch, units), drawn(1, members, lags, units)
    for engine in (CPU, EAGER):
        found = engine.delayed(signal, taps)
        torch.testing.assert_close(found, register(signal, taps)[0], rtol=0, atol=1e-12)
    agree(lambda engine, x: [engine.delayed(x, taps)], signal, signal, [signal, taps])


@pytest.mark.parametrize("units", [8, 33, 150])
def test_lags_behind_a_members_reach_are_left_out(units):
    """Their taps are 0; steps and units fill several blocks of the kernels, and leave a rest."""
    signal, taps = (
        nn.Parameter(drawn(seed, *shape).detach().float())
        for seed, shape in ((0, (70, 2, 1, units)), (1, (2, 5, units)))
    )
    taps.data[0, 2:] = 0
    results = []
    for engine, reach in ((CPU, (2, 5)), (CPU, None), (EAGER, (2, 5))):
        signal.grad = taps.grad = None
        found = engine.delayed(signal, taps, reach)
        found.backward(signal.detach().flip(0))
        results.append([found.detach(), signal.grad, taps.grad[0, :2], taps.grad[1]])
    fewer, all_, eager = results
    assert all(map(torch.equal, fewer, all_))
    for mine, wanted in zip(fewer, eager, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-5, atol=1e-4)
