"""Dropout of listed spikes gives the numbers of the tensor that they stand for, to the bit."""

import pytest
import torch
from agreement import CPU, EAGER, spikes_of
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.randomness import MemberNoise
from hnnlib.signals import Events, Spikes


def dropped(engine, events, noise, share, gradient):
    carrier = torch.zeros(events.shape, requires_grad=True)
    found = engine.dropped(Spikes(carrier, events), noise, share)
    found.backward(gradient)
    return found.detach(), carrier.grad


@settings(max_examples=20)
@given(
    size=st.tuples(*(st.integers(1, most) for most in (7, 3, 4, 70))),
    density=st.sampled_from([0.0, 0.3, 1.0]),
    share=st.sampled_from([0.1, 0.5, 0.6]),
)
def test_spikes_are_left_out_and_scaled(size, density, share):
    spikes = spikes_of(0, density, *size).float()
    noise = MemberNoise(range(size[1]), "dropout").uniform(size[0], spikes[0])
    gradient = torch.randn(size, generator=torch.Generator().manual_seed(0))
    kept = noise >= share
    for engine in (CPU, EAGER):
        found, back = dropped(engine, Events.of(spikes), noise, share, gradient)
        assert torch.equal(found, torch.where(kept, spikes / (1 - share), 0))
        assert torch.equal(back, torch.where(kept, gradient / (1 - share), 0))


@pytest.mark.parametrize("engine", [CPU, EAGER])
def test_noise_at_the_share_keeps_a_unit(engine):
    noise = torch.tensor([0.25, 0.5, 0.75]).view(1, 1, 1, 3)
    found, _ = dropped(engine, Events.of(torch.ones(noise.shape)), noise, 0.5, noise)
    assert found.flatten().tolist() == [0, 2, 2]
