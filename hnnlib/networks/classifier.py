"""Deep spiking image classifiers with direct input: what the residual network and VGG share.

An image is repeated at every time step; its pixels are standardised first. The last layer doesn't
spike: it weighs the spikes of the layer below it, and the logits are its mean over time.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hnnlib.engines import Engine
from hnnlib.networks.base import TRAINED_COPIES, Activity
from hnnlib.networks.layers import Dense
from hnnlib.networks.normalised import NormalisedConv
from hnnlib.neurons.decay_input import DecayInputLIF
from hnnlib.signals import Separable, count, dense
from hnnlib.surrogates import Sigmoid

__all__ = ["ImageClassifier", "ImageDesign", "Observer", "States"]

States = dict[str, Any]
"""State of every layer of neurons behind the last step, by name of the layer."""
Observer = Callable[[str, Tensor], None]
"""Takes the name of a layer of neurons and its spikes (time, member, batch, *units)."""


@dataclass(frozen=True)
class ImageDesign:
    """What such a network takes.

    Attributes:
        in_shape: (channels, height, width) of an image.
        classes: number of classes.
        width: factor on all channels and hidden units.
        steps: time steps T; the image is repeated at each.
        mean, deviation: of the pixels, one a channel; frames are standardised with them.
        neuron: of every layer (Mazurek et al., eq. 1-5, tau = 2, V_th = 1).
        each_step: whether outputs are also given step by step.
    """

    in_shape: tuple[int, int, int]
    classes: int
    width: float = 1.0
    steps: int = 10
    mean: tuple[float, ...] = (0.5,)
    deviation: tuple[float, ...] = (0.5,)
    neuron: DecayInputLIF = field(
        default_factory=lambda: DecayInputLIF(2.0, 1.0, surrogate=Sigmoid(4.0))
    )
    each_step: bool = False

    def scaled(self, channels: int) -> int:
        """Channels at this design's width, at least one."""
        return max(1, round(channels * self.width))


@dataclass(frozen=True)
class _Resumed:
    """A neuron that starts in a given state, or at rest where there is none."""

    neuron: Any
    state: Any

    def initial(self, like: Tensor) -> Any:
        return self.neuron.initial(like) if self.state is None else self.state

    def step(self, drive: Tensor, state: Any) -> tuple[Tensor, Any]:
        return self.neuron.step(drive, state)


class Pass:
    """One forward pass: runs neurons, counts what they do, and lets an observer see them."""

    def __init__(
        self, engine: Engine, neuron: Any, states: States | None, observe: Observer | None
    ) -> None:
        self.engine, self.neuron, self.states, self.observe = engine, neuron, states, observe
        self.spikes: list[Tensor] = []
        self.operations: Tensor | float = 0.0
        self._last: Tensor | None = None

    def fire(self, name: str, drive: Tensor | Separable, neuron: Any = None) -> Tensor:
        """Spikes (time, member, batch, *units) of a layer of neurons under its drive; the network's
        neurons, unless the layer has its own.
        """
        neuron = neuron or self.neuron
        if self.states is None:
            signal = self.engine.spikes(neuron, drive)
        else:
            resumed = _Resumed(neuron, self.states.get(name))
            signal, self.states[name] = self.engine.scan(resumed, dense(drive))
        self.spikes.append(count(signal))
        spikes = self.engine.written(signal)
        self._last = spikes
        if self.observe is not None:
            self.observe(name, spikes.detach())
        return spikes

    def read(self, synapse: NormalisedConv | Dense, spikes: Tensor) -> Tensor:
        """Spikes that a synapse is about to read: each causes as many additions as its mean
        fan-out.
        """
        units = spikes.shape[3:].numel()
        number = self.spikes[-1] if spikes is self._last else count(spikes)
        self.operations = self.operations + number * (synapse.macs / units)
        return spikes


