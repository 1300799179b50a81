"""A small stack of normalised convolutions, whose neurons may follow the drive's spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from hnnlib.engines import Engine
from hnnlib.networks.classifier import ImageClassifier, ImageDesign, Pass
from hnnlib.networks.layers import Dense
from hnnlib.networks.normalised import NormalisedConv
from hnnlib.neurons.base import Neuron
from hnnlib.signals import Separable

__all__ = ["NormalisedStack"]


class NormalisedStack(ImageClassifier):
    """Convolutions of 3 x 3 pixels with neurons, with a stride of 2 behind the first, and a readout
    that doesn't spike.

    Normalisation starts from a gain that differs between members, and with it the drive's standard
    deviation sigma: it is that of a layer's neurons as long as gains are what they were. Trained
    gains drift; the root of a layer's mean squared gain then is the spread of its channels' drives.

    Args:
        design, seeds, engine: see ``ImageClassifier``; the design's neuron is not used.
        channels: of each convolution.
        stride: of the first.
        sigma: gain at the start, one a member.
        neuron: of a layer whose drive has a standard deviation (member,).
        tracked: whether neurons follow sigma, from one epoch to the next, or stay those of the
            start.
        plain: whether the first drive is not normalised, although its neurons expect so.
        epochs: of the training, whose sigmas are kept.

    Attributes:
        drift: (member, epoch, layer), sigma at the start of each epoch; 0 for those that were not
            begun when the parameters became what they are.
        known: (member, layer), sigma that the neurons are made for.
    """

    def __init__(
        self,
        design: ImageDesign,
        seeds: Sequence[int],
        engine: Engine,
        channels: Sequence[int],
        sigma: Sequence[float],
        neuron: Callable[[Tensor], Neuron],
        stride: int = 1,
        tracked: bool = False,
        plain: bool = False,
        epochs: int = 1,
    ) -> None:
        super().__init__(design, seeds, engine)
        self._neuron, self.tracked = neuron, tracked
        shape, self.convolutions = design.in_shape, nn.ModuleList()
        for place, count in enumerate(channels, start=1):
            width, name, first = design.scaled(count), f"convolution{place}", place == 1
            own = {"stride": stride if first else 2, "normalise": not (first and plain)}
            layer = NormalisedConv(
                shape, width, 3, seeds, name, gain=sigma, channels_last=True, **own
            )
            self.convolutions.append(layer)
            shape = layer.out_shape
        self.readout = Dense((math.prod(shape),), design.classes, seeds, "readout")
        self.register_buffer("drift", torch.zeros(len(seeds), epochs, len(channels)))
        self.register_buffer("known", self.sigma())

    @torch.no_grad()
    def sigma(self) -> Tensor:
        """Standard deviation of each layer's drive, (member, layer)."""
        return torch.stack([layer.gain.square().mean(1).sqrt() for layer in self.convolutions], 1)

    def train(self, mode: bool = True) -> NormalisedStack:
        """See ``torch.nn.Module``; training begins an epoch with it."""
        begun = int((self.drift > 0).all(2).sum(1).max())
        if mode and begun < self.drift.shape[1]:
            self.drift[:, begun] = self.sigma()
        if mode and self.tracked:
            self.known.copy_(self.sigma())
        return super().train(mode)

    def first(self) -> NormalisedConv:
        """See ``ImageClassifier``."""
        return self.convolutions[0]

    def _held(self, drive: Tensor) -> Separable:
        return Separable(drive.squeeze(0), drive.new_ones(self.design.steps))

    def _features(self, drive: Tensor | Separable, run: Pass) -> Tensor:
        neurons = [self._neuron(sigma) for sigma in self.known.unbind(1)]
        spikes = run.fire("convolution1", drive, neurons[0])
        for place, layer in enumerate(self.convolutions[1:], start=1):
            drive = layer(run.read(layer, spikes))
            spikes = run.fire(f"convolution{place + 1}", drive, neurons[place])
        return spikes.flatten(3)
