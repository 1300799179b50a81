"""SpikingJelly: multi-step mode, weights in ``SeqToANNContainer`` (time folded into the batch).

SpikingJelly 2 has no ``backend`` argument: multi-step neurons run its registered operator, on a CPU
with a hand-written backward pass, on a GPU as a fused kernel (its own CUDA, else Triton). The
recurrent layer steps through time in single-step mode: ``ElementWiseRecurrentContainer`` took 1.5
to 2 times as long (it indexes the drive at every step), ``LinearRecurrentContainer`` has 256 x 256
weights more. The readout is an ``LIFNode`` with an unreachable threshold and ``store_v_seq``;
``NonSpikingLIFNode`` took longer.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor, nn

from benchmarks import EPOCH, STUDIED, TASKS
from benchmarks.peers import has_weights
from benchmarks.studies import Quadratic, Studied
from benchmarks.tasks import Recurrent, Task
from hnnlib.engines import get

__all__ = ["DIFFERENCES", "KEEP_MEMORY", "PACKAGES", "build"]

PACKAGES = ("spikingjelly",)
KEEP_MEMORY = (*TASKS, EPOCH, *STUDIED)
DIFFERENCES = "spikes at V >= 1, not V > 1"


def _lif(decay: float, mode: str) -> neuron.LIFNode:
    return neuron.LIFNode(
        tau=1 / (1 - decay),
        decay_input=False,
        v_reset=0.0,
        surrogate_function=surrogate.SuperSpike(),
        detach_reset=False,
        step_mode=mode,
    )


def _leaky_integrator(decay: float) -> neuron.LIFNode:
    return neuron.LIFNode(
        tau=1 / (1 - decay),
        decay_input=True,
        v_threshold=1e9,
        v_reset=None,
        surrogate_function=surrogate.SuperSpike(),
        step_mode="m",
        store_v_seq=True,
    )


class _RecurrentNetwork(nn.Module):
    def __init__(self, task: Recurrent) -> None:
        super().__init__()
        self.task = task
        self.inward, self.around, self.outward = task.layers()
        self.hidden = _lif(task.decay, "s")
        self.readout = _leaky_integrator(task.readout_decay)

    def forward(self, x: Tensor) -> Tensor:
        functional.reset_net(self)
        spikes = x.new_zeros(x.shape[1], self.task.hidden)
        train = []
        for current in self.inward(x).unbind(0):
            spikes = self.hidden(current + self.around(spikes))
            train.append(spikes)
        self.readout(self.outward(torch.stack(train)))
        return self.readout.v_seq.amax(0)


class _FeedForwardNetwork(nn.Module):
    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.first, *layers = task.layers()
        stages: list[nn.Module] = [_lif(task.decay, "m")]
        for module in layers:
            stages.append(layer.SeqToANNContainer(module))
            if has_weights(module):
                stages.append(_lif(task.decay, "m"))
        self.rest = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        functional.reset_net(self)
        drive = self.first(x)
        if self.task.constant:
            drive = drive.expand(self.task.steps, *drive.shape)
        return self.rest(drive).sum(0)


class _QuadraticNetwork(nn.Module):
    """The stack of ``benchmarks.studies`` with ``QIFNode``, whose tau must be above 1: its input is
    doubled, and so is a0. Normalisation starts from twice the gain; the learning rate is the same.
    """

    def __init__(self, task: Quadratic) -> None:
        super().__init__()
        self.task = task
        ours = task.network(get("eager"))
        stages = []
        for place, convolution in enumerate(ours.convolutions):
            channels, depth = convolution.weight.shape[1:3]
            stride = 2 if place else 1
            weighed = nn.Conv2d(depth, channels, 3, stride, 1, bias=False)
            normalised = nn.BatchNorm2d(channels)
            with torch.no_grad():
                weighed.weight.copy_(convolution.weight[0])
                normalised.weight.copy_(2 * convolution.gain[0])
            stages.append(nn.Sequential(weighed, normalised))
        self.first, self.neuron = stages[0], self._neuron()
        rest = [(layer.SeqToANNContainer(stage), self._neuron()) for stage in stages[1:]]
        self.rest = nn.Sequential(*(module for pair in rest for module in pair))
        self.readout = nn.Linear(*ours.readout.weight.shape[1:])
        with torch.no_grad():
            self.readout.weight.copy_(ours.readout.weight[0].T)
            self.readout.bias.copy_(ours.readout.bias[0, 0])

    def _neuron(self) -> neuron.QIFNode:
        task = self.task
        return neuron.QIFNode(
            tau=2.0,
            v_c=task.critical,
            a0=2 * task.leak,
            v_rest=0.0,
            v_reset=0.0,
            surrogate_function=surrogate.Rect(alpha=1 / (2 * task.half_width)),
            detach_reset=False,
            step_mode="m",
        )

    def forward(self, x: Tensor) -> Tensor:
        functional.reset_net(self)
        drive = self.first((x - 0.5) / 0.5)
        spikes = self.rest(self.neuron(drive.expand(self.task.steps, *drive.shape)))
        return self.readout(spikes.mean(0).flatten(1))


def build(task: Task) -> nn.Module:
    """See ``benchmarks.ours.build``."""
    if isinstance(task, Quadratic):
        return _QuadraticNetwork(task)
    if isinstance(task, Studied):
        raise NotImplementedError("no layer or neuron of the library computes this network")
    return _RecurrentNetwork(task) if isinstance(task, Recurrent) else _FeedForwardNetwork(task)
