"""Image classifiers whose every layer has a graded and a spiking branch (Luu et al.,
arXiv:2509.24411, HAS-8-VGG).

Between layers values are graded. A spiking branch encodes them into eight bit planes, one a time
step, runs its neurons, and decodes their spikes by the same code. Without one of the branches the
same blocks make a graded network, or a serial one, in which every path leads through the encoders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnnlib.codings.bit_planes import BitPlanes
from hnnlib.engines import Engine
from hnnlib.networks.base import TRAINED_COPIES, Activity
from hnnlib.networks.layers import Dense
from hnnlib.networks.normalised import NormalisedConv
from hnnlib.neurons.decay_input import DecayInputLIF
from hnnlib.signals import count

__all__ = [
    "Branches",
    "FusionBlock",
    "FusionDesign",
    "FusionNetwork",
    "Pass",
    "drive",
    "matched_width",
]

Branches = Literal["graded", "spiking", "fusion"]
_KERNEL, _LEAK, _POOL = 3, 0.01, 2
_Layer = NormalisedConv | Dense


@dataclass(frozen=True)
class FusionDesign:
    """What such a network is.

    Attributes:
        in_shape: (channels, height, width) of an image.
        classes: number of classes.
        base: channels of the first block for each channel of the image; every block has twice as
            many as the one before, and half the edge.
        depth: convolutional blocks.
        head: units of the dense layers of the last block, which a graded layer reads; none: that
            layer reads the last convolutional block.
        branches: which a block has; ``spiking`` makes a serial network.
        width: factor on all channels and hidden units.
        coding: between graded values and spikes.
        state: ``carried``: potentials stay from batch to batch of a pass over the examples, as in
            the public code where nobody resets them.
        momentum: of the normalisation of spiking branches; of graded ones it is 0.1.
        neuron: of spiking branches (SpikingJelly's LIFNode).
    """

    in_shape: tuple[int, int, int]
    classes: int
    base: int = 16
    depth: int = 5
    head: tuple[int, ...] = (1024, 512)
    branches: Branches = "fusion"
    width: float = 1.0
    coding: BitPlanes = field(default_factory=BitPlanes)
    state: Literal["reset", "carried"] = "reset"
    momentum: float = 0.1
    neuron: DecayInputLIF = field(default_factory=DecayInputLIF)

    def channels(self) -> list[int]:
        """Channels of the blocks."""
        first = self.in_shape[0] * self.base
        return [self.scaled(first * 2**place) for place in range(self.depth)]

    def scaled(self, units: int) -> int:
        """Channels or hidden units at this design's width, at least one."""
        return max(1, round(units * self.width))

    def features(self) -> tuple[int, int, int]:
        """Axes of what the convolutional blocks give."""
        edges = (edge // _POOL**self.depth for edge in self.in_shape[1:])
        return (self.channels()[-1], *edges)

    def parameters(self) -> int:
        """Trained numbers of a member."""
        channels = [self.in_shape[0], *self.channels()]
        units = [math.prod(self.features()), *map(self.scaled, self.head)]
        pairs = zip(channels[:-1], channels[1:], strict=True)
        branch = sum((_KERNEL**2 * before + 2) * after for before, after in pairs)
        branch += sum((a + 1) * b for a, b in zip(units[:-1], units[1:], strict=True))
        return branch * (1 + (self.branches == "fusion")) + (units[-1] + 1) * self.classes


def matched_width(design: FusionDesign) -> float:
    """Width at which a design has about as many parameters as the same with both branches."""
    wanted = replace(design, branches="fusion").parameters()
    widths = [1 + step / 200 for step in range(201)]
    return min(widths, key=lambda w: abs(replace(design, width=w).parameters() - wanted))


class _Resumed(NamedTuple):
    """A neuron whose potentials start where they were left."""

    neuron: DecayInputLIF
    state: Tensor

    def initial(self, like: Tensor) -> Tensor:
        return self.state

    def step(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.neuron.step(drive, state)


class Pass:
    """One forward pass: runs neurons and counts what they do."""

    def __init__(self, network: FusionNetwork) -> None:
        self.design, self.engine = network.design, network.engine
        self.coding, self.states = network.coding, network.states
        self.spikes: list[Tensor] = []
        self.encoder: Tensor | None = None
        self.operations: Tensor | float = 0.0
        self.read: Tensor | float = 0.0

    def encode(self, values: Tensor) -> Tensor:
        """Bit planes (time, member, batch, *units) of values."""
        planes = self.coding.encode(values)
        self.read = self.coding.encoder_spikes(planes)
        self.encoder = self.read if self.encoder is None else self.encoder + self.read
        return planes

    def fire(self, name: str, layer: _Layer, signal: Tensor) -> Tensor:
        """Spikes of the neurons behind a layer that reads a signal."""
        self.operations = self.operations + self.read * (layer.macs / math.prod(layer.in_shape))
        spikes = self._scan(name, drive(layer, signal))
        self.read = count(spikes)
        self.spikes.append(self.read)
        return spikes

    def _scan(self, name: str, drive: Tensor) -> Tensor:
        neuron = self.design.neuron
        if self.design.state == "reset":
            return self.engine.scan(neuron, drive)[0]
        state = self.states.get(name)
        if state is None or state.shape != drive.shape[1:]:  # the last batch may be smaller
            state = neuron.initial(drive[0])
        spikes, state = self.engine.scan(_Resumed(neuron, state), drive)
        self.states[name] = state.detach()
        return spikes


class FusionBlock(nn.Module):
    """The sum of a spiking branch, encode - layers with neurons - pool - decode, and a graded one,
    layers with LeakyReLU(0.01) - pool, that read the same values.

    Args:
        name: of its neurons.
        branches: layers of each branch that there is.
        pools: whether there is average pooling over 2 x 2 pixels.
    """

    def __init__(self, name: str, branches: Mapping[str, Iterable[_Layer]], pools: bool) -> None:
        super().__init__()
        self.name, self.pools = name, pools
        self.branches = nn.ModuleDict({kind: nn.ModuleList(ls) for kind, ls in branches.items()})

    def forward(self, x: Tensor, run: Pass) -> Tensor:
        """(member, batch, *units) from values of that form."""
        ways = {"spiking": self._spiking, "graded": self._graded}
        return sum(ways[kind](x, layers, run) for kind, layers in self.branches.items())

    def _spiking(self, x: Tensor, layers: nn.ModuleList, run: Pass) -> Tensor:
        signal = run.encode(x)
        for place, layer in enumerate(layers):
            signal = run.fire(f"{self.name}.{place}", layer, signal)
        return run.coding.decode(self._pooled(signal))

    def _graded(self, x: Tensor, layers: nn.ModuleList, run: Pass) -> Tensor:
        for layer in layers:
            x = functional.leaky_relu(drive(layer, x[None])[0], _LEAK)
        return self._pooled(x)

    def readers(self, kind: str) -> list[_Layer]:
        """Layers of a branch that read what the block reads."""
        return [self.branches[kind][0]]

    def _pooled(self, x: Tensor) -> Tensor:
        """Means over squares of pixels, whatever comes before; a rest at the border is dropped."""
        if not self.pools:
            return x
        return functional.avg_pool2d(x.flatten(0, -4), _POOL).unflatten(0, x.shape[:-3])


class FusionNetwork(nn.Module):
    """A population of such networks. Another kind of them builds other blocks.

    Args:
        design: see there.
        seeds: one a member; they key the initial weights.
        engine: runs the neurons.

    Attributes:
        coding: of the design, until another is put in its place.
        states: potentials of every layer of neurons behind the last batch, where they are carried.
    """

    def __init__(self, design: FusionDesign, seeds: Sequence[int], engine: Engine) -> None:
        super().__init__()
        self.design, self.seeds, self.engine = design, tuple(seeds), engine
        self.coding = design.coding
        self.states: dict[str, Tensor] = {}
        self.blocks = nn.ModuleList()
        self.readout = Dense((self._build(),), design.classes, seeds, "readout")

    def _build(self) -> int:
        """Add the blocks; how many numbers the last layer reads."""
        design, shape = self.design, self.design.in_shape
        for place, channels in enumerate(design.channels()):
            make = partial(self._convolution, shape, channels)
            self.blocks.append(FusionBlock(*self._branches(f"block{place}", make), pools=True))
            shape = (channels, *(edge // _POOL for edge in shape[1:]))
        units = [math.prod(shape), *map(design.scaled, design.head)]
        if design.head:
            branches = self._branches("head", partial(self._stack, units))
            self.blocks.append(FusionBlock(*branches, pools=False))
        return units[-1]

    def _branches(
        self, name: str, make: Callable[[str, float], list[_Layer]]
    ) -> tuple[str, dict[str, list[_Layer]]]:
        """Name and branches of a block, from what makes layers of a role and a momentum."""
        momentum = {"spiking": self.design.momentum, "graded": 0.1}
        there = [kind for kind in momentum if self.design.branches in (kind, "fusion")]
        return name, {kind: make(f"{name}.{kind}", momentum[kind]) for kind in there}

    def _convolution(
        self, shape: tuple[int, int, int], channels: int, role: str, momentum: float
    ) -> list[_Layer]:
        return [NormalisedConv(shape, channels, _KERNEL, self.seeds, role, momentum=momentum)]

    def _stack(self, units: Sequence[int], role: str, _momentum: float) -> list[_Layer]:
        pairs = zip(units[:-1], units[1:], strict=True)
        return [Dense((a,), b, self.seeds, f"{role}{k}") for k, (a, b) in enumerate(pairs)]

    def train(self, mode: bool = True) -> Self:
        """See ``torch.nn.Module``; a new pass over some examples starts at rest."""
        self.states.clear()
        return super().train(mode)

    def forward(
        self,
        x: Tensor,
        noise: Any = None,
        observe: Callable[[int, Tensor], None] | None = None,
    ) -> Activity:
        """Answers for images x (member, batch, C, H, W) in [0, 1].

        Args:
            noise: there because other networks draw some; this one doesn't.
            observe: sees what every block reads, by its place, before it is brought into [0, 1].
        """
        run = Pass(self)
        for place, block in enumerate(self.blocks):
            if block.name == "head":
                x = x.flatten(2)
            if observe is not None:
                observe(place, x.detach())
            x = block(x, run)
        logits = self.readout.product(self._features(x)) + self.readout.shift()
        return Activity(logits, run.spikes, run.encoder, operations=run.operations)

    def _features(self, x: Tensor) -> Tensor:
        """What the last layer reads of the last block, (member, batch, number)."""
        return x.flatten(2)

    def parameter_count(self) -> int:
        """Trained numbers of one member."""
        return sum(p.numel() for p in self.parameters()) // len(self.seeds)

    def memory(self, batch: int) -> int:
        """See ``Network``: the images, eight numbers a unit, step and example of spiking branches,
        and as many a unit and example of graded ones.
        """
        kept = math.prod(self.design.in_shape)
        for kind, steps in (("spiking", self.coding.steps), ("graded", 1)):
            units = (
                math.prod(layer.out_shape) + math.prod(layer.in_shape)
                for layer in self.layers(kind)
            )
            kept += 8 * steps * sum(units)
        return 4 * (TRAINED_COPIES * self.parameter_count() + batch * kept)

    def layers(self, kind: str) -> list[_Layer]:
        """Layers of all branches of a kind, in their order."""
        found = (block.branches[kind] for block in self.blocks if kind in block.branches)
        return [layer for branch in found for layer in branch]

    def products(self) -> float:
        """Multiply-accumulates of an example, spiking branches at every step."""
        spiking = sum(layer.macs for layer in self.layers("spiking"))
        graded = sum(layer.macs for layer in self.layers("graded"))
        return float(self.coding.steps * spiking + graded + self.readout.macs)

    def graded_products(self) -> float:
        """Products with graded values an example: graded branches, the readout, and what reads a
        graded plane.
        """
        blocks = [block for block in self.blocks if "spiking" in block.branches]
        first = [layer for block in blocks for layer in block.readers("spiking")]
        planes = self.coding.graded_products(sum(layer.macs for layer in first))
        graded = sum(layer.macs for layer in self.layers("graded"))
        return float(graded + self.readout.macs + planes)

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes times mean fan-out of each example, (member, batch), the encoders' included."""
        return activity.operations + torch.zeros_like(activity.outputs[..., 0])


def drive(layer: _Layer, x: Tensor) -> Tensor:
    """What a layer gives for x (time, member, batch, *units)."""
    return layer(x) if isinstance(layer, NormalisedConv) else layer.product(x) + layer.shift()
