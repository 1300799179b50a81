"""Products with spike trains that repeat themselves: rate-coded pixels, which fire at nearly every
step or at nearly none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import repeat_kernels as kernels
from hnnlib.engines.cpu.forms import Form
from hnnlib.engines.cpu.threads import share

__all__ = ["Repeated", "find", "multiply"]

_WORTH = 0.6
"""Rows to add, as a share of the events, up to which this form takes less time than the events."""


class Repeated(NamedTuple):
    """A spike train as bases and flips, by time and by unit; see ``repeat_kernels.find``."""

    shape: tuple[int, ...]
    begins: np.ndarray
    units: np.ndarray
    owners: np.ndarray
    on: np.ndarray
    ends: np.ndarray
    flips: np.ndarray


def find(signal: Tensor) -> Repeated | None:
    """A signal (time, member, batch, *units) in this form, or None where it isn't made of zeros and
    ones, or where a list of events is as good.
    """
    steps, members, batch = signal.shape[:3]
    rows, width = members * batch, signal[0, 0, 0].numel()
    room = width * (steps // 2 + 1)
    found = Repeated(
        shape=tuple(signal.shape),
        begins=np.empty((rows, 2 * steps + 2), np.int32),
        units=np.empty((rows, room), np.int32),
        owners=np.empty((rows, width), np.int32),
        on=np.empty((rows, width), np.bool_),
        ends=np.empty((rows, width + 1), np.int32),
        flips=np.empty((rows, room), np.int32),
    )
    events = np.empty(rows, np.int64)
    flat = signal.reshape(steps, rows, width).numpy()
    share(kernels.find, rows, flat, *found[1:], events)
    if events.min() < 0 or found.begins[:, -1].sum() > _WORTH * events.sum():
        return None
    return found


def multiply(train: Repeated, weight: Tensor) -> Tensor:
    """Product (time, member, batch, unit) with weights (member, input, unit).

    The train has the weights' members, or one that stands for all of them.
    """
    return _Multiplied.apply(weight, train)


class _Multiplied(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight: Tensor, train: Repeated):
        ctx.save_for_backward(weight)
        ctx.train = train
        form = Form(train.shape[0], len(weight), train.shape[2], (weight.shape[2],))
        rows = weight.new_empty(form.rows, form.steps, form.width)
        share(
            kernels.multiply, form.rows, form.batch, train.shape[1] != form.members,
            train.begins, train.units, weight.contiguous().numpy(), rows.numpy(),
        )  # fmt: skip
        return form.from_rows(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        (weight,) = ctx.saved_tensors
        train: Repeated = ctx.train
        form = Form(*gradient.shape[:3], tuple(gradient.shape[3:]))
        adjoint = form.to_rows(gradient).numpy()
        to_weight = torch.zeros_like(weight, memory_format=torch.contiguous_format)
        shared = train.shape[1] != form.members
        for member in range(form.members):
            share(
                kernels.correlate, weight.shape[1], member, form.batch, shared,
                train.owners, train.on, train.ends, train.flips, adjoint, to_weight.numpy(),
            )  # fmt: skip
        return to_weight, None
