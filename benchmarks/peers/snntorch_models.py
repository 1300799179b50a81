"""snnTorch: its documented loop over time steps.

The recurrent layer is ``Leaky`` with an ``nn.Linear`` around it. ``RLeaky`` took longer, with its
default soft reset; with the hard reset it multiplies by the recurrent weights twice a step, and it
clears the new drive too. ``LeakyParallel`` and its like have no reset, so they are other neurons.
"""

from __future__ import annotations

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

from benchmarks.peers import has_weights, input_currents
from benchmarks.tasks import Recurrent, Task

__all__ = ["DIFFERENCES", "KEEP_MEMORY", "PACKAGES", "build"]

PACKAGES = ("snntorch",)
KEEP_MEMORY = ("mlp", "cnn")  # slower with it: recurrent
DIFFERENCES = "no gradient through the reset (always detached), so less work in the backward pass"


def _leaky(decay: float, reset: str = "zero") -> snntorch.Leaky:
    # a slope of 1 makes the fast sigmoid 1 / (1 + |x|)^2
    return snntorch.Leaky(
        beta=decay, spike_grad=surrogate.fast_sigmoid(slope=1), reset_mechanism=reset
    )


class _RecurrentNetwork(nn.Module):
    def __init__(self, task: Recurrent) -> None:
        super().__init__()
        self.task = task
        self.inward, self.around, self.outward = task.layers()
        self.hidden = _leaky(task.decay)
        self.readout = _leaky(task.readout_decay, reset="none")

    def forward(self, x: Tensor) -> Tensor:
        potential, value = self.hidden.reset_mem(), self.readout.reset_mem()
        spikes = x.new_zeros(x.shape[1], self.task.hidden)
        values = []
        for current in input_currents(self.inward, x, self.task):
            spikes, potential = self.hidden(current + self.around(spikes), potential)
            _, value = self.readout(self.outward(spikes), value)
            values.append(value)
        # Leaky doesn't scale its input by 1 - k; the readout is linear: scale the logits instead
        return torch.stack(values).amax(0) * (1 - self.task.readout_decay)


class _FeedForwardNetwork(nn.Module):
    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.layers = nn.ModuleList(task.layers())
        self.neurons = nn.ModuleList(
            _leaky(task.decay) for layer in self.layers if has_weights(layer)
        )

    def forward(self, x: Tensor) -> Tensor:
        potentials = [neuron.reset_mem() for neuron in self.neurons]
        counts = []
        for current in input_currents(self.layers[0], x, self.task):
            spikes, potentials[0] = self.neurons[0](current, potentials[0])
            counts.append(self._rest(spikes, potentials))
        return torch.stack(counts).sum(0)

    def _rest(self, spikes: Tensor, potentials: list[Tensor]) -> Tensor:
        place = 1
        for layer in self.layers[1:]:
            spikes = layer(spikes)
            if has_weights(layer):
                spikes, potentials[place] = self.neurons[place](spikes, potentials[place])
                place += 1
        return spikes


def build(task: Task) -> nn.Module:
    """See ``benchmarks.ours.build``."""
    return _RecurrentNetwork(task) if isinstance(task, Recurrent) else _FeedForwardNetwork(task)
