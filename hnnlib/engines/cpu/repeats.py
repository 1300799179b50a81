"""Products with spike trains that repeat themselves: rate-coded pixels, which fire at nearly every
step or at nearly none.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import products
from hnnlib.engines.cpu import repeat_kernels as kernels
from hnnlib.engines.cpu.layout import Layout
from hnnlib.engines.cpu.threads import in_threads
from hnnlib.signals import Events

__all__ = ["Repeated", "find", "multiply", "sample", "worth"]

_WORTH = 0.6
"""Rows to add, as a share of the events, up to which this form takes less time than the events."""
_SAMPLE = 4
"""Examples by which the share is estimated."""


class Repeated(NamedTuple):
    """A spike train as bases and flips, by time and by unit; see ``repeat_kernels.find``."""

    shape: tuple[int, ...]
    begins: np.ndarray
    units: np.ndarray
    owners: np.ndarray
    on: np.ndarray
    ends: np.ndarray
    flips: np.ndarray


def find(events: Events) -> Repeated | None:
    """Events in this form, or None where they are as good as they are, or where a unit stands twice
    at a step.
    """
    steps, width = events.shape[0], math.prod(events.shape[3:])
    if not worth(events):
        return None
    starts = events.starts.numpy()
    rows, room = len(starts), int((starts[:, -1] - starts[:, 0]).max())
    good = np.empty(rows, np.bool_)
    found = Repeated(
        shape=events.shape,
        begins=np.empty((rows, 2 * steps + 2), np.int32),
        units=np.empty((rows, room), np.int32),
        owners=np.empty((rows, width), np.int32),
        on=np.empty((rows, width), np.bool_),
        ends=np.empty((rows, width + 1), np.int32),
        flips=np.empty((rows, room), np.int32),
    )
    in_threads(kernels.find, rows, width, events.units.numpy(), starts, *found[1:], good)
    return found if good.all() else None


def worth(events: Events) -> bool:
    """Whether a sample of the examples has few bases and flips for its events."""
    starts, width = events.starts.numpy(), math.prod(events.shape[3:])
    few, total = kernels.rows_to_add(_sampled(len(starts)), width, events.units.numpy(), starts)
    return few <= _WORTH * total > 0


def sample(signal: Tensor) -> Tensor:
    """The same examples of a signal (time, member, batch, *units), as if they were one member's."""
    members, batch = signal.shape[1:3]
    rows = torch.from_numpy(_sampled(members * batch))
    return signal[:, rows // batch, rows % batch][:, None]


@lru_cache(maxsize=64)
def _sampled(rows: int) -> np.ndarray:
    return np.linspace(0, rows - 1, min(_SAMPLE, rows)).astype(np.int64)


def multiply(train: Repeated, weight: Tensor) -> Tensor:
    """Product (time, member, batch, unit) with weights (member, input, unit).

    The train has the weights' members, or one that stands for all of them.
    """
    return _Multiplied.apply(weight, train)


class _Multiplied(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, train: Repeated) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.train = train
        layout = Layout(train.shape[0], len(weight), train.shape[2], (weight.shape[2],))
        rows = weight.new_empty(layout.rows, layout.steps, layout.width)
        in_threads(
            kernels.multiply,
            layout.rows,
            layout.batch,
            train.shape[1] != layout.members,
            train.begins,
            train.units,
            products.weight_rows(weight),
            rows.numpy(),
        )
        return layout.from_rows(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        train: Repeated = ctx.train
        layout = Layout.of(gradient.shape)
        adjoint = layout.to_rows(gradient).numpy()
        to_weight = torch.zeros_like(weight, memory_format=torch.contiguous_format)
        in_threads(
            kernels.correlate,
            weight.shape[1],
            layout.batch,
            train.shape[1] != layout.members,
            train.owners,
            train.on,
            train.ends,
            train.flips,
            adjoint,
            to_weight.numpy(),
        )
        return to_weight, None
