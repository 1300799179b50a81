"""Current-based leaky integrate-and-fire neurons, of which some units may be graded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from hnnlib.surrogates import SuperSpike, Surrogate, spike

__all__ = ["SynapticLIF"]


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

    The reset is multiplicative and no gradient flows through it, but, if asked for, that of graded
    units; the gradient of the clip is 1 from 0 to 1 and 0 outside. Units of a third kind,
    tanh(drive), have neither state nor delay.

    Attributes:
        membrane_decay, synapse_decay: b = exp(-dt / tau_mem) and a = exp(-dt / tau_syn); floats or
            tensors (member, 1, 1).
        spiking: None where all units spike, else (member,) integers: the first so many units of a
            member spike.
        others: what the other units are.
        reset_graded: whether graded units are reset, too.
        reset_gradient: whether the gradient stops at the reset of graded units, as in the public
            code, or flows through it; at that of spiking units it always stops.
    """

    membrane_decay: float | Tensor
    synapse_decay: float | Tensor
    spiking: Tensor | None = None
    others: Literal["graded", "tanh"] = "graded"
    reset_graded: bool = True
    surrogate: Surrogate = field(default_factory=SuperSpike)
    reset_gradient: Literal["stopped", "through"] = "stopped"

    def initial(self, like: Tensor) -> _Synaptic:
        """All states 0."""
        zero = torch.zeros_like(like)
        return _Synaptic(zero, zero)

    def step(self, drive: Tensor, state: _Synaptic) -> tuple[Tensor, _Synaptic]:
        """One step, drive (member, batch, unit): (outputs, state)."""
        output = spike(state.potential - 1, self.surrogate)
        reset = output.detach()
        if self.spiking is not None:
            spikes, mask = output, self.mask(drive.shape[-1])
            tanh = self.others == "tanh"
            output = torch.where(
                mask, spikes, drive.tanh() if tanh else state.potential.clamp(0, 1)
            )
            graded = output if self.reset_gradient == "through" else output.detach()
            reset = torch.where(mask, reset, 0 if tanh or not self.reset_graded else graded)
        b = self.membrane_decay
        potential = (b * state.potential + (1 - b) * state.current) * (1 - reset)
        return output, _Synaptic(potential, self.synapse_decay * state.current + drive)

    def mask(self, units: int) -> Tensor:
        """Which of so many units spike, (member or 1, 1, unit)."""
        if self.spiking is None:
            return torch.ones(1, 1, units, dtype=torch.bool)
        places = torch.arange(units, device=self.spiking.device)
        return places < self.spiking.view(-1, 1, 1)
