"""Spiking VGG11 with batch normalisation, for small images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from hnnlib.engines import Engine
from hnnlib.networks.classifier import ImageClassifier, ImageDesign, Pass
from hnnlib.networks.layers import Dense, max_pool
from hnnlib.networks.normalised import NormalisedConv

__all__ = ["SpikingVgg11"]

_LAYERS = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512)
"""Channels of VGG11 (Simonyan & Zisserman 2015, configuration A) without its last pool, which
images of 28 or 32 pixels have no room for."""
_HEADS = {"light": (512,), "full": (4096, 4096)}
_UPSAMPLED = 7


class SpikingVgg11(ImageClassifier):
    """Eight convolutions with neurons, then a head of dense layers with neurons and a readout
    without.

    The full head reads 7 x 7 pixels, to which average pooling blows up the one to four pixels that
    are left, and has two layers of 4096 units; the light one reads the pixels as they are and has
    one of 512. Mazurek et al.'s own head isn't on record. Dropout is left out, and dense layers
    start from PyTorch's default: the N(0, 0.01) of the public code leaves a light head silent.

    Args:
        design, seeds, engine: see ``ImageClassifier``.
        head: which head.
    """

    def __init__(
        self,
        design: ImageDesign,
        seeds: Sequence[int],
        engine: Engine,
        head: Literal["light", "full"] = "light",
    ) -> None:
        super().__init__(design, seeds, engine)
        self.upsample = head == "full"
        shape = design.in_shape
        self.convolutions, self.pooled = nn.ModuleList(), []
        for entry in _LAYERS:
            if entry == "pool":
                self.pooled.append(len(self.convolutions))
                shape = (shape[0], shape[1] // 2, shape[2] // 2)
                continue
            name = f"convolution{len(self.convolutions) + 1}"
            layer = NormalisedConv(shape, design.scaled(entry), 3, seeds, name)
            self.convolutions.append(layer)
            shape = layer.out_shape
        units = math.prod((shape[0], _UPSAMPLED, _UPSAMPLED) if self.upsample else shape)
        self.dense = nn.ModuleList()
        for place, size in enumerate(_HEADS[head], start=1):
            layer = Dense((units,), design.scaled(size), seeds, f"dense{place}")
            self.dense.append(layer)
            units = design.scaled(size)
        self.penultimate = f"dense{len(self.dense)}"
        self.readout = Dense((units,), design.classes, seeds, "readout")

    def first(self) -> NormalisedConv:
        """See ``ImageClassifier``."""
        return self.convolutions[0]

    def _features(self, drive: Tensor, run: Pass) -> Tensor:
        spikes = run.fire("convolution1", drive)
        for place, layer in enumerate(self.convolutions[1:], start=1):
            if place in self.pooled:
                spikes = max_pool(spikes, 2)
            spikes = run.fire(f"convolution{place + 1}", layer(run.read(layer, spikes)))
        if self.upsample:
            size = (_UPSAMPLED, _UPSAMPLED)
            grown = functional.adaptive_avg_pool2d(spikes.flatten(0, 2), size)
            spikes = grown.unflatten(0, spikes.shape[:3])
        spikes = spikes.flatten(3)
        for place, layer in enumerate(self.dense, start=1):
            drive = layer.product(run.read(layer, spikes)) + layer.shift()
            spikes = run.fire(f"dense{place}", drive)
        return spikes
