"""Rate-coded networks over a grid of neuron constants (Mazurek et al., the operational manifold).

All layers of a member have one tau and one threshold, its own; the answer is the mean rate of the
output neurons. A whole grid of constants is one population. The control has the same weights, and
units that are rectified above a threshold instead of spiking.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hnnlib.codings.base import Coding
from hnnlib.engines import Engine
from hnnlib.errors import ConfigError
from hnnlib.networks.base import TRAINED_COPIES, Activity
from hnnlib.networks.layers import Conv, Dense, max_pool
from hnnlib.neurons.decay_input import DecayInputLIF
from hnnlib.randomness import MemberNoise
from hnnlib.signals import Signal, Spikes, count, dense
from hnnlib.surrogates import ATan, Surrogate

__all__ = ["RateDesign", "RateNetwork", "RectifiedNetwork", "rate_error"]

_KERNEL, _PADDING, _WINDOW = 3, 1, 2


@dataclass(frozen=True)
class RateDesign:
    """Layers of a rate-coded network.

    Attributes:
        convolutions: channels of 3x3 convolutions (one zero around the image), each followed by
            neurons and a 2x2 max-pool.
        dense: units of the fully connected layers behind them; the last ones are the classes.
        coding: of the pixels, and the time steps T. Poisson: they are firing probabilities;
            duplicate: they are currents, and the first layer encodes.
    """

    convolutions: tuple[int, ...]
    dense: tuple[int, ...]
    coding: Coding


class _Layers(nn.Module):
    """What the spiking network and its control share: weights, and what they cost."""

    def __init__(self, design: RateDesign, in_shape: tuple[int, ...], seeds: Sequence[int]) -> None:
        super().__init__()
        self.design, self.seeds, self.synapses = design, tuple(seeds), nn.ModuleList()
        shape = in_shape
        for place, channels in enumerate(design.convolutions):
            if min(shape[1:]) < _WINDOW:
                raise ConfigError(
                    f"images of {in_shape[1]} x {in_shape[2]} pixels are too small for "
                    f"{len(design.convolutions)} convolutions with a pool behind each"
                )
            conv = Conv(shape, channels, _KERNEL, seeds, f"layer{place}", _PADDING)
            self.synapses.append(conv)
            shape = (channels, *(edge // _WINDOW for edge in conv.out_shape[1:]))
        for place, units in enumerate(design.dense, start=len(design.convolutions)):
            self.synapses.append(Dense(shape, units, seeds, f"layer{place}"))
            shape = (units,)

    def units(self) -> list[int]:
        """Units of each layer."""
        return [math.prod(s.out_shape) for s in self.synapses]

    def parameter_count(self) -> int:
        """Trained numbers of one member."""
        return sum(p.numel() for p in self.parameters()) // len(self.seeds)

    def memory(self, batch: int) -> int:
        """See ``Network``: four numbers a unit, step and example."""
        return 4 * (
            TRAINED_COPIES * self.parameter_count() + 4 * batch * self.steps * sum(self.units())
        )

    @property
    def steps(self) -> int:
        """Time steps that are held in memory."""
        return self.design.coding.steps

    def products(self) -> float:
        """Multiply-accumulates of one example, all time steps."""
        return float(self.steps * sum(s.macs for s in self.synapses))


class RateNetwork(_Layers):
    """A population of spiking networks.

    Args:
        design: layers and coding.
        in_shape: (channels, height, width) of an image.
        seeds: one a member; members of one seed start with the same weights.
        tau, threshold: membrane time constant (steps, above 1) and V_th of each member, (member,).
        engine: runs the neurons.
        surrogate: what the backward pass uses.

    Raises:
        ConfigError: the images are too small for the pools.
    """

    def __init__(
        self,
        design: RateDesign,
        in_shape: tuple[int, ...],
        seeds: Sequence[int],
        tau: Sequence[float],
        threshold: Sequence[float],
        engine: Engine,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__(design, in_shape, seeds)
        self.engine, self.surrogate = engine, surrogate or ATan()
        # not buffers: they are neither trained nor kept in checkpoints
        self.tau = torch.tensor(tuple(tau), dtype=torch.float32)
        self.threshold = torch.tensor(tuple(threshold), dtype=torch.float32)

    def neuron(self, like: Tensor, axes: int) -> DecayInputLIF:
        """Neurons of a layer whose units have so many axes, with ``like``'s type and device."""
        shape = (len(self.seeds), *[1] * (1 + axes))
        tau, threshold = (t.to(like).view(shape) for t in (self.tau, self.threshold))
        return DecayInputLIF(tau, threshold, surrogate=self.surrogate)

    def _encode(self, x: Tensor, noise: MemberNoise | None) -> Signal:
        members = len(self.seeds)
        coding = self.design.coding
        if coding.graded:
            return coding.encode(x.expand(members, *x.shape[1:]), noise)
        return coding.encode(x, noise.shared() if len(x) < members else noise)

    def run(self, x: Tensor, noise: MemberNoise | None = None) -> tuple[Signal, list[Signal]]:
        """The input as a signal, and the spikes of every layer."""
        source = signal = self._encode(x, noise)
        layers = []
        for synapse in self.synapses:
            axes = len(synapse.out_shape)
            signal = self.engine.layer(self.neuron(synapse.weight, axes), synapse, signal)
            layers.append(signal)
            if axes > 1:
                signal = self.engine.pool(signal, _WINDOW)
        return source, layers

    def forward(self, x: Tensor, noise: MemberNoise | None = None) -> Activity:
        """Mean rates of the output neurons, and spikes, for images (member, batch, *in) in [0, 1].

        Args:
            x: with a member axis of 1 where all members read the same images; they then also share
                the encoder's draws, those of the first member's seed.
            noise: needed by Poisson coding.
        """
        source, layers = self.run(x, noise)
        encoder = self.design.coding.encoder_spikes(source)
        if encoder is not None:
            encoder = encoder.expand(len(self.seeds), -1)
        rates = self.engine.counts(layers[-1]) / self.steps
        return Activity(rates, [count(layer) for layer in layers], encoder)

    @torch.no_grad()
    def fired(self, x: Tensor, noise: MemberNoise | None = None) -> list[Tensor]:
        """Which units of every layer fire at all for these images, each (member, units)."""
        _, layers = self.run(x, noise)
        return [_fired(layer) for layer in layers]

    def graded_products(self) -> float:
        """Products with graded values an example, all time steps."""
        return float(self.design.coding.graded_products(self.synapses[0].macs))

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes times mean fan-out of each example (member, batch), the encoder's included.

        A pool between two layers passes at most the spikes that it gets: fan-out is counted from
        the units before it.
        """
        operations = torch.zeros_like(activity.outputs[..., 0])
        if activity.encoder_spikes is not None:
            first = self.synapses[0]
            operations += activity.encoder_spikes * (first.macs / math.prod(first.in_shape))
        for spikes, units, synapse in zip(
            activity.spikes, self.units(), self.synapses[1:], strict=False
        ):
            operations += spikes * (synapse.macs / units)
        return operations


class RectifiedNetwork(_Layers):
    """The control without spikes: hidden units give gain * max(0, z - threshold), outputs are z.

    With gain = 1 / tau, a grid of it has the axes of a grid of spiking networks.

    Args:
        design, in_shape, seeds: as in ``RateNetwork``; the coding doesn't matter.
        gain, threshold: of each member, (member,).
    """

    def __init__(
        self,
        design: RateDesign,
        in_shape: tuple[int, ...],
        seeds: Sequence[int],
        gain: Sequence[float],
        threshold: Sequence[float],
    ) -> None:
        super().__init__(design, in_shape, seeds)
        self.gain = torch.tensor(tuple(gain), dtype=torch.float32)
        self.threshold = torch.tensor(tuple(threshold), dtype=torch.float32)

    @property
    def steps(self) -> int:
        """There is no time."""
        return 1

    def forward(self, x: Tensor, noise: MemberNoise | None = None) -> Activity:
        """Outputs for images (member, batch, *in), or (1, batch, *in) that all members read."""
        values = x.expand(len(self.seeds), *x.shape[1:])
        for place, synapse in enumerate(self.synapses):
            values = synapse.product(values) + synapse.shift()
            if place + 1 < len(self.synapses):
                values = self._rectified(values)
                if len(synapse.out_shape) > 1:
                    values = max_pool(values, _WINDOW)
        return Activity(values, [])

    def _rectified(self, z: Tensor) -> Tensor:
        shape = (-1, *[1] * (z.ndim - 1))
        gain, threshold = (t.to(z).view(shape) for t in (self.gain, self.threshold))
        return gain * torch.relu(z - threshold)

    def graded_products(self) -> float:
        """All of them."""
        return self.products()

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """None: no unit spikes."""
        return torch.zeros_like(activity.outputs[..., 0])


def rate_error(activity: Activity, labels: Tensor) -> Tensor:
    """Mean squared distance of the outputs from one-hot labels, (member,): the paper's loss.

    Args:
        activity: with outputs (member, batch, class).
        labels: (member, batch).
    """
    wanted = torch.zeros_like(activity.outputs).scatter_(2, labels[..., None], 1.0)
    return (activity.outputs - wanted).square().mean((1, 2))


def _fired(signal: Signal) -> Tensor:
    """Which units of a layer fire in any example and step, (member, units)."""
    if not isinstance(signal, Spikes):
        return dense(signal).amax((0, 2)).flatten(1) > 0
    events = signal.events
    rows = len(events.starts) // events.shape[1]
    fired = torch.zeros(events.shape[1], math.prod(events.shape[3:]), dtype=torch.bool)
    for row, (first, last) in enumerate(events.starts[:, [0, -1]].tolist()):
        fired[row // rows, events.units[first:last].long()] = True
    return fired
