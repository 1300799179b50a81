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

from benchmarks import EPOCH, TASKS
from benchmarks.peers import has_weights
from benchmarks.tasks import Recurrent, Task

__all__ = ["DIFFERENCES", "KEEP_MEMORY", "PACKAGES", "build"]

PACKAGES = ("spikingjelly",)
KEEP_MEMORY = (*TASKS, EPOCH)
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


def build(task: Task) -> nn.Module:
    """See ``benchmarks.ours.build``."""
    return _RecurrentNetwork(task) if isinstance(task, Recurrent) else _FeedForwardNetwork(task)
