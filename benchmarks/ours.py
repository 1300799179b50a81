"""The tasks in hnnlib, as a population: the layers, neurons and engine that the studies use.

Spikes that enter the network are a list of events, built with the task: a loader of event data
delivers them so, as it delivers the dense tensor to a peer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import EPOCH, STUDIED, TASKS
from benchmarks.studies import Quadratic, Studied
from benchmarks.tasks import Recurrent, Task
from hnnlib import engines
from hnnlib.codings.duplicate import Duplicate
from hnnlib.networks.layers import Conv, Dense
from hnnlib.networks.spiking import SpikingLayer, fire, learn
from hnnlib.neurons.filters import LeakyIntegrator
from hnnlib.neurons.lif import LIF
from hnnlib.signals import Events, Separable, Signal, count, counts, dense
from hnnlib.surrogates import SuperSpike
from hnnlib.training.tasks import CLASSIFICATION

__all__ = ["DIFFERENCES", "KEEP_MEMORY", "PACKAGES", "build", "engine_name", "signal"]

PACKAGES: tuple[str, ...] = ()
_LISTED = 0.5
"""Density up to which an input is listed; what is denser is no event data, and stays a tensor."""
KEEP_MEMORY = (*TASKS, EPOCH, *STUDIED)
DIFFERENCES = (
    "the reference; gradients flow through the reset; spikes that enter the network are a list of "
    "events, made before the timing, not a tensor, where less than half of the units fire"
)


def _neuron(task: Task, device: str) -> LIF:
    """LIF neuron, decay and threshold with a member axis where members differ."""
    decay, threshold = task.decay, 1.0
    if task.members > 1:
        decay, threshold = (
            torch.tensor(values, device=device).view(-1, 1, 1)
            for values in (task.decays(), task.thresholds())
        )
    return LIF(decay, threshold, hard_reset=True, surrogate=SuperSpike(1.0))


def _synapse(
    module: nn.Linear | nn.Conv2d, shape: tuple[int, ...], place: int, members: int
) -> Dense | Conv:
    """The population layer each of whose members computes what ``module`` does."""
    role, seeds = f"layer{place}", [0] * members
    if isinstance(module, nn.Linear):
        layer: Dense | Conv = Dense(shape, module.out_features, seeds, role)
        weight = module.weight.T
    else:
        layer = Conv(shape, module.out_channels, module.kernel_size[0], seeds, role)
        weight = module.weight
    with torch.no_grad():
        layer.weight.copy_(weight)
        if module.bias is None:
            layer.bias = None
        else:
            layer.bias.copy_(module.bias)
    return layer


class _Network(nn.Module):
    def layers_and_logits(self, x: Signal) -> tuple[list[Signal], Tensor]:
        """Spikes of every layer, and the logits (member, batch, classes)."""
        raise NotImplementedError

    def forward(self, x: Signal) -> Tensor:
        return self.layers_and_logits(x)[1].flatten(0, 1)

    def operations(self, x: Signal) -> float:
        """Multiplications and additions of a training step that reads events: those of its matrix
        products and of its rows of weights and gradients; not those of neurons and optimiser. Of
        a network alone, not of a population.
        """
        raise NotImplementedError

    @torch.no_grad()
    def spike_density(self, x: Signal) -> list[float]:
        """Share of (step, member, example, unit) that spike in each layer."""
        return [dense(spikes).mean().item() for spikes in self.layers_and_logits(x)[0]]


class _RecurrentNetwork(_Network):
    def __init__(self, task: Recurrent, engine: Any, device: str) -> None:
        super().__init__()
        inward, around, outward = task.layers()
        self.inward = _synapse(inward, (task.inputs,), 0, task.members)
        self.around = nn.Parameter(around.weight.T.repeat(task.members, 1, 1))
        self.outward = _synapse(outward, (task.hidden,), 1, task.members)
        self.neuron, self.readout = _neuron(task, device), LeakyIntegrator(task.readout_decay)
        self.engine = engine

    def layers_and_logits(self, x: Signal) -> tuple[list[Signal], Tensor]:
        """See ``_Network``."""
        spikes = self.engine.layer(self.neuron, self.inward, x, self.around)
        values = self.engine.layer(self.readout, self.outward, spikes)
        return [spikes], dense(values).amax(0)

    @torch.no_grad()
    def operations(self, x: Signal) -> float:
        """See ``_Network``: forwards and for weights by events, back to the spikes densely."""
        (spikes,), logits = self.layers_and_logits(x)
        units, classes = self.around.shape[-1], logits.shape[-1]
        added = count(x).sum().item() * units + count(spikes).sum().item() * (units + classes)
        return 2 * added + len(dense(spikes).flatten(0, 2)) * units * (units + classes)


class _FeedForwardNetwork(_Network):
    def __init__(self, task: Task, engine: Any, device: str) -> None:
        super().__init__()
        self.engine = engine
        shape = tuple(task.input().shape[1 if task.constant else 2 :])
        self.stages = nn.ModuleList()
        for module in task.layers():
            if isinstance(module, nn.Linear | nn.Conv2d):
                synapse = _synapse(module, shape, len(self.stages), task.members)
                module = SpikingLayer(None, synapse, _neuron(task, device))
                shape = synapse.out_shape
            elif isinstance(module, nn.MaxPool2d):
                shape = (shape[0], shape[1] // module.kernel_size, shape[2] // module.kernel_size)
            else:
                continue  # a dense population layer flattens its input itself
            self.stages.append(module)
        self.pools = any(isinstance(stage, nn.MaxPool2d) for stage in self.stages)

    def forward(self, x: Signal) -> Tensor:
        if self.pools:
            return super().forward(x)
        return fire(self.stages, x, self.engine)[0].flatten(0, 1)

    @property
    def gradients(self) -> Callable[[Signal, Tensor], Tensor] | None:
        """Leaves the gradients of a batch in the parameters as hnnlib's training loop does, and
        gives the mean loss; None where that takes autograd.
        """
        return None if self.pools else self._gradients

    def _gradients(self, x: Signal, y: Tensor) -> Tensor:
        labels = y.view(len(self.stages[0].synapse.weight), -1)
        return learn(self.stages, x, self.engine, CLASSIFICATION.step(labels)).losses.mean()

    def layers_and_logits(self, x: Signal) -> tuple[list[Signal], Tensor]:
        """See ``_Network``."""
        spikes = []
        for stage in self.stages:
            if isinstance(stage, nn.MaxPool2d):
                x = self.engine.pool(x, stage.kernel_size)
            else:
                x = stage(x, self.engine)
                spikes.append(x)
        return spikes, counts(x)

    @torch.no_grad()
    def operations(self, x: Signal) -> float:
        """See ``_Network``."""
        total = 0.0
        for place, stage in enumerate(self.stages):
            if isinstance(stage, nn.MaxPool2d):
                x = self.engine.pool(x, stage.kernel_size)
                continue
            out, weight = stage(x, self.engine), stage.synapse.weight
            edge = weight.shape[-1] if weight.ndim == 5 else 1
            products = weight[0].numel() * dense(out)[0, 0, 0].numel() / _outs(weight)
            if isinstance(x, Separable):  # once for all steps
                total += 2 * len(dense(x)[0].flatten(0, 1)) * products
            else:
                total += 2 * _rows(x) * _outs(weight) * edge**2
            if place:
                examples = len(dense(out).flatten(0, 2))
                total += examples * products * (_WINOGRAD if edge == 3 else 1)
            x = out
        return total


class _StudiedNetwork(nn.Module):
    """A network of a study, as it is."""

    def __init__(self, task: Studied, engine: Any) -> None:
        super().__init__()
        self.task, self.network = task, task.network(engine)

    def forward(self, x: Signal) -> Tensor:
        return self.network(x).outputs.flatten(0, 1)

    @torch.no_grad()
    def spike_density(self, x: Signal) -> list[float]:
        """See ``_Network``."""
        sent = self.network(x).spikes
        pairs = zip(sent, self.task.units(), strict=True)
        return [s.mean().item() / (units * self.task.steps) for s, units in pairs]


_WINOGRAD = 16 / 36
"""Multiplications of a 3x3 convolution's input gradient, see ``hnnlib.engines.cpu.winograd``."""


