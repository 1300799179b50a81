"""The textbook leaky integrate-and-fire neuron."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from hnnlib.surrogates import ATan, Surrogate, spike

__all__ = ["LIF"]


@dataclass(frozen=True)
class LIF:
    """Leaky integrate-and-fire: V[t] = decay V'[t-1] + I[t], O[t] = 1 if V[t] > V_th.

    Soft reset: V' = V - V_th O. Hard reset: V' = V (1 - O). The textbook neuron of SNN libraries;
    gradients flow through the reset.
    """

    decay: float | Tensor = 0.9
    threshold: float | Tensor = 1.0
    hard_reset: bool = False
    surrogate: Surrogate = field(default_factory=ATan)

    def initial(self, like: Tensor) -> Tensor:
        """Rest at 0."""
        return torch.zeros_like(like)

    def step(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step: (spikes, potential after reset).

        >>> LIF(decay=0.5).step(drive=torch.tensor([0.8]), state=torch.tensor([1.0]))
        (tensor([1.]), tensor([0.3000]))
        """
        potential = self.decay * state + drive
        spikes = spike(potential - self.threshold, self.surrogate)
        return spikes, potential * (
            1 - spikes
        ) if self.hard_reset else potential - self.threshold * spikes