class ImageClassifier(nn.Module, ABC):
    """A population of deep spiking networks; see the module.

    A subclass builds its layers, ``readout`` among them, and says what happens between the first
    drive and the last spikes.

    Args:
        design: shape, width, time steps, neuron.
        seeds: one a member; they key the initial weights.
        engine: runs the neurons.
    """

    def __init__(self, design: ImageDesign, seeds: Sequence[int], engine: Engine) -> None:
        super().__init__()
        self.design, self.seeds, self.engine = design, tuple(seeds), engine
        self.neuron = design.neuron
        channels = (-1, 1, 1)
        self._mean = torch.tensor(design.mean).view(channels)
        self._deviation = torch.tensor(design.deviation).view(channels)

    readout: Dense

    @abstractmethod
    def _features(self, drive: Tensor | Separable, run: Pass) -> Tensor:
        """Spikes of the last layer, (time, member, batch, *units), from the drive of the first."""

    @abstractmethod
    def first(self) -> NormalisedConv:
        """The convolution that reads the frames."""

    def standardise(self, pixels: Tensor) -> Tensor:
        """Pixels (..., C, H, W) in [0, 1] with mean and deviation of the data taken out."""
        return (pixels - self._mean.to(pixels)) / self._deviation.to(pixels)

    def forward(self, x: Tensor, noise: Any = None) -> Activity:
        """Answers for images x (member, batch, C, H, W) in [0, 1], repeated at every step.

        ``noise`` is there because other networks draw some; this one doesn't.
        """
        return self.unroll(self.standardise(x)[None])

    def unroll(
        self, frames: Tensor, states: States | None = None, observe: Observer | None = None
    ) -> Activity:
        """Answers for standardised frames.

        Args:
            frames: (time, member, batch, C, H, W); a time axis of 1 stands for T equal frames.
            states: states to start from, empty for rest; the states behind the last step are left
                in it. None: start at rest and keep nothing.
            observe: sees the spikes of every layer of neurons, layer by layer, in the order in
                which they fire.
        """
        run = Pass(self.engine, self.neuron, states, observe)
        drive = self.first()(frames)
        if len(frames) == 1:  # equal frames have equal drives: one convolution is enough
            drive = self._held(drive)
        spikes = self._features(drive, run)
        run.read(self.readout, spikes)
        # the readout is linear: the mean over time, and over pixels, may be taken before it
        rates = _of_channels(spikes.mean(0, keepdim=True))[0]
        logits = self.readout.product(rates) + self.readout.shift()
        steps = None
        if self.design.each_step:
            steps = self.readout.product(_of_channels(spikes)) + self.readout.shift()
        return Activity(logits, run.spikes, operations=run.operations, steps=steps)

    def _held(self, drive: Tensor) -> Tensor | Separable:
        """A drive (1, member, batch, *units) that is the same at all steps."""
        return drive.expand(self.design.steps, *drive.shape[1:])

    def parameter_count(self) -> int:
        """Trained numbers of one member."""
        return sum(p.numel() for p in self.parameters()) // len(self.seeds)

    def memory(self, batch: int) -> int:
        """See ``Network``: the frames, and eight numbers a unit, step and example."""
        units = sum(math.prod(synapse.out_shape) for synapse in self._synapses())
        kept = math.prod(self.design.in_shape) + 8 * self.design.steps * units
        return 4 * (TRAINED_COPIES * self.parameter_count() + batch * kept)

    def macs(self) -> int:
        """Multiply-accumulates of one step."""
        return sum(synapse.macs for synapse in self._synapses())

    def _synapses(self) -> list[NormalisedConv | Dense]:
        """All weight layers; neurons read what each gives, but for the readout."""
        return [m for m in self.modules() if isinstance(m, NormalisedConv | Dense)]

    def products(self) -> float:
        """Multiply-accumulates of an example over all steps."""
        return float(self.design.steps * self.macs())

    def graded_products(self) -> float:
        """Products with graded values an example: those of the first convolution."""
        return float(self.design.steps * self.first().macs)

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes times mean fan-out of each example, (member, batch)."""
        return activity.operations


def _of_channels(spikes: Tensor) -> Tensor:
    """(time, member, batch, units or channels, ...), the mean over pixels where there are some."""
    return spikes.flatten(4).mean(4) if spikes.ndim > 4 else spikes