def _outs(weight: Tensor) -> int:
    """Units of a dense layer, or channels of a convolution."""
    return weight.shape[1] if weight.ndim == 5 else weight.shape[2]


def _rows(x: Signal) -> float:
    """Rows that events add; a unit that an input list has at most steps is added once, and taken
    away at the others.
    """
    if isinstance(x, Events):
        often = x.by_unit()
        return float(torch.minimum(often, x.shape[0] + 1 - often).sum())
    return float(count(x).sum())


def signal(task: Task, device: str = "cpu") -> Signal:
    """The task's input, shared by all members: spikes as events, a constant current once."""
    x = task.input().to(device)
    if isinstance(task, Quadratic):
        return x[None]
    if task.constant:
        return Duplicate(task.steps).encode(x[None])
    x = x[:, None]
    return Events.of(x) if x.count_nonzero() < _LISTED * x.numel() else x


def build(task: Task, engine: str = "auto", device: str = "cpu") -> nn.Module:
    """The network of a task; called with ``signal(task)`` it gives logits.

    Logits are (member * batch, classes): those of a single network have the peers' shape.
    """
    if isinstance(task, Studied):
        return _StudiedNetwork(task, engines.get(engine, device)).to(device)
    network = _RecurrentNetwork if isinstance(task, Recurrent) else _FeedForwardNetwork
    return network(task, engines.get(engine, device), device).to(device)


def engine_name(engine: str, device: str) -> str:
    """Name of the engine that is meant, such as the one that ``auto`` takes."""
    return engines.get(engine, device).name
