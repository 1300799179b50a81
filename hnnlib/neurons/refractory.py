"""The leaky integrate-and-fire neuron with a refractory trace instead of a reset."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from hnnlib.surrogates import Gaussian, Surrogate, spike

__all__ = ["RefractoryLIF"]


class _Refractory(NamedTuple):
    """Potential and refractory trace."""

    potential: Tensor
    trace: Tensor


@dataclass(frozen=True)
class RefractoryLIF:
    """Filtered LIF neuron of Muramatsu & Yu (eq. 1-2, constants from the public code).

    V[t] = lambda V[t-1] + I[t] - V_th R[t];  O[t] = 1 if V[t] > V_th;  R[t+1] = theta R[t] + O[t].
    The leak sits in the synaptic filter (``DualExponential``), so lambda is 0 there; the reset is
    soft and decays with theta = exp(-1/tau_m), and gradients flow through it.
    """

    threshold: float = 1.0
    refractory_decay: float = math.exp(-1 / 4)
    membrane_decay: float = 0.0
    surrogate: Surrogate = field(default_factory=Gaussian)

    def initial(self, like: Tensor) -> _Refractory:
        """All states 0."""
        zero = torch.zeros_like(like)
        return _Refractory(zero, zero)

    def step(self, drive: Tensor, state: _Refractory) -> tuple[Tensor, _Refractory]:
        """One step: (spikes, state)."""
        potential = torch.sub(drive, state.trace, alpha=self.threshold)
        if self.membrane_decay:
            potential = potential + self.membrane_decay * state.potential
        spikes = spike(potential - self.threshold, self.surrogate)
        return spikes, _Refractory(
            potential, torch.add(spikes, state.trace, alpha=self.refractory_decay)
        )
