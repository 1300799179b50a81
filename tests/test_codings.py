"""Codings: their moments, their switches and what they let through."""

import math

import pytest
import torch

from hnnlib.codings.duplicate import Duplicate
from hnnlib.codings.gaussian import Gaussian
from hnnlib.codings.poisson import Poisson
from hnnlib.networks.hybrid import CODINGS
from hnnlib.randomness import MemberNoise
from hnnlib.signals import dense

STEPS = 4000


def noise(*seeds):
    return MemberNoise(seeds or (0,), "test")


def test_duplicate_repeats_the_value():
    values = torch.rand(2, 3, 4)
    signal = Duplicate(5).encode(values).over_time()
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
    signal = Gaussian(STEPS, variant).encode(doubled, noise())
    error = sigma / math.sqrt(signal.numel())
    assert signal.mean().item() == pytest.approx(mean, abs=5 * error)
    assert signal.std().item() == pytest.approx(sigma, rel=0.03)
    steps = signal[:, 0, 0]
    assert (
        abs(torch.corrcoef(torch.stack([steps[1:, 0], steps[:-1, 0]]))[0, 1]) < 0.08
    )  # fresh at every step


def test_gaussian_lets_gradients_into_both_halves():
    doubled = torch.zeros(1, 1, 4, requires_grad=True)
    Gaussian(3, "ln_sigma").encode(doubled, noise()).square().sum().backward()
    assert (doubled.grad != 0).all()


@pytest.mark.parametrize("p", [0.0, 0.1, 0.7, 1.0])
def test_poisson_fires_with_its_probability(p):
    spikes = Poisson(STEPS).encode(torch.full((1, 2, 8), p), noise())
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    assert spikes.mean().item() == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / spikes.numel()))


def test_firing_probability_as_the_paper_says_and_as_its_code_does():
    z = torch.tensor([-10.0, 0.0, 51.0])
    paper, code = Poisson(1), Poisson(1, "code255")
    assert torch.equal(paper.values(z, pooled=False), torch.sigmoid(z))
    assert code.values(z, pooled=False).tolist() == pytest.approx([0, 0, 0.2])
    pooled = torch.tensor([0.9])
    assert paper.values(pooled, pooled=True).item() == pytest.approx(0.9)
    assert code.values(pooled, pooled=True).item() < 0.004


@pytest.mark.parametrize("coding", [one(STEPS) for one in CODINGS.values()], ids=CODINGS)
def test_decoding_gives_back_what_was_encoded(coding):
    """Exactly, or as the mean of draws does; the coding reads as many units as it asks for."""
    wanted = torch.rand(1, 2, 6)
    spread = torch.zeros(1, 2, coding.widen(6) - 6)
    signal = coding.encode(torch.cat([wanted, spread], 2), noise())
    assert dense(signal).shape == (STEPS, 1, 2, 6)
    torch.testing.assert_close(coding.decode(signal), wanted, atol=5 / math.sqrt(STEPS), rtol=0)


def test_a_coding_costs_spikes_or_graded_products():
    values = torch.full((2, 3, 4), 1.0)
    for coding in (Duplicate(7), Gaussian(7)):
        assert coding.graded_products(10) == 70
        assert coding.encoder_spikes(coding.encode(values, noise(0, 1))) is None
    poisson = Poisson(7)
    assert poisson.graded_products(10) == 0
    assert (poisson.encoder_spikes(poisson.encode(values, noise(0, 1))) == 7 * 4).all()


def test_a_members_noise_does_not_depend_on_its_neighbours():
    like = torch.zeros(2, 3, 4)
    together = noise(5, 7).normal(6, like)
    alone = noise(7).normal(6, like[:1])
    assert (together[:, 1] == alone[:, 0]).all()
    assert (together[:, 0] != together[:, 1]).any()
