"""Spike-element-wise residual network SEW-ResNet18 (Fang et al. 2021) with the connection IAND."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from hnnlib.engines import Engine
from hnnlib.networks.classifier import ImageClassifier, ImageDesign, Pass
from hnnlib.networks.layers import Dense
from hnnlib.networks.normalised import NormalisedConv

__all__ = ["SewResNet18"]

_STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels of each stage, and the stride of its first block."""
_BLOCKS = 2


class _Block(nn.Module):
    """Two layers of neurons and a connection around them: out = identity (1 - branch).

    Both are spikes, and so is the output: it fires where the identity does and the branch doesn't.
    Where the shape changes, the identity passes a 1 x 1 convolution and a layer of neurons.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        channels: int,
        stride: int,
        seeds: Sequence[int],
        name: str,
    ) -> None:
        super().__init__()
        self.name = name
        self.first = NormalisedConv(in_shape, channels, 3, seeds, f"{name}.first", stride)
        self.second = NormalisedConv(self.first.out_shape, channels, 3, seeds, f"{name}.second")
        self.out_shape = self.second.out_shape
        self.shortcut = None
        if in_shape != self.out_shape:
            self.shortcut = NormalisedConv(in_shape, channels, 1, seeds, f"{name}.shortcut", stride)

    def forward(self, x: Tensor, run: Pass) -> Tensor:
        """Spikes out from spikes in, (time, member, batch, C, H, W)."""
        branch = run.fire(f"{self.name}.first", self.first(run.read(self.first, x)))
        branch = run.fire(f"{self.name}.second", self.second(run.read(self.second, branch)))
        if self.shortcut is not None:
            drive = self.shortcut(run.read(self.shortcut, x))
            x = run.fire(f"{self.name}.shortcut", drive)
        return x * (1 - branch)


class SewResNet18(ImageClassifier):
    """Stem 7 x 7 with stride 2, max-pooling, four stages of two blocks, a readout that doesn't
    spike.

    The public code of Mazurek et al. keeps ImageNet's stem for images of 28 or 32 pixels, so that
    the last stage has a single pixel. There are 20 layers of neurons; the penultimate layer is
    ``stage4.1.second``.

    Args:
        design, seeds, engine: see ``ImageClassifier``.
    """

    penultimate = "stage4.1.second"

    def __init__(self, design: ImageDesign, seeds: Sequence[int], engine: Engine) -> None:
        super().__init__(design, seeds, engine)
        self.stem = NormalisedConv(design.in_shape, design.scaled(64), 7, seeds, "stem", stride=2)
        channels, *edges = self.stem.out_shape
        shape = (channels, *((edge + 1) // 2 for edge in edges))
        self.blocks = nn.ModuleList()
        for stage, (channels, stride) in enumerate(_STAGES, start=1):
            for place in range(_BLOCKS):
                block = _Block(
                    shape,
                    design.scaled(channels),
                    1 if place else stride,
                    seeds,
                    f"stage{stage}.{place}",
                )
                self.blocks.append(block)
                shape = block.out_shape
        self.readout = Dense(shape[:1], design.classes, seeds, "readout")

    def first(self) -> NormalisedConv:
        """See ``ImageClassifier``."""
        return self.stem

    def _features(self, drive: Tensor, run: Pass) -> Tensor:
        spikes = run.fire("stem", drive)
        pooled = functional.max_pool2d(spikes.flatten(0, 2), 3, stride=2, padding=1)
        spikes = pooled.unflatten(0, spikes.shape[:3])
        for block in self.blocks:
            spikes = block(spikes, run)
        return spikes
