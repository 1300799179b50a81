"""The tasks in hnnlib, a population of one: the layers, neurons and engine that the studies use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.tasks import Recurrent, Task
from hnnlib import engines
from hnnlib.codings import duplicate
from hnnlib.networks.layers import Conv, Dense
from hnnlib.networks.spiking import SpikingLayer
from hnnlib.neurons import LIF
from hnnlib.signals import dense
from hnnlib.surrogates import SuperSpike

__all__ = ["DIFFERENCES", "PACKAGES", "build"]

PACKAGES: tuple[str, ...] = ()
DIFFERENCES = "none: the reference; gradients flow through the reset"


@dataclass(frozen=True)
class _LeakyReadout:
    """y[t] = k y[t-1] + (1 - k) drive[t]; never spikes."""

    decay: float

    def initial(self, like: Tensor) -> Tensor:
        return torch.zeros_like(like)

    def step(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        value = torch.lerp(drive, state, self.decay)
        return value, value


def _neuron(task: Task) -> LIF:
    return LIF(decay=task.decay, threshold=1.0, hard_reset=True, surrogate=SuperSpike(1.0))


def _synapse(module: nn.Linear | nn.Conv2d, shape: tuple[int, ...], place: int) -> Dense | Conv:
    """The population layer of one member that computes what ``module`` does."""
    role = f"layer{place}"
    if isinstance(module, nn.Linear):
        layer: Dense | Conv = Dense(shape, module.out_features, (0,), role)
        weight = module.weight.T
    else:
        layer = Conv(shape, module.out_channels, module.kernel_size[0], (0,), role)
        weight = module.weight
    with torch.no_grad():
        layer.weight.copy_(weight[None])
        if module.bias is None:
            layer.bias = None
        else:
            layer.bias.copy_(module.bias.view_as(layer.bias))
    return layer


class _Network(nn.Module):
    def layers_and_logits(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Spikes of every layer and the logits."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.layers_and_logits(x)[1]

    @torch.no_grad()
    def spike_density(self, x: Tensor) -> list[float]:
        """Share of (step, example, unit) that spike in each layer."""
        return [spikes.mean().item() for spikes in self.layers_and_logits(x)[0]]


class _RecurrentNetwork(_Network):
    def __init__(self, task: Recurrent, engine: Any) -> None:
        super().__init__()
        inward, around, outward = task.layers()
        self.inward = _synapse(inward, (task.inputs,), 0)
        self.around = nn.Parameter(around.weight.T[None].clone())
        self.outward = _synapse(outward, (task.hidden,), 1)
        self.neuron, self.readout, self.engine = (
            _neuron(task),
            _LeakyReadout(task.readout_decay),
            engine,
        )

    def layers_and_logits(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """See ``_Network``."""
        spikes, _ = self.engine.scan(self.neuron, self.inward.product(x[:, None]), self.around)
        values, _ = self.engine.scan(self.readout, self.outward.product(spikes))
        return [spikes], values.amax(0)[0]


class _FeedForwardNetwork(_Network):
    def __init__(self, task: Task, engine: Any) -> None:
        super().__init__()
        self.engine, self.steps, self.constant = engine, task.steps, task.constant
        shape = tuple(task.input().shape[1 if task.constant else 2 :])
        self.stages = nn.ModuleList()
        for module in task.layers():
            if isinstance(module, nn.Linear | nn.Conv2d):
                synapse = _synapse(module, shape, len(self.stages))
                module, shape = SpikingLayer(None, synapse, _neuron(task)), synapse.out_shape
            elif isinstance(module, nn.MaxPool2d):
                shape = (shape[0], shape[1] // module.kernel_size, shape[2] // module.kernel_size)
            else:
                continue  # a dense population layer flattens its input itself
            self.stages.append(module)

    def layers_and_logits(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """See ``_Network``."""
        signal = duplicate(x[None], self.steps) if self.constant else x[:, None]
        spikes = []
        for stage in self.stages:
            if isinstance(stage, nn.MaxPool2d):
                signal = self.engine.pool(signal, stage.kernel_size)
            else:
                signal = stage(signal, self.engine)
                spikes.append(signal)
        return spikes, dense(signal).sum(0)[0]


def build(task: Task, engine: str = "eager") -> nn.Module:
    """The network of a task; called with the task's input it gives logits (batch, classes)."""
    network = _RecurrentNetwork if isinstance(task, Recurrent) else _FeedForwardNetwork
    return network(task, engines.get(engine))
