"""Codings: how the graded values of an artificial layer become a signal over time for a spiking
one.

Muramatsu & Yu, section 3. Values are (member, batch, *units); signals are (time, member, batch,
*units), except that duplicate coding gives a ``Separable`` signal, whose products can be computed
once for all steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hnnlib.randomness import MemberNoise
from hnnlib.signals import Separable

__all__ = ["duplicate", "firing_probability", "gaussian", "poisson"]


def duplicate(values: Tensor, steps: int) -> Separable:
    """The same value at every step."""
    return Separable(values, values.new_ones(steps))


def gaussian(doubled: Tensor, steps: int, noise: MemberNoise, variant: str = "ln_sigma") -> Tensor:
    """mu + sigma e[t], e ~ N(0, 1) fresh for every unit and step, at training and at test.

    Args:
        doubled: (member, batch, 2n, ...): the first half of the units is mu, the second half sets
            sigma.
        steps: time steps.
        noise: a stream a member.
        variant: ``ln_sigma``: sigma = exp(second half), as the paper says. ``code``: sigma =
            exp(second half / 2) behind a ReLU on both halves, as in the public code, so that mu >=
            0 and sigma >= 1 always.
    """
    if variant == "code":
        doubled = torch.relu(doubled)
    mean, spread = doubled.chunk(2, dim=2)
    sigma = torch.exp(spread / 2 if variant == "code" else spread)
    return mean + sigma * noise.normal(steps, mean)


def poisson(probability: Tensor, steps: int, noise: MemberNoise) -> Tensor:
    """Spikes ~ Bernoulli(probability), drawn for every unit and step; no gradient flows."""
    return (noise.uniform(steps, probability) < probability).to(probability.dtype)


def firing_probability(values: Tensor, variant: str, activated: bool) -> Tensor:
    """Firing probability of Poisson coding from the frozen layer's output.

    Args:
        values: pre-activations z, or activations in (0, 1) where a pool follows the layer.
        variant: ``sigmoid``: the activation itself, as the paper says. ``code255``: the public code
            reads the features before the sigmoid and its image loader divides them by 255, so that
            p = z / 255.
        activated: True where ``values`` have been through the sigmoid (behind a pool).
    """
    if variant == "code255":
        return (values / 255).clamp(0, 1)
    return values if activated else torch.sigmoid(values)
