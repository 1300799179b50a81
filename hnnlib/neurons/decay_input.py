"""The leaky integrate-and-fire neuron whose input decays with its membrane."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from hnnlib.surrogates import ATan, Surrogate, spike

__all__ = ["DecayInputLIF"]


@dataclass(frozen=True)
class DecayInputLIF:
    """LIF whose input decays with its membrane (Mazurek et al., eq. 1-5; SpikingJelly's LIFNode).

    H[t] = V[t-1] + (X[t] - (V[t-1] - V_reset)) / tau;  S[t] = 1 if H[t] >= V_th;
    V[t] = H[t] (1 - S[t]) + V_reset S[t].

    A constant input X carries the potential to X + V_reset whatever tau, so that tau delays a spike
    and never makes one possible. A unit at exactly V_th fires; gradients flow through the reset.

    Attributes:
        tau: membrane time constant in time steps, above 1.
        threshold: V_th.
        reset: V_reset, where the potential also starts.
    """

    tau: float | Tensor = 2.0
    threshold: float | Tensor = 1.0
    reset: float = 0.0
    surrogate: Surrogate = field(default_factory=ATan)

    def initial(self, like: Tensor) -> Tensor:
        """Rest at the reset potential."""
        return torch.full_like(like, self.reset)

    def step(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step: (spikes, potential after reset)."""
        potential = state + (drive - (state - self.reset)) / self.tau
        spikes = spike(potential - self.threshold, self.surrogate, at_threshold=True)
        return spikes, potential * (1 - spikes) + self.reset * spikes
