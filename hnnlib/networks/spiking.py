"""Spiking layers of a population: axon (synaptic filter), product, neuron."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hnnlib.engines import Engine
from hnnlib.engines.base import Learned, Loss, Stage
from hnnlib.networks.base import ShapedSynapse
from hnnlib.neurons.base import Neuron
from hnnlib.neurons.filters import DualExponential
from hnnlib.signals import Separable, Signal, count

__all__ = ["Axon", "SpikingLayer", "SpikingPool", "fire", "learn"]


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
        self.fixed = None if trainable else kernel
        self.coefficients = None
        if trainable:
            start = torch.tensor([float(kernel.a1), float(kernel.a2), float(kernel.b)])
            spread = start.view(1, 3, 1, *[1] * len(in_shape)).expand(len(seeds), 3, 1, *in_shape)
            self.coefficients = nn.Parameter(spread.clone())

    def forward(self, signal: Signal, engine: Engine) -> Signal:
        """Postsynaptic potentials of a signal."""
        if self.fixed is not None:
            return engine.potentials(self.fixed, signal)
        if isinstance(signal, Separable) and (signal.envelope == 1).all():
            written = signal.values.expand(len(signal.envelope), *signal.values.shape)
        else:
            written = engine.written(signal)
        return engine.scan(DualExponential(*self.coefficients.unbind(1)), written)[0]


class SpikingLayer(nn.Module):
    """I = W F + bias, then the neuron (Muramatsu & Yu, eq. 1-2).

    Args:
        axon: filter on the inputs, or None where they enter directly.
        synapse: the weights.
        neuron: see ``hnnlib.neurons``.
    """

    def __init__(self, axon: Axon | None, synapse: ShapedSynapse, neuron: Neuron) -> None:
        super().__init__()
        self.axon, self.synapse, self.neuron = axon, synapse, neuron

    @property
    def stage(self) -> Stage | None:
        """The layer for ``Engine.stack``; None where its filter is trained."""
        if self.axon is None:
            return Stage(self.neuron, self.synapse)
        return self.axon.fixed and Stage(self.neuron, self.synapse, self.axon.fixed)

    def forward(self, signal: Signal, engine: Engine) -> Signal:
        """Spikes (time, member, batch, *units)."""
        fixed = self.axon.fixed if self.axon is not None else None
        if self.axon is not None and fixed is None:
            signal = self.axon(signal, engine)
        return engine.layer(self.neuron, self.synapse, signal, axon=fixed)


class SpikingPool(nn.Module):
    """Max-pooling of postsynaptic potentials: filter, then pool at every step, no neuron (public
    code of the paper).
    """

    stage = None  # no neurons

    def __init__(self, axon: Axon, window: int) -> None:
        super().__init__()
        self.axon, self.window = axon, window

    def forward(self, signal: Signal, engine: Engine) -> Signal:
        """Pooled potentials (time, member, batch, *units)."""
        psp = self.axon(signal, engine)
        return engine.pool(psp, self.window)


def fire(
    layers: Sequence[SpikingLayer | SpikingPool], signal: Signal, engine: Engine
) -> tuple[Tensor, list[Tensor]]:
    """Layers one behind the other: how often each unit of the last one fired, (member, batch,
    *units), and the spikes of every spiking layer an example, (member, batch).
    """
    stages, signal, spikes = _alone(layers, signal, engine)
    counts, others = engine.stack(stages, signal)
    return counts, [count(s) for s in spikes] + others


def learn(
    layers: Sequence[SpikingLayer | SpikingPool], signal: Signal, engine: Engine, loss: Loss
) -> Learned:
    """See ``Engine.learn``."""
    stages, signal, _ = _alone(layers, signal, engine)
    return engine.learn(stages, signal, loss)


def _alone(
    layers: Sequence[SpikingLayer | SpikingPool], signal: Signal, engine: Engine
) -> tuple[list[Stage], Signal, list[Signal]]:
    """The stages behind the last layer that is none; what they read, once all layers before them
    were run; and the spikes of those.
    """
    stages, spikes = [layer.stage for layer in layers], []
    alone = max((place for place, stage in enumerate(stages, 1) if stage is None), default=0)
    for layer in layers[:alone]:
        signal = layer(signal, engine)
        if isinstance(layer, SpikingLayer):
            spikes.append(signal)
    return stages[alone:], signal, spikes
