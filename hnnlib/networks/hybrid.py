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

from hnnlib.codings.base import Coding
from hnnlib.codings.duplicate import Duplicate
from hnnlib.codings.gaussian import Gaussian
from hnnlib.codings.poisson import Poisson
from hnnlib.engines import Engine
from hnnlib.engines.base import Learned, Loss, brought_back
from hnnlib.errors import NotationError
from hnnlib.networks.base import TRAINED_COPIES, Activity
from hnnlib.networks.graded import ACTIVATIONS, GradedStep
from hnnlib.networks.layers import Conv, Dense, fitting, max_pool
from hnnlib.networks.notation import LayerSpec
from hnnlib.networks.spiking import Axon, SpikingLayer, SpikingPool, fire, learn
from hnnlib.neurons.filters import DualExponential
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.randomness import MemberNoise

__all__ = ["CODINGS", "HybridNetwork", "Switches"]

CODINGS: dict[str, type[Coding]] = {one.name: one for one in (Duplicate, Gaussian, Poisson)}
"""Codings of the paper, by their names in scale files."""


@dataclass(frozen=True)
class Switches:
    """Protocol choices of the paper and of its public code, each a named switch.

    Attributes:
        coding: what joins artificial and spiking layers, and their time steps T; None for a purely
            artificial network.
        hidden_act: activation of artificial layers.
        input_mode: ``axon``: the first spiking layer filters its input; ``direct``: it doesn't.
        train_filter: train the synaptic filters (the public code does).
        logit_scale: factor on the logits of a purely artificial network; the public code sums the
            same log-softmax over T steps, which is a factor T.
    """

    coding: Coding | None = Duplicate(25)
    hidden_act: Literal["relu", "sigmoid"] = "relu"
    input_mode: Literal["axon", "direct"] = "axon"
    train_filter: bool = False
    logit_scale: float = 1.0
    kernel: DualExponential = field(default_factory=DualExponential.from_time_constants)
    neuron: RefractoryLIF = field(default_factory=RefractoryLIF)


