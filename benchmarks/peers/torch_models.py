"""Plain PyTorch: the networks of ``benchmarks.studies`` as one would write them without a library.

Products that need no loop are folded over time; the loop over time is a ``for`` in Python, and a
spike a ``torch.autograd.Function``. ``torch.compile`` is not used.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.studies import STUDIED, Delays, Gated, Quadratic, Studied
from hnnlib.engines import get
from hnnlib.networks.delays import ALPHA

__all__ = ["DIFFERENCES", "KEEP_MEMORY", "PACKAGES", "build"]

PACKAGES: tuple[str, ...] = ()
KEEP_MEMORY = tuple(task.name for task in STUDIED)
DIFFERENCES = "no library: modules of PyTorch and a loop over time"


class _Window(torch.autograd.Function):
    """A spike above 0, or from it on, with a rectangle for a derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, half_width: float, peak: float, at: bool) -> Tensor:
        ctx.save_for_backward(x)
        ctx.shape = half_width, peak
        return (x >= 0 if at else x > 0).to(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (x,), (half_width, peak) = ctx.saved_tensors, ctx.shape
        inside = (x > -half_width) & (x <= half_width)
        return gradient * inside * peak, None, None, None


class _Lorentzian(torch.autograd.Function):
    """A spike from 0 on, with 1 / (1 + steepness x^2) for a derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, steepness: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.steepness = steepness
        return (x >= 0).to(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        return gradient / (1 + ctx.steepness * x * x), None


class _Plain(nn.Module):
    """Trained numbers of the first member of a network of ours, by their names there."""

    def __init__(self, task: Studied) -> None:
        super().__init__()
        ours = task.network(get("eager"))
        self.own = nn.ParameterDict(
            {name.replace(".", "_"): p.detach()[0].clone() for name, p in ours.named_parameters()}
        )

    def _normalised(self, x: Tensor, name: str, momentum: float) -> Tensor:
        """Over all steps and examples, as in training; running statistics are never read."""
        gain, offset = self.own[f"{name}_gain"], self.own[f"{name}_offset"]
        return functional.batch_norm(x, None, None, gain, offset, True, momentum)


class _DelayNetwork(_Plain):
    def forward(self, x: Tensor) -> Tensor:
        for place in range(2):
            name = f"hidden_{place}"
            drive = self._product(x, f"{name}_synapse")
            taps, decay = self.own[f"{name}_line_taps"], self._alpha(f"{name}_constants_decay")
            lines = functional.pad(drive.permute(1, 2, 0), (len(taps) - 1, 0))
            lag = functional.conv1d(lines, taps.T[:, None].flip(2), groups=taps.shape[1])
            x = self._spikes(lag.permute(2, 0, 1) + (1 - decay) * drive, decay)
        alpha, value, total = self._alpha("decay"), 0.0, 0.0
        for drive in self._product(x, "readout").unbind():
            value = alpha * value + (1 - alpha) * drive
            total = total + value.softmax(1)
        return total

    def _alpha(self, name: str) -> Tensor:
        return self.own[name].clamp(*ALPHA)

    def _product(self, x: Tensor, name: str) -> Tensor:
        drive = (x @ self.own[f"{name}_dense_weight"]).flatten(0, 1)
        return self._normalised(drive, name, 0.05).view(*x.shape[:2], -1)

    def _spikes(self, drive: Tensor, decay: Tensor) -> Tensor:
        potential, spikes = drive.new_zeros(drive.shape[1:]), []
        for current in drive.unbind():
            potential = decay * potential + current
            spikes.append(_Window.apply(potential - 1, 0.5, 1.0, False))
            potential = potential - spikes[-1]
        return torch.stack(spikes)


class _QuadraticNetwork(_Plain):
    def __init__(self, task: Quadratic) -> None:
        super().__init__(task)
        self.task = task

    def forward(self, x: Tensor) -> Tensor:
        task = self.task
        x = (x - 0.5) / 0.5
        for place in range(len(task.channels)):
            name, stride = f"convolutions_{place}", 2 if place else 1
            drive = functional.conv2d(x, self.own[f"{name}_weight"], None, stride, 1)
            drive = self._normalised(drive, name, 0.1)
            steps = [drive] * task.steps if place == 0 else drive.unflatten(0, (task.steps, -1))
            x = self._spikes(steps).flatten(0, 1)
        rates = x.unflatten(0, (task.steps, -1)).mean(0).flatten(1)
        return rates @ self.own["readout_weight"] + self.own["readout_bias"]

    def _spikes(self, drive: list[Tensor] | Tensor) -> Tensor:
        task = self.task
        slope, peak = 1 - task.leak * task.critical, 1 / (2 * task.half_width)
        potential, spikes = torch.zeros_like(drive[0]), []
        for current in drive:
            potential = (task.leak * potential + slope) * potential + current
            spikes.append(_Window.apply(potential - 1, task.half_width, peak, True))
            potential = potential * (1 - spikes[-1])
        return torch.stack(spikes)


class _GatedNetwork(_Plain):
    def __init__(self, task: Gated) -> None:
        super().__init__(task)
        self.task = task
        self.steepness = task.network(get("eager")).design.surrogate.steepness
        self.spiking = round(task.share * task.hidden)

    def forward(self, x: Tensor) -> Tensor:
        task, own = self.task, self.own
        images = x.view(-1, 1, task.edge, task.edge)
        given = functional.conv2d(images, own["input"], padding=1).unflatten(0, (task.steps, -1))
        bias_r, bias_i, bias_z = own["bias"][0].split(task.hidden)
        nothing = x.new_zeros(task.batch, task.hidden, task.edge, task.edge)
        current = potential = output = nothing
        outputs = []
        for drive in given.unbind():
            drive_r, drive_i = drive.split(task.hidden, 1)
            back = functional.conv2d(output, own["recurrent"], padding=1)
            back_r, back_i, back_z = back.split(task.hidden, 1)
            gate = torch.sigmoid(drive_r + back_r + bias_r)
            current = self._current(gate, current, drive_i + bias_i, back_i)
            inner = functional.conv2d(current, own["inner"], padding=1)
            update = torch.sigmoid(inner + back_z + bias_z)
            potential = update * potential + (1 - update) * current
            potential, output = self._sent(potential, output)
            outputs.append(output)
        read = torch.stack(outputs).flatten(2) @ own["readout"] + own["offset"]
        value, values = 0.0, []
        for step in read.unbind():
            value = own["leak"].clamp(0, 1) * value + step
            values.append(value)
        return torch.stack(values).amax(0)

    def _current(self, gate: Tensor, before: Tensor, given: Tensor, back: Tensor) -> Tensor:
        if self.spiking:
            return gate * before + given + back
        return torch.tanh(given + gate * back)

    def _sent(self, potential: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
        if not self.spiking:
            return potential, potential
        potential = potential - output
        return potential, _Lorentzian.apply(potential - 1, self.steepness)


_NETWORKS = {Delays: _DelayNetwork, Quadratic: _QuadraticNetwork, Gated: _GatedNetwork}


def build(task: Studied) -> nn.Module:
    """See ``benchmarks.ours.build``."""
    return _NETWORKS[type(task)](task)
