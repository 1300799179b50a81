"""A neuron that adapts, with four constants of each unit that may be trained."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from hnnlib.surrogates import ATan, Surrogate, spike


@dataclass(frozen=True)
class Adaptive:
    """w[t] = beta w[t-1] + a u[t-1] + b O[t-1];  u[t] = alpha (u[t-1] - O[t-1]) - (1 - alpha) w[t]
    + I[t];  O[t] = 1 if u[t] > 1.
    """

    alpha: float | Tensor
    beta: float | Tensor
    a: float | Tensor
    b: float | Tensor
    surrogate: Surrogate = field(default_factory=ATan)

    def initial(self, like: Tensor) -> tuple[Tensor, ...]:
        return (torch.zeros_like(like),) * 3

    def step(self, drive: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        u, w, spikes = state
        w = self.beta * w + self.a * u + self.b * spikes
        u = self.alpha * (u - spikes) - (1 - self.alpha) * w + drive
        spikes = spike(u - 1, self.surrogate)
        return spikes, (u, w, spikes)
