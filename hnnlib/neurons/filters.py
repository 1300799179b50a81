"""Linear filters: synapses and readouts, which never spike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["DualExponential", "LeakyIntegrator"]


class _Trace(NamedTuple):
    """The two last values of a second-order filter."""

    last: Tensor
    before: Tensor


@dataclass(frozen=True)
class DualExponential:
    """Synaptic filter F[t] = a1 F[t-1] + a2 F[t-2] + b x[t] (Muramatsu & Yu, eq. 1).

    With p = exp(-1/tau_m) and q = exp(-1/tau_s), a1 = p + q, a2 = -p q, b = p - q, its impulse
    response is p^(n+1) - q^(n+1): the postsynaptic potential of a membrane with time constants
    tau_m and tau_s (in steps).
    """

    a1: Tensor | float
    a2: Tensor | float
    b: Tensor | float

    @classmethod
    def from_time_constants(cls, tau_m: float = 4.0, tau_s: float = 1.0) -> DualExponential:
        """Coefficients for two time constants in time steps.

        Raises:
            ValueError: unless tau_m > tau_s > 0, outside which the kernel is zero or negative.
        """
        if not tau_m > tau_s > 0:
            raise ValueError(
                f"the filter needs tau_m > tau_s > 0, got tau_m = {tau_m}, tau_s = {tau_s}"
            )
        p, q = math.exp(-1 / tau_m), math.exp(-1 / tau_s)
        return cls(a1=p + q, a2=-p * q, b=p - q)

    def initial(self, like: Tensor) -> _Trace:
        """Silence before the first step."""
        zero = torch.zeros_like(like)
        return _Trace(zero, zero)

    def step(self, drive: Tensor, state: _Trace) -> tuple[Tensor, _Trace]:
        """One step: (F[t], state)."""
        value = self.a1 * state.last + self.a2 * state.before + self.b * drive
        return value, _Trace(value, state.last)


@dataclass(frozen=True)
class LeakyIntegrator:
    """Leaky integrator y[t] = k y[t-1] + (1 - k) I[t]: a readout that never spikes.

    With k = exp(-dt / tau_out), a constant drive I ends at y = I.
    """

    decay: float | Tensor = 0.95

    def initial(self, like: Tensor) -> Tensor:
        """Rest at 0."""
        return torch.zeros_like(like)

    def step(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step: (y[t], y[t])."""
        value = torch.lerp(drive, state, self.decay)
        return value, value
