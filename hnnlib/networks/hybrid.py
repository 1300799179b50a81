"""A population of hybrid networks: artificial layers, a coding, spiking layers (Muramatsu & Yu,
fig. 2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn

from hnnlib import codings
from hnnlib.engines import Engine
from hnnlib.errors import NotationError
from hnnlib.networks.base import Activity
from hnnlib.networks.layers import Conv, Dense, max_pool
from hnnlib.networks.notation import LayerSpec
from hnnlib.networks.spiking import Axon, SpikingLayer, SpikingPool
from hnnlib.neurons.filters import DualExponential
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.randomness import MemberNoise
from hnnlib.signals import Signal, count, dense

__all__ = ["HybridNetwork", "Switches"]

_ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid}


@dataclass(frozen=True)
class Switches:
    """Protocol choices of the paper and of its public code, each a named switch.

    Attributes:
        steps: time steps T.
        coding: what joins artificial and spiking layers; ``none`` for a purely artificial network.
        hidden_act: activation of artificial layers.
        boundary_act: activation of the last artificial layer before duplicate coding (text: ReLU;
            code: sigmoid).
        input_mode: ``axon``: the first spiking layer filters its input; ``direct``: it doesn't.
        poisson_p, gaussian: see ``hnnlib.codings``.
        train_filter: train the synaptic filters (the public code does).
        logit_scale: factor on the logits of a purely artificial network; the public code sums the
            same log-softmax over T steps, which is a factor T.
    """

    steps: int = 25
    coding: Literal["duplicate", "gaussian", "poisson", "none"] = "duplicate"
    hidden_act: Literal["relu", "sigmoid"] = "relu"
    boundary_act: Literal["sigmoid", "relu"] = "sigmoid"
    input_mode: Literal["axon", "direct"] = "axon"
    poisson_p: Literal["sigmoid", "code255"] = "sigmoid"
    gaussian: Literal["code", "ln_sigma"] = "code"
    train_filter: bool = False
    logit_scale: float = 1.0
    kernel: DualExponential = field(default_factory=DualExponential.from_time_constants)
    neuron: RefractoryLIF = field(default_factory=RefractoryLIF)


class HybridNetwork(nn.Module):
    """Artificial layers, then spiking ones; every member the same shape, with weights of its own.

    Args:
        layers: from ``notation.parse``.
        in_shape: axes of one input, (channels, height, width) or (units,).
        switches: protocol choices.
        seeds: one a member; they key the initial weights.
        engine: runs the neurons.
        roles: names that key the initial draws, one a layer; by default its place. The rest of a
            frozen network needs names of its own: with the frozen network's, it would start from
            the draws of the very layers that the frozen features were trained with.

    Raises:
        NotationError: the images are too small for the layers, or the last layer isn't dense.
    """

    def __init__(
        self,
        layers: Sequence[LayerSpec],
        in_shape: tuple[int, ...],
        switches: Switches,
        seeds: Sequence[int],
        engine: Engine,
        roles: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        if layers[-1].form != "dense":
            raise NotationError(
                "the last layer must be dense, with one unit a class, as in S32C3-S10"
            )
        self.layers, self.switches, self.engine, self.seeds = (
            tuple(layers),
            switches,
            engine,
            tuple(seeds),
        )
        self.in_shape = in_shape
        self.boundary = next((k for k, layer in enumerate(layers) if layer.spiking), len(layers))
        self.artificial, self.spiking = nn.ModuleList(), nn.ModuleList()
        self._roles = tuple(roles or (f"layer{place}" for place in range(len(layers))))
        shape = in_shape
        for place, layer in enumerate(layers):
            add = self._add_spiking if layer.spiking else self._add_artificial
            shape = add(layer, shape, place)

    def _add_artificial(
        self, layer: LayerSpec, shape: tuple[int, ...], place: int
    ) -> tuple[int, ...]:
        if self._doubled(place):
            layer = replace(layer, size=2 * layer.size)
        module = (
            nn.MaxPool2d(layer.kernel)
            if layer.form == "pool"
            else self._synapse(layer, shape, place)
        )
        self.artificial.append(module)
        shape = _pooled(shape, layer.kernel) if layer.form == "pool" else module.out_shape
        if place + 1 == self.boundary < len(self.layers) and self.switches.coding == "gaussian":
            shape = (
                shape[0] // 2,
                *shape[1:],
            )  # half of the units is the mean, half sets the spread
        return shape

    def _doubled(self, place: int) -> bool:
        """Whether this is the artificial layer that gives Gaussian coding its mean and spread."""
        behind = [layer.form for layer in self.layers[place + 1 : self.boundary]]
        at_boundary = self.boundary < len(self.layers) and set(behind) <= {"pool"}
        return (
            self.switches.coding == "gaussian" and at_boundary and self.layers[place].form != "pool"
        )

    def _add_spiking(self, layer: LayerSpec, shape: tuple[int, ...], place: int) -> tuple[int, ...]:
        direct = place == self.boundary and self.switches.input_mode == "direct"
        axon = (
            None
            if direct
            else Axon(self.switches.kernel, shape, self.seeds, self.switches.train_filter)
        )
        if layer.form == "pool":
            self.spiking.append(SpikingPool(axon, layer.kernel))
            return _pooled(shape, layer.kernel)
        synapse = self._synapse(layer, shape, place)
        self.spiking.append(SpikingLayer(axon, synapse, self.switches.neuron))
        return synapse.out_shape

    def _synapse(self, layer: LayerSpec, shape: tuple[int, ...], place: int) -> Dense | Conv:
        if layer.form == "dense":
            return Dense(shape, layer.size, self.seeds, self._roles[place])
        if len(shape) != 3 or min(shape[1:]) < layer.kernel:
            raise NotationError(
                f"layer {place + 1} ({layer.size}C{layer.kernel}) can't read an input of shape "
                f"{shape}: take larger images or fewer pools"
            )
        return Conv(shape, layer.size, layer.kernel, self.seeds, self._roles[place])

    def graded(self, x: Tensor, stop: int | None = None, activate_last: bool = True) -> Tensor:
        """Run artificial layers on (member, batch, *in): the values behind layer ``stop``, before
        its activation.

        Where a pool comes last, the layer before it is activated and pooled; ``activate_last`` =
        False leaves that activation out.
        """
        activation = _ACTIVATIONS[self.switches.hidden_act]
        modules = list(self.artificial[:stop])
        pending = False
        for place, module in enumerate(modules):
            last = all(isinstance(m, nn.MaxPool2d) for m in modules[place:])
            if pending and (activate_last or not last):
                x = activation(x)
            pending = not isinstance(module, nn.MaxPool2d)
            x = module.product(x) + module.shift() if pending else max_pool(x, module.kernel_size)
        return x

    def encode(self, x: Tensor, stop: int | None = None) -> Tensor:
        """Values that the coding reads, from images: the frozen features of separate training.

        Duplicate: activations at the boundary. Poisson: firing probabilities. Gaussian: both
            halves.
        """
        stop = self.boundary if stop is None else stop
        if stop == 0:
            return x
        pooled = isinstance(self.artificial[stop - 1], nn.MaxPool2d)
        switches = self.switches
        linear = switches.coding == "gaussian" and switches.gaussian == "ln_sigma"
        z = self.graded(x, stop, activate_last=not linear)
        if switches.coding == "duplicate":
            return _ACTIVATIONS[switches.boundary_act](z)
        if switches.coding == "poisson":
            return codings.firing_probability(z, switches.poisson_p, activated=pooled)
        return z

    def _signal(self, values: Tensor, noise: MemberNoise | None) -> Signal:
        switches = self.switches
        if switches.coding == "gaussian" and self.boundary > 0:
            return codings.gaussian(values, switches.steps, noise, switches.gaussian)
        if switches.coding == "poisson":
            return codings.poisson(values, switches.steps, noise)
        return codings.duplicate(values, switches.steps)

    def forward(self, x: Tensor, noise: MemberNoise | None = None) -> Activity:
        """Run the network on x (member, batch, *in).

        Args:
            x: images or frozen features.
            noise: needed by Gaussian and Poisson coding.
        """
        if not len(self.spiking):
            return Activity(self.graded(x) * self.switches.logit_scale, [], None)
        signal = self._signal(self.encode(x), noise)
        encoder = count(signal) if self.switches.coding == "poisson" else None
        spikes = []
        for layer in self.spiking:
            signal = layer(signal, self.engine)
            if isinstance(layer, SpikingLayer):
                spikes.append(count(signal))
        return Activity(dense(signal).sum(0), spikes, encoder)

    def parameter_count(self) -> int:
        """Trained numbers of one member."""
        return sum(p.numel() for p in self.parameters()) // len(self.seeds)

    def macs(self) -> tuple[int, list[int]]:
        """Multiply-accumulates of one example: all artificial layers, and one step of each spiking
        layer.
        """
        artificial = sum(m.macs for m in self.artificial if not isinstance(m, nn.MaxPool2d))
        return artificial, [m.synapse.macs for m in self.spiking if isinstance(m, SpikingLayer)]

    def products(self) -> float:
        """Multiply-accumulates of one example: artificial layers once, spiking ones at each of the
        T steps.
        """
        artificial, spiking = self.macs()
        return float(artificial + self.switches.steps * sum(spiking))

    def graded_products(self) -> float:
        """Products with graded values an example: artificial layers once, a spiking layer that
        reads graded values at each of the T steps.
        """
        artificial, spiking = self.macs()
        graded_input = spiking and self.switches.coding != "poisson"
        return float(artificial + (self.switches.steps * spiking[0] if graded_input else 0))

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes times mean fan-out of each example (member, batch), a Poisson encoder's spikes
        included.
        """
        operations = torch.zeros_like(activity.logits[..., 0])
        _, macs = self.macs()
        if activity.encoder_spikes is not None and macs:
            first = next(layer for layer in self.spiking if isinstance(layer, SpikingLayer))
            operations += activity.encoder_spikes * (macs[0] / math.prod(first.synapse.in_shape))
        for source, units, products in zip(activity.spikes, self.units(), macs[1:], strict=False):
            operations += source * (products / units)
        return operations

    def units(self) -> list[int]:
        """Units of each spiking layer."""
        return [math.prod(m.synapse.out_shape) for m in self.spiking if isinstance(m, SpikingLayer)]


def _pooled(shape: tuple[int, ...], window: int) -> tuple[int, ...]:
    return (shape[0], shape[1] // window, shape[2] // window)
