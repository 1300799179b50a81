"""Codings: their moments, their switches and what they let through."""

import math

import pytest
import torch

from hnnlib import codings
from hnnlib.randomness import MemberNoise

STEPS = 4000


def noise(*seeds):
    return MemberNoise(seeds or (0,), "test")


def test_duplicate_repeats_the_value():
    values = torch.rand(2, 3, 4)
    signal = codings.duplicate(values, 5).over_time()
    assert signal.shape == (5, 2, 3, 4)
    assert (signal == values).all()


@pytest.mark.parametrize(
    ("variant", "half", "mean", "sigma"),
    [
        ("ln_sigma", (-0.5, math.log(0.3)), -0.5, 0.3),
        ("code", (-0.5, -1.0), 0.0, 1.0),
        ("code", (2.0, 1.0), 2.0, math.exp(0.5)),
    ],
)
def test_gaussian_has_the_stated_moments(variant, half, mean, sigma):
    doubled = torch.tensor(half).repeat_interleave(8).view(1, 1, 16)
    signal = codings.gaussian(doubled, STEPS, noise(), variant)
    error = sigma / math.sqrt(signal.numel())
    assert signal.mean().item() == pytest.approx(mean, abs=5 * error)
    assert signal.std().item() == pytest.approx(sigma, rel=0.03)
    steps = signal[:, 0, 0]
    assert (
        abs(torch.corrcoef(torch.stack([steps[1:, 0], steps[:-1, 0]]))[0, 1]) < 0.08
    )  # fresh at every step


def test_gaussian_lets_gradients_into_both_halves():
    doubled = torch.zeros(1, 1, 4, requires_grad=True)
    codings.gaussian(doubled, 3, noise()).square().sum().backward()
    assert (doubled.grad != 0).all()


@pytest.mark.parametrize("p", [0.0, 0.1, 0.7, 1.0])
def test_poisson_fires_with_its_probability(p):
    spikes = codings.poisson(torch.full((1, 2, 8), p), STEPS, noise())
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    assert spikes.mean().item() == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / spikes.numel()))


def test_firing_probability_as_the_paper_says_and_as_its_code_does():
    z = torch.tensor([-10.0, 0.0, 51.0])
    assert (
        codings.firing_probability(z, "sigmoid", activated=False).tolist()
        == torch.sigmoid(z).tolist()
    )
    assert codings.firing_probability(z, "code255", activated=False).tolist() == pytest.approx(
        [0, 0, 0.2]
    )
    pooled = torch.tensor([0.9])
    assert codings.firing_probability(pooled, "sigmoid", activated=True).item() == pytest.approx(
        0.9
    )
    assert codings.firing_probability(pooled, "code255", activated=True).item() < 0.004


def test_a_members_noise_does_not_depend_on_its_neighbours():
    like = torch.zeros(2, 3, 4)
    together = noise(5, 7).normal(6, like)
    alone = noise(7).normal(6, like[:1])
    assert (together[:, 1] == alone[:, 0]).all()
    assert (together[:, 0] != together[:, 1]).any()
