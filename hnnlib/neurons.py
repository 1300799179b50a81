"""Neuron and synapse equations as pure step functions, each with its source.

A neuron is a frozen object with ``initial(like)`` (its state at rest) and ``step(drive, state)``
(one time step: outputs and new state). It knows nothing of time loops, populations or devices: an
engine runs it (``hnnlib.engines``). Drives are (member, batch, *units); parameters are floats or
tensors that broadcast against that shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from hnnlib.surrogates import ATan, Gaussian, Surrogate, spike

__all__ = ["LIF", "DualExponential", "LeakyIntegrator", "RefractoryLIF"]


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
        """One step: (spikes, potential after reset)."""
        potential = self.decay * state + drive
        spikes = spike(potential - self.threshold, self.surrogate)
        return spikes, potential * (
            1 - spikes
        ) if self.hard_reset else potential - self.threshold * spikes


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
