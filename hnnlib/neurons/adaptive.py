"""The adaptive leaky integrate-and-fire neuron: spikes and potential feed what opposes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from hnnlib.surrogates import ATan, Surrogate, spike

__all__ = ["AdaptiveLIF"]


class _Adaptive(NamedTuple):
    """Potential before the reset, adaptation, and spikes."""

    potential: Tensor
    adaptation: Tensor
    spikes: Tensor


@dataclass(frozen=True)
class AdaptiveLIF:
    """Adaptive LIF (Bittar & Garner 2022, doi:10.3389/fnins.2022.865897, eq. 5-7), soft reset.

    w[t] = beta w[t-1] + a u[t-1] + b s[t-1];  u[t] = alpha (u[t-1] - s[t-1]) - (1 - alpha) w[t]
    + I[t];  s[t] = 1 if u[t] > 1.

    With a = b = 0 it is ``LIF``.

    Attributes:
        alpha, beta: decays of potential and adaptation; floats or tensors (member, 1, unit).
        a, b: what potential and spikes add to the adaptation.
    """

    alpha: float | Tensor
    beta: float | Tensor
    a: float | Tensor
    b: float | Tensor
    surrogate: Surrogate = field(default_factory=ATan)

    def initial(self, like: Tensor) -> _Adaptive:
        """All states 0."""
        return _Adaptive(*(torch.zeros_like(like),) * 3)

    def step(self, drive: Tensor, state: _Adaptive) -> tuple[Tensor, _Adaptive]:
        """One step: (spikes, state)."""
        u, w, spikes = state
        w = self.beta * w + self.a * u + self.b * spikes
        u = self.alpha * (u - spikes) - (1 - self.alpha) * w + drive
        spikes = spike(u - 1, self.surrogate)
        return spikes, _Adaptive(u, w, spikes)
