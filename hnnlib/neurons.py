"""Neuron and synapse equations as pure step functions, each with its source.

A neuron is a frozen object with ``initial(like)`` (its state at rest) and ``step(drive, state)``
(one time step: outputs and new state). It knows nothing of time loops, populations or devices: an
engine runs it (``hnnlib.engines``). Drives are (member, batch, *units); parameters are floats or
tensors that broadcast against that shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from hnnlib.surrogates import ATan, Gaussian, SuperSpike, Surrogate, spike

__all__ = [
    "LIF",
    "DecayInputLIF",
    "DualExponential",
    "LeakyIntegrator",
    "RefractoryLIF",
    "SynapticLIF",
]


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


class _Synaptic(NamedTuple):
    """Membrane potential and synaptic current."""

    potential: Tensor
    current: Tensor


@dataclass(frozen=True)
class SynapticLIF:
    """Current-based LIF, of which some units may be graded (Ramanathan, Eberle & Varol).

    The output is read before the update, so that a unit answers its drive two steps later:

    o = H(u - 1) of spiking units (strict), clip(u, 0, 1) of graded ones;
    u' = (b u + (1 - b) c) (1 - o);  c' = a c + drive.

    The reset is multiplicative and no gradient flows through it; the gradient of the clip is 1 from
    0 to 1 and 0 outside. Units of a third kind, tanh(drive), have neither state nor delay.

    Attributes:
        membrane_decay, synapse_decay: b = exp(-dt / tau_mem) and a = exp(-dt / tau_syn); floats or
            tensors (member, 1, 1).
        spiking: None where all units spike, else (member,) integers: the first so many units of a
            member spike.
        others: what the other units are.
        reset_graded: whether graded units are reset, too.
    """

    membrane_decay: float | Tensor
    synapse_decay: float | Tensor
    spiking: Tensor | None = None
    others: Literal["graded", "tanh"] = "graded"
    reset_graded: bool = True
    surrogate: Surrogate = field(default_factory=SuperSpike)

    def initial(self, like: Tensor) -> _Synaptic:
        """All states 0."""
        zero = torch.zeros_like(like)
        return _Synaptic(zero, zero)

    def step(self, drive: Tensor, state: _Synaptic) -> tuple[Tensor, _Synaptic]:
        """One step, drive (member, batch, unit): (outputs, state)."""
        output = reset = spike(state.potential - 1, self.surrogate)
        if self.spiking is not None:
            spikes, mask = output, self.mask(drive.shape[-1])
            tanh = self.others == "tanh"
            output = torch.where(
                mask, spikes, drive.tanh() if tanh else state.potential.clamp(0, 1)
            )
            reset = torch.where(mask, spikes, 0) if tanh or not self.reset_graded else output
        b = self.membrane_decay
        potential = (b * state.potential + (1 - b) * state.current) * (1 - reset.detach())
        return output, _Synaptic(potential, self.synapse_decay * state.current + drive)

    def mask(self, units: int) -> Tensor:
        """Which of so many units spike, (member or 1, 1, unit)."""
        if self.spiking is None:
            return torch.ones(1, 1, units, dtype=torch.bool)
        places = torch.arange(units, device=self.spiking.device)
        return places < self.spiking.view(-1, 1, 1)


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
