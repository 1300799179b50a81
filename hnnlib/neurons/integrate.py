"""The integrate-and-fire neuron that may emit several spikes at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from hnnlib.surrogates import ATan, Surrogate, spike

__all__ = ["IntegrateAndFire"]


@dataclass(frozen=True)
class IntegrateAndFire:
    """Integrate-and-fire with a subtractive reset (Dold & Petersen 2026, arXiv:2603.13478).

    Permanent reset: P[t] = leak P[t-1] + I[t];  V = P - V_th N[t-1], with N the spikes so far.
    Leaky reset, the usual LIF: V[t] = leak (V[t-1] - V_th O[t-1]) + I[t]. Without a leak they are
    the same neuron. O[t] = max(0, floor(V / V_th)) where a step may hold ``many`` spikes, and 1 if
    V >= V_th where it holds ``one``: what is left then fires later.

    Backwards, a step of many spikes is the step at the threshold k V_th that is nearest to V.
    """

    threshold: float | Tensor = 1.0
    spikes_per_step: Literal["many", "one"] = "many"
    leak: float | None = None
    reset: Literal["permanent", "leaky"] = "permanent"
    surrogate: Surrogate = field(default_factory=ATan)

    def initial(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Rest at 0, no spikes yet."""
        return torch.zeros_like(like), torch.zeros_like(like)

    def step(
        self, drive: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One step: (number of spikes, (potential, spikes that it still lacks)).

        The potential is P, or after a leaky reset V, which lacks none.
        """
        potential, count = state
        potential = drive + (potential if self.leak is None else self.leak * potential)
        free = potential - self.threshold * count
        nearest = 1.0
        if self.spikes_per_step == "many":
            nearest = (free.detach() / self.threshold).round().clamp(min=1)
        distance = free - nearest * self.threshold
        spikes = nearest - 1 + spike(distance, self.surrogate, at_threshold=True)
        if self.reset == "leaky":
            return spikes, (potential - self.threshold * spikes, count)
        return spikes, (potential, count + spikes)
