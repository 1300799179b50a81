"""Norse: cells of the LIF neuron without a synaptic current, in a ``SequentialState``.

The loop over time is outside, as in Norse's examples. The lifted form (``Lift(LIFBoxCell())``,
products folded over time) and ``LIFRecurrent``, which carries a synaptic current, took longer.
Norse scales a neuron's input by a = 1 - decay; the weights here start at 1/a times the others' and
learn at 1/a times their rate, which under Adam is the same network in other units.
"""

from __future__ import annotations

import norse.torch as norse
import torch
from norse.torch.functional.leaky_integrator_box import LIBoxParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from torch import Tensor, nn

from benchmarks import EPOCH, TASKS
from benchmarks.peers import has_weights, input_currents
from benchmarks.tasks import Recurrent, Task

__all__ = ["DIFFERENCES", "KEEP_MEMORY", "PACKAGES", "build", "learning_rates"]

PACKAGES = ("norse",)
KEEP_MEMORY = (*TASKS, EPOCH)
DIFFERENCES = "input scaled by 1 - decay, undone by the weights' initial scale and learning rate"

_DT = 0.001


def _rate(decay: float) -> Tensor:
    """Inverse time constant (1/s) at which an Euler step leaves ``decay`` of a potential."""
    return torch.tensor((1 - decay) / _DT)


def _lif(decay: float) -> norse.LIFBoxCell:
    # the method "super" is 1 / (1 + |x|)^2, whatever alpha says
    return norse.LIFBoxCell(LIFBoxParameters(tau_mem_inv=_rate(decay)), dt=_DT)


def _rescale(layers: list[nn.Module], decay: float) -> None:
    with torch.no_grad():
        for layer in layers:
            for parameter in layer.parameters():
                parameter /= 1 - decay


class _RecurrentNetwork(nn.Module):
    def __init__(self, task: Recurrent) -> None:
        super().__init__()
        self.task = task
        self.inward, self.around, self.outward = task.layers()
        _rescale([self.inward, self.around], task.decay)
        self.rescaled = [self.inward.weight, self.around.weight]
        self.hidden = _lif(task.decay)
        self.readout = norse.LIBoxCell(
            LIBoxParameters(tau_mem_inv=_rate(task.readout_decay)), dt=_DT
        )

    def forward(self, x: Tensor) -> Tensor:
        spikes = x.new_zeros(x.shape[1], self.task.hidden)
        potential = value = None
        values = []
        for current in input_currents(self.inward, x, self.task):
            spikes, potential = self.hidden(current + self.around(spikes), potential)
            output, value = self.readout(self.outward(spikes), value)
            values.append(output)
        return torch.stack(values).amax(0)


class _FeedForwardNetwork(nn.Module):
    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.first, *layers = task.layers()
        _rescale([self.first, *layers], task.decay)
        stages: list[nn.Module] = [_lif(task.decay)]
        for layer in layers:
            stages += [layer, _lif(task.decay)] if has_weights(layer) else [layer]
        self.rest = norse.SequentialState(*stages)
        self.rescaled = list(self.parameters())

    def forward(self, x: Tensor) -> Tensor:
        state, counts = None, []
        for current in input_currents(self.first, x, self.task):
            spikes, state = self.rest(current, state)
            counts.append(spikes)
        return torch.stack(counts).sum(0)


def build(task: Task) -> nn.Module:
    """See ``benchmarks.ours.build``."""
    return _RecurrentNetwork(task) if isinstance(task, Recurrent) else _FeedForwardNetwork(task)


def learning_rates(model: nn.Module, task: Task) -> list[dict]:
    """Parameter groups for the optimiser; see the module's text."""
    rescaled = {id(parameter) for parameter in model.rescaled}
    others = [parameter for parameter in model.parameters() if id(parameter) not in rescaled]
    groups = [{"params": model.rescaled, "lr": task.learning_rate / (1 - task.decay)}]
    return groups + ([{"params": others, "lr": task.learning_rate}] if others else [])
