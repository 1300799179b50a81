"""Spiking layers of a population: axon (synaptic filter), product, neuron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hnnlib.engines import Engine
from hnnlib.networks.layers import Conv, Dense, max_pool
from hnnlib.neurons import DualExponential
from hnnlib.signals import Separable, Signal, dense

__all__ = ["Axon", "SpikingLayer", "SpikingPool"]


class Axon(nn.Module):
    """The synaptic filter on a layer's inputs, fixed or with trained coefficients for each input
    element.

    Args:
        kernel: starting coefficients.
        in_shape: axes of one input.
        seeds: one a member.
        trainable: train (a1, a2, b) of every input element, unconstrained, as the public code of
            Muramatsu & Yu does.
    """

    def __init__(
        self,
        kernel: DualExponential,
        in_shape: tuple[int, ...],
        seeds: Sequence[int],
        trainable: bool,
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self._responses: dict[tuple[int, torch.device], Tensor] = {}
        self.register_buffer("_place", torch.empty(0), persistent=False)
        self.coefficients = None
        if trainable:
            start = torch.tensor([float(kernel.a1), float(kernel.a2), float(kernel.b)])
            spread = start.view(1, 3, 1, *[1] * len(in_shape)).expand(len(seeds), 3, 1, *in_shape)
            self.coefficients = nn.Parameter(spread.clone())

    def forward(self, signal: Signal, engine: Engine) -> Signal:
        """Postsynaptic potentials of a signal."""
        if self.coefficients is not None:
            return engine.scan(DualExponential(*self.coefficients.unbind(1)), dense(signal))[0]
        steps = len(signal.envelope if isinstance(signal, Separable) else dense(signal))
        # a fixed filter is linear in time: one product with its T x T impulse response instead of T
        # small steps
        response = self._response(steps, engine)
        if isinstance(signal, Separable):
            return Separable(signal.values, response @ signal.envelope)
        return torch.tensordot(response, dense(signal), dims=1)

    def _response(self, steps: int, engine: Engine) -> Tensor:
        """Impulse response from each step (column) to each later one (row)."""
        key = (steps, self._place.device)
        if key not in self._responses:
            impulses = torch.eye(steps, device=self._place.device).unsqueeze(-1)
            self._responses[key] = engine.scan(self.kernel, impulses)[0].squeeze(-1)
        return self._responses[key]


class SpikingLayer(nn.Module):
    """I = W F + bias, then the neuron (Muramatsu & Yu, eq. 1-2).

    Args:
        axon: filter on the inputs, or None where they enter directly.
        synapse: the weights.
        neuron: see ``hnnlib.neurons``.
    """

    def __init__(self, axon: Axon | None, synapse: Dense | Conv, neuron: Any) -> None:
        super().__init__()
        self.axon, self.synapse, self.neuron = axon, synapse, neuron

    def forward(self, signal: Signal, engine: Engine) -> Signal:
        """Spikes (time, member, batch, *units)."""
        psp = self.axon(signal, engine) if self.axon is not None else signal
        return engine.layer(self.neuron, self.synapse, psp)


class SpikingPool(nn.Module):
    """Max-pooling of postsynaptic potentials: filter, then pool at every step, no neuron (public
    code of the paper).
    """

    def __init__(self, axon: Axon, window: int) -> None:
        super().__init__()
        self.axon, self.window = axon, window

    def forward(self, signal: Signal, engine: Engine) -> Tensor:
        """Pooled potentials (time, member, batch, *units)."""
        psp = self.axon(signal, engine)
        return max_pool(dense(psp), self.window)
