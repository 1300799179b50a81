"""Training on traces of a membrane: examples, the random start of a window, relative errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hnnlib.networks.base import Activity
from hnnlib.randomness import MemberNoise
from hnnlib.signals import Signal
from hnnlib.training.examples import Parts
from hnnlib.training.tasks import Objective, Regression

__all__ = [
    "RandomStart",
    "RelativeLoss",
    "SagLoss",
    "Traces",
    "relative_error",
    "spikes_of",
    "window",
]

THRESHOLD = -0.02  # V, upwards through which a trace has a spike
_TEMPERATURE = 50.0  # of the soft minimum, per mV (public code)
_STEADY = 0.1  # last share of the pulse whose mean is the steady state


class Traces:
    """Traces that all members share. Labels are whole traces, with room before and behind the
    window that an operator predicts.

    Args:
        numbers: (n, number), see ``hnnlib.networks.embedding.Embedding``; onsets are those in the
            window.
        voltage: (n, step) in V.
        device: where batches are wanted.
    """

    def __init__(self, numbers: np.ndarray, voltage: np.ndarray, device: torch.device) -> None:
        self._numbers = torch.from_numpy(numbers.astype(np.float32)).to(device)
        self._voltage = torch.from_numpy(voltage.astype(np.float32)).to(device)

    def inputs(self, rows: Tensor) -> Tensor:
        """Numbers (member, batch, number)."""
        return self._numbers[rows]

    def labels(self, rows: Tensor) -> Tensor:
        """Voltages (member, batch, step) in V."""
        return self._voltage[rows]


def window(voltage: Tensor, steps: int) -> Tensor:
    """The steps in the middle of longer traces (..., step): the window where nothing is shifted."""
    first = (voltage.shape[-1] - steps) // 2
    return voltage[..., first : first + steps]


@dataclass(frozen=True)
class RandomStart:
    """The window of each trace starts anywhere in it: the pulse comes earlier or later.

    Attributes:
        steps: of the window.
        dt: ms.
    """

    steps: int
    dt: float

    def __call__(self, inputs: Signal, labels: Tensor, noise: MemberNoise) -> tuple[Signal, Tensor]:
        """See ``Augmentation``."""
        room = labels.shape[-1] - self.steps
        drawn = noise.uniform(1, labels.new_empty(labels.shape[:2]))[0]
        start = (drawn * (room + 1)).floor().clamp(max=room)
        places = start.long()[..., None] + torch.arange(self.steps, device=labels.device)
        moved = inputs.clone()
        moved[..., 0] -= self.dt * (start - room // 2)
        return moved, labels.gather(2, places)


def relative_error(
    predicted: Tensor, truth: Tensor, p: float = 2, rest: Tensor | float = 0.0
) -> Tensor:
    """||V - V^||_p / ||V - rest||_p over the last axis; on raw voltages the resting offset is most
    of the denominator.
    """
    return (predicted - truth).norm(p, -1) / (truth - rest).norm(p, -1)


@dataclass(frozen=True, eq=False)
class RelativeLoss:
    """Mean relative L^p error of a batch.

    Attributes:
        p: the norm.
    """

    p: float = 4

    def __call__(self, activity: Activity, labels: Tensor) -> Tensor:
        """Mean loss (member,) of a batch of voltages (member, batch, step)."""
        truth = window(labels, activity.outputs.shape[-1])
        return relative_error(activity.outputs, truth, self.p).mean(1)


@dataclass(frozen=True, eq=False)
class SagLoss:
    """L_data + weight L_sag: the sag is the mean of the last tenth of the pulse minus its soft
    minimum, L_sag its relative L2 error over the batch (paper, 4.6).

    Attributes:
        data: L_data.
        weight: lambda.
        first, last: steps of the pulse in the window.
    """

    data: Objective
    weight: float
    first: int
    last: int

    def __call__(self, activity: Activity, labels: Tensor) -> Tensor:
        """Mean loss (member,) of a batch of voltages (member, batch, step)."""
        truth = window(labels, activity.outputs.shape[-1])
        found = relative_error(self.sag(activity.outputs), self.sag(truth))
        return self.data(activity, labels) + self.weight * found

    def sag(self, voltage: Tensor) -> Tensor:
        """Sag in mV of traces (..., step) in V."""
        pulse = 1e3 * voltage[..., self.first : self.last]
        steady = pulse[..., -max(1, round(_STEADY * pulse.shape[-1])) :].mean(-1)
        weights = (-_TEMPERATURE * pulse).softmax(-1)
        return steady - (weights * pulse).sum(-1)


def spikes_of(voltage: Tensor) -> Tensor:
    """Spikes (...) of traces (..., step) in V: upward crossings of -20 mV."""
    above = voltage > THRESHOLD
    return (above[..., 1:] & ~above[..., :-1]).sum(-1)


def _exact(activity: Activity, labels: Tensor) -> Tensor:
    """Whether each trace has as many spikes as the true one, (member, batch)."""
    truth = window(labels, activity.outputs.shape[-1])
    return spikes_of(activity.outputs) == spikes_of(truth)


@dataclass(frozen=True, eq=False)
class CountedSpikes(Regression):
    """A regression of traces: validation chooses by the loss, told is the share of traces with the
    true number of spikes.
    """

    metric: Callable[[Activity, Tensor], Tensor] = _exact

    metric_name: ClassVar[str] = "share of exact spike counts"


def without_spikes(traces: Traces, parts: Parts) -> Parts:
    """The rows of each part whose traces have no spike, as many for every member."""

    def silent(rows: Tensor) -> Tensor:
        still = [some[spikes_of(traces.labels(some)) == 0] for some in rows]
        return torch.stack([some[: min(map(len, still))] for some in still])

    return Parts(*map(silent, parts))