class HybridNetwork(nn.Module):
    """Artificial layers, then spiking ones; every member the same shape, with weights of its own.

    Args:
        layers: from ``notation.parse``.
        in_shape: axes of one input as examples give them, (channels, height, width) or (units,).
        switches: protocol choices.
        seeds: one a member; they key the initial weights.
        engine: runs the neurons.
        roles: names that key the initial draws, one a layer; by default its place. The rest of a
            frozen network needs names of its own: with the frozen network's, it would start from
            the draws of the very layers that the frozen features were trained with.

    Raises:
        NotationError: the images are too small for the layers, the last layer isn't dense, or the
            coding needs an artificial layer and there is none.

    >>> from hnnlib import engines
    >>> from hnnlib.networks.notation import parse
    >>> layers = parse("A4-S3-S2")[1]
    >>> network = HybridNetwork(layers, (4,), Switches(), (0, 1, 2), engines.get("eager"))
    >>> network(torch.rand(3, 5, 4)).outputs.shape  # (member, batch, class)
    torch.Size([3, 5, 2])
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
        if layers[-1].kind != "dense":
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
        coding = switches.coding
        if self.boundary == 0 and coding.widen(1) > 1:
            raise NotationError(
                f"{coding.name} coding needs an artificial layer before the spiking ones, as in "
                "A784-S500-S10"
            )
        self.artificial, self.spiking = nn.ModuleList(), nn.ModuleList()
        self._roles = tuple(roles or (f"layer{place}" for place in range(len(layers))))
        shape = in_shape
        for place, layer in enumerate(layers):
            add = self._add_spiking if layer.spiking else self._add_artificial
            shape = add(layer, shape, place)

    def _add_artificial(
        self, layer: LayerSpec, shape: tuple[int, ...], place: int
    ) -> tuple[int, ...]:
        if layer.kind == "pool":
            self.artificial.append(nn.MaxPool2d(layer.kernel))
            return _pooled(shape, layer.kernel)
        size = self._size(place)
        synapse = self._synapse(replace(layer, size=size), shape, place)
        self.artificial.append(synapse)
        # what is widened, the coding makes as narrow again
        return synapse.out_shape if size == layer.size else (layer.size, *synapse.out_shape[1:])

    def _size(self, place: int) -> int:
        """Units or channels of an artificial layer: as the coding asks for where it reads them."""
        size = self.layers[place].size
        behind = {layer.kind for layer in self.layers[place + 1 : self.boundary]}
        at_boundary = self.boundary < len(self.layers) and behind <= {"pool"}
        return self.switches.coding.widen(size) if at_boundary else size

    def _add_spiking(self, layer: LayerSpec, shape: tuple[int, ...], place: int) -> tuple[int, ...]:
        direct = place == self.boundary and self.switches.input_mode == "direct"
        axon = (
            None
            if direct
            else Axon(self.switches.kernel, shape, self.seeds, self.switches.train_filter)
        )
        if layer.kind == "pool":
            self.spiking.append(SpikingPool(axon, layer.kernel))
            return _pooled(shape, layer.kernel)
        synapse = self._synapse(layer, shape, place)
        self.spiking.append(SpikingLayer(axon, synapse, self.switches.neuron))
        return synapse.out_shape

    def _synapse(self, layer: LayerSpec, shape: tuple[int, ...], place: int) -> Dense | Conv:
        if layer.kind == "dense":
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
        activation = ACTIVATIONS[self.switches.hidden_act]
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
        """Values that the coding reads, from images: the frozen features of separate training."""
        stop = self.boundary if stop is None else stop
        if stop == 0:
            return x
        coding = self.switches.coding
        drive = self.graded(x, stop, activate_last=not coding.linear)
        return coding.values(drive, pooled=isinstance(self.artificial[stop - 1], nn.MaxPool2d))

    def forward(self, x: Tensor, noise: MemberNoise | None = None) -> Activity:
        """Run the network on x (member, batch, *in).

        Args:
            x: images or frozen features.
            noise: needed by Gaussian and Poisson coding.

        Raises:
            DataError: x has another shape than the network reads.
        """
        fitting(x, self.in_shape)
        if not len(self.spiking):
            return Activity(self.graded(x) * self.switches.logit_scale, [])
        coding = self.switches.coding
        signal = coding.encode(self.encode(x), noise)
        encoder = coding.encoder_spikes(signal)
        return Activity(*fire(self.spiking, signal, self.engine), encoder)

    def learn(self, x: Tensor, noise: MemberNoise | None, loss: Loss) -> Learned:
        """See ``Learner``."""
        fitting(x, self.in_shape)
        if not self._plain:
            values = self.encode(x) if len(self.spiking) else self.graded(x)
            return self._learn_behind(values, noise, loss)
        artificial, coding = list(self.artificial), self.switches.coding
        fitting(x, self.in_shape, artificial[0].weight)
        # the activation behind the last layer is the coding's; of others autograd knows it
        last = coding.activation if type(coding) is Duplicate else None
        activations = [self.switches.hidden_act] * (len(artificial) - 1)
        step = GradedStep(artificial, [*activations, last])
        values = step.forward(x)
        if not len(self.spiking):
            losses, gradient = loss(values * self.switches.logit_scale)
            step.back(gradient * self.switches.logit_scale)
            return Learned(losses, alone=True)
        values.requires_grad_()
        read = values if last else coding.values(values, pooled=False)
        found = self._learn_behind(read, noise, loss)
        if values.grad is not None:  # some codings let no gradient through
            step.back(values.grad)
        return found

    @property
    def _plain(self) -> bool:
        """Whether there are dense artificial layers, and no others."""
        return len(self.artificial) > 0 and all(type(one) is Dense for one in self.artificial)

    def _learn_behind(self, values: Tensor, noise: MemberNoise | None, loss: Loss) -> Learned:
        """The spiking layers of ``learn``, from what the coding reads; the loss itself, without."""
        if not len(self.spiking):
            return Learned(brought_back(values * self.switches.logit_scale, loss), alone=True)
        signal = self.switches.coding.encode(values, noise)
        return learn(self.spiking, signal, self.engine, loss)

    def parameter_count(self) -> int:
        """Trained numbers of one member."""
        return sum(p.numel() for p in self.parameters()) // len(self.seeds)

    def memory(self, batch: int) -> int:
        """See ``Network``: three numbers a unit of artificial layers and example, and four a unit,
        step and example of spiking ones, as many an input of layers whose filters are trained.
        """
        artificial = [m for m in self.artificial if not isinstance(m, nn.MaxPool2d)]
        filtered = [layer.axon for layer in self.spiking if layer.axon is not None]
        inputs = [axon.coefficients[0, 0].numel() for axon in filtered if axon.fixed is None]
        kept = math.prod(self.in_shape) + 3 * sum(math.prod(m.out_shape) for m in artificial)
        kept += 4 * self._steps * (sum(self.units()) + sum(inputs))
        return 4 * (TRAINED_COPIES * self.parameter_count() + batch * kept)

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
        return float(artificial + self._steps * sum(spiking))

    def graded_products(self) -> float:
        """Products with graded values an example: artificial layers once, a spiking layer that
        reads graded values at each of the T steps.
        """
        artificial, spiking = self.macs()
        first = self.switches.coding.graded_products(spiking[0]) if spiking else 0
        return float(artificial + first)

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes times mean fan-out of each example (member, batch), a Poisson encoder's spikes
        included.
        """
        operations = torch.zeros_like(activity.outputs[..., 0])
        _, macs = self.macs()
        if activity.encoder_spikes is not None and macs:
            first = next(layer for layer in self.spiking if isinstance(layer, SpikingLayer))
            operations += activity.encoder_spikes * (macs[0] / math.prod(first.synapse.in_shape))
        for source, units, products in zip(activity.spikes, self.units(), macs[1:], strict=False):
            operations += source * (products / units)
        return operations

    @property
    def _steps(self) -> int:
        """Time steps of the spiking layers, 0 where there are none."""
        return self.switches.coding.steps if len(self.spiking) else 0

    def units(self) -> list[int]:
        """Units of each spiking layer."""
        return [math.prod(m.synapse.out_shape) for m in self.spiking if isinstance(m, SpikingLayer)]


def _pooled(shape: tuple[int, ...], window: int) -> tuple[int, ...]:
    return (shape[0], shape[1] // window, shape[2] // window)
