"""Products of weights with events, and their gradients; signals to events and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakIdKeyDictionary

from hnnlib.engines.cpu import event_kernels, product_kernels
from hnnlib.engines.cpu.layout import Layout, Table
from hnnlib.engines.cpu.threads import in_threads
from hnnlib.engines.cpu.tiles import panels
from hnnlib.signals import Events, Spikes

__all__ = [
    "by_unit",
    "counted",
    "listed",
    "product",
    "rows_to_input",
    "to_input",
    "to_weight",
    "weight_rows",
    "write",
]

_THIN = 32
"""Inner axes shorter than this are multiplied by a kernel, not by the matrix library."""
_ALIGNED = 32
"""Bytes; rows that begin at multiples of it are read a sixth faster than others."""
_SEVERAL = 3
"""Events of a unit in one example from which it pays to order events by unit, in layers whose
gradient doesn't stay in a near cache; ordered or not, each sum has the same order."""
_NEAR = 1 << 16
"""Bytes of a member's gradient that stay there: in smaller layers, adding takes half the time of
ordering and adding."""


def product(events: Events, carrier: Tensor | None, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Weights times events, plus bias: (time, member, batch, unit).

    Args:
        events, carrier, weight, bias: as in ``hnnlib.engines.cpu.layers.gather``.
    """
    if bias is None:
        bias = weight.new_zeros(len(weight), 1, weight.shape[2])
    return _Product.apply(carrier, weight, bias[:, 0], events)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, carrier: Tensor | None, weight: Tensor, bias: Tensor, events: Events
    ) -> Tensor:
        steps, members, batch = events.shape[0], len(weight), events.shape[2]
        layout = Layout(steps, members, batch, (weight.shape[2],))
        out = weight.new_empty(layout.shape)
        table = layout.to_table(out)
        in_threads(
            product_kernels.summed,
            layout.rows,
            batch,
            events.shape[1] != members,
            events.units.numpy(),
            events.starts.numpy(),
            weight_rows(weight),
            bias.contiguous().numpy(),
            table.lines,
            table.numbers,
        )
        ctx.save_for_backward(weight)
        ctx.rest = events, layout
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (weight,), (events, layout), needs = ctx.saved_tensors, ctx.rest, ctx.needs_input_grad
        table = layout.to_table(gradient)
        return (
            to_input(table, weight, layout, events.shape) if needs[0] else None,
            to_weight(events, table, weight, layout) if needs[1] else None,
            gradient.sum((0, 2)) if needs[2] else None,
            None,
        )


def weight_rows(weight: Tensor) -> np.ndarray:
    """Weights (member, input, unit) for kernels that add rows of them, which may have room behind
    each row.
    """
    members, inputs, units = weight.shape
    room = -units % (_ALIGNED // weight.itemsize)
    if not room:
        return weight.contiguous().numpy()
    rows = weight.new_empty(members, inputs, units + room).numpy()
    rows[:, :, :units] = weight.numpy()
    rows[:, :, units:] = 0
    return rows


def to_weight(
    events: Events, adjoint: Table, weight: Tensor, layout: Layout, delay: int = 0
) -> Tensor:
    """Gradient of weights (member, input, unit) that read events.

    Args:
        adjoint: of the product, whose axes are ``layout``.
        delay: steps from an event to its effect.
    """
    units, starts = events.units.numpy(), events.starts.numpy()
    inputs = weight.shape[1]
    gradient = torch.zeros_like(weight, memory_format=torch.contiguous_format)
    near = gradient.nbytes <= _NEAR * len(gradient)
    if not near and events.total > _SEVERAL * len(starts) * inputs:
        kernel, order = product_kernels.outer, (*by_unit(events, inputs), layout.steps)
    else:
        kernel, order = product_kernels.scattered, (units, starts)
    in_threads(
        kernel,
        inputs,
        layout.batch,
        events.shape[1] != layout.members,
        *order,
        delay,
        adjoint.numbers,
        adjoint.lines,
        gradient.numpy(),
    )
    return gradient


_orders: WeakIdKeyDictionary = WeakIdKeyDictionary()
"""Recordings of loaders ordered by unit: ordering them at each step takes as long as the product of
a batch, and they never change. They take the memory of their events again."""


def by_unit(events: Events, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Events ordered by unit, of which there are ``width``; see ``event_kernels.by_unit``."""
    if events.source is not None:
        recordings, rows = events.source
        if recordings not in _orders:
            _orders[recordings] = by_unit(recordings, width)
        when, where = _orders[recordings]
        return when, where[rows.numpy()]
    units, starts = events.units.numpy(), events.starts.numpy()
    # not as long as ``units``, which a loader may share between all batches of a data set
    ends = np.cumsum(starts[:, -1] - starts[:, 0])
    when, where = np.empty(ends[-1], np.int32), np.empty((len(starts), width + 1), np.int64)
    begins = ends - (starts[:, -1] - starts[:, 0])
    in_threads(event_kernels.by_unit, len(starts), units, starts, begins, when, where)
    return when, where


def to_input(adjoint: Table, weight: Tensor, layout: Layout, shape: tuple[int, ...]) -> Tensor:
    """Gradient of a product's input, (time, member, batch, *units), which is ``shape``.

    Args:
        adjoint: of the product, whose axes are ``layout``.
    """
    source = Layout(*layout.shape[:3], (weight.shape[1],))
    if layout.width < _THIN or adjoint.lines == layout.lines(stepwise=False):
        result = weight.new_empty(layout.rows * layout.steps, weight.shape[1])
        rows_to_input(adjoint, weight, layout, result)
        back = source.from_table(Table(result.numpy(), adjoint.lines))
    else:
        back = torch.matmul(layout.from_table(adjoint), weight.transpose(1, 2))
    return back.unflatten(-1, shape[3:])


def rows_to_input(adjoint: Table, weight: Tensor, layout: Layout, result: Tensor) -> Tensor:
    """The same into ``result`` (line, unit), or any shape of as many numbers: of few units, or in
    order of rows.
    """
    transposed = weight.detach().transpose(1, 2)
    if layout.width < _THIN:
        in_threads(
            product_kernels.thin_product,
            layout.rows,
            layout.batch,
            layout.steps,
            adjoint.numbers,
            adjoint.lines,
            panels(transposed.numpy()),
            result.view(-1, weight.shape[1]).numpy(),
        )
    else:
        folded = torch.from_numpy(adjoint.numbers).view(layout.members, -1, layout.width)
        torch.bmm(folded, transposed, out=result.view(*folded.shape[:2], -1))
    return result


def listed(signal: Tensor) -> Events | None:
    """Events of a signal (time, member, batch, *units), or None unless it is made of zeros and
    ones.
    """
    steps, members, batch = signal.shape[:3]
    rows, width = members * batch, signal[0, 0, 0].numel()
    units = torch.empty(signal.numel(), dtype=torch.int32)
    starts = torch.empty((rows, steps + 1), dtype=torch.int64)
    good = np.empty(rows, np.bool_)
    in_threads(
        event_kernels.list_ones,
        rows,
        signal.reshape(steps, rows, width).numpy(),
        units.numpy(),
        starts.numpy(),
        good,
    )
    return Events(units, starts, tuple(signal.shape)) if good.all() else None


def counted(spikes: Spikes) -> Tensor:
    """Spikes of each unit, (member, batch, *units)."""
    return _Counted.apply(spikes.carrier, spikes.events)


class _Counted(torch.autograd.Function):
    """A spike at any step counts one, so that the gradient is the same at all."""

    @staticmethod
    def forward(ctx: Any, carrier: Tensor, events: Events) -> Tensor:
        ctx.shape = shape = events.shape
        out = carrier.new_empty(shape[1:])
        numbers = out.view(len(events.starts), -1).numpy()
        in_threads(
            event_kernels.counted,
            len(numbers),
            events.units.numpy(),
            events.starts.numpy(),
            numbers,
        )
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return gradient.expand(ctx.shape), None


def write(signal: Events | Spikes, dtype: torch.dtype) -> Tensor:
    """Events as a tensor (time, member, batch, *units)."""
    events = signal.events if isinstance(signal, Spikes) else signal
    carrier = signal.carrier if isinstance(signal, Spikes) else torch.zeros(1, dtype=dtype)
    return _Written.apply(carrier, events, dtype)


class _Written(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, carrier: Tensor, events: Events, dtype: torch.dtype) -> Tensor:
        layout = Layout.of(events.shape)
        rows = torch.empty(layout.rows, layout.steps, layout.width, dtype=dtype)
        in_threads(
            event_kernels.write_out,
            layout.rows,
            layout.places(),
            events.units.numpy(),
            events.starts.numpy(),
            rows.numpy(),
        )
        return layout.from_rows(rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return gradient, None, None
