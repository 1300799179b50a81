"""Spiking layers that read each other as one function of autograd: a training step of small
networks.

Layer by layer, a step of a small network is mostly Python: memory is asked for, arrays are looked
at, autograd is told. Here the memory of all layers is kept for later steps, and little is done
between two kernels. Numbers are those of single layers, to the bit. A small step stays on one
thread: others would wait for longer than they could help.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import event_kernels, kernels, layers
from hnnlib.engines.cpu.compiled import Compiled
from hnnlib.engines.cpu.layout import Layout, Output, Table, once
from hnnlib.engines.cpu.products import rows_to_input, to_weight, weight_rows
from hnnlib.signals import Spikes

__all__ = ["Drive", "Link", "run"]

_MOST = 4 << 20
"""Bytes of the potentials of all layers up to which a step is small."""
_KEPT = 4
"""Shapes of networks whose memory is kept."""


class Drive(NamedTuple):
    """What neurons read, see ``layers.scan``; nothing else reads ``current``."""

    current: Tensor
    shift: Tensor | None
    envelope: Tensor | None
    layout: Layout
    filtering: layers.Filtering | None = None

    def run(self, neuron: Compiled, recurrent: Tensor | None = None) -> Spikes:
        """A layer of neurons."""
        return layers.scan(*self[:3], neuron, *self[3:], recurrent, spare=True)


class Link(NamedTuple):
    """A layer: its neurons, and the weights (member, input, unit), bias (member, 1, unit) and
    filter of the product that they read.
    """

    neuron: Compiled
    weight: Tensor
    bias: Tensor | None
    filtering: layers.Filtering | None


class _Room:
    """Memory of one layer."""

    def __init__(self, layout: Layout, dtype: torch.dtype, traces: bool) -> None:
        self.output = Output(layout, dtype, keep=True, traces=traces)
        self.arrays = self.output.arrays()
        self.starts = self.arrays[3]
        self.gradient = torch.empty(layout.rows, layout.steps, layout.width, dtype=dtype)
        self.to_bias = torch.empty(layout.members, layout.batch, layout.width, dtype=dtype)
        self.adjoint = self.arrays[0].reshape(self.gradient.shape)
        self.nothing = self.arrays[0][0, :0]
        self.no_loops = np.empty((0, 1, 1), self.nothing.dtype)
        self.no_constants = np.empty((1, 0, 0), self.nothing.dtype)


_rooms: dict[tuple[Any, ...], list[list[_Room]]] = {}
"""Memory that no pass uses, by shapes."""


class _Pass:
    """A forward pass, and what its backward pass needs."""

    def __init__(self, links: Sequence[Link], drive: Drive, layouts: Sequence[Layout]) -> None:
        self.links, self.layouts, self.done = links, layouts, 0
        dtype, traces = drive.current.dtype, [link.neuron.row.keeps_trace for link in links]
        self.key = (*layouts, *traces, dtype)
        free = _rooms.get(self.key)
        self.rooms: list[_Room] | None = (
            free.pop()
            if free
            else [_Room(layout, dtype, t) for layout, t in zip(layouts, traces, strict=True)]
        )
        self.constants = [
            link.neuron.constants(layout).numpy()
            for link, layout in zip(links, layouts, strict=True)
        ]
        filters = [drive.filtering, *(link.filtering for link in links[1:])]
        self.filters = [self.rooms[0].output.coefficients(f) for f in filters]
        self.course = self.rooms[0].nothing
        if drive.envelope is not None:
            self.course = drive.envelope.contiguous().numpy()

    def scan(self, current: Tensor, shift: Tensor | None) -> None:
        """The first layer."""
        room = self.rooms[0]
        known = self.layouts[0].to_rows(current[None] if len(self.course) else current).numpy()
        others = self.filters[0], room.no_loops
        self._list(kernels.scanned, (known, self.course), shift, others, (True,))

    def gather(self) -> None:
        """The next layer."""
        units, starts = self.rooms[self.done - 1].arrays[2:]
        link, known = self.links[self.done], (False, units, starts)
        others = self.rooms[0].no_loops, self.filters[self.done]
        self._list(kernels.gathered, (*known, weight_rows(link.weight)), link.bias, others)

    def _list(
        self,
        kernel: Callable[..., None],
        known: tuple[Any, ...],
        bias: Tensor | None,
        others: tuple[np.ndarray, ...],
        listed: tuple[bool, ...] = (),
    ) -> None:
        place = self.done
        layout, room, neuron = self.layouts[place], self.rooms[place], self.links[place].neuron
        if bias is None:
            bias = torch.zeros(layout.members, 1, layout.width, dtype=room.gradient.dtype)
        kernel(
            0,
            layout.rows,
            layout.batch,
            *known,
            layout.of_members(bias).numpy(),
            *others,
            neuron.place,
            self.constants[place],
            layout.names(),
            True,
            room.output.lines,
            *listed,
            *room.arrays,
        )
        self.done += 1

    def sparse(self, share: float) -> bool:
        """Whether fewer of the last layer's units fired; rows follow each other without room."""
        room = self.rooms[self.done - 1]
        return int(room.starts[-1, -1]) < share * room.adjoint.size

    def spikes(self, place: int) -> Tensor:
        """Of each example, (member, batch)."""
        starts = self.rooms[place].starts
        sums = (starts[:, -1] - starts[:, 0]).astype(np.float32)
        return torch.from_numpy(sums).view(self.layouts[place].shape[1:3])

    def back(self, gradient: Tensor, needs: Sequence[bool]) -> list[Tensor | None]:
        """Gradients of current, shift, and each later layer's weight and bias.

        Args:
            gradient: of the last layer's spikes.
            needs: which of these are wanted.
        """
        rooms, self.rooms = once(self.rooms), None
        found: list[Tensor | None] = []
        rows = self.layouts[self.done - 1].to_rows(gradient)
        for place in range(self.done - 1, -1, -1):
            layout, room, link = self.layouts[place], rooms[place], self.links[place]
            held = place == 0 and len(self.course) > 0
            to_values = torch.zeros(layout.rows, layout.width, dtype=rows.dtype) if held else None
            room.to_bias.zero_()
            kernels.reverse(
                0,
                layout.rows,
                layout.batch,
                rows.numpy(),
                link.neuron.place,
                self.constants[place],
                *link.neuron.surrogate,
                self.filters[place],
                self.course if held else room.nothing,
                room.adjoint,
                room.arrays[1],
                room.to_bias.view(layout.rows, layout.width).numpy(),
                room.nothing[None] if to_values is None else to_values.numpy(),
                room.no_constants,
            )
            to_bias = room.to_bias.sum(1, True) if needs[2 * place + 1] else None
            if place:
                before = rooms[place - 1]
                table = Table(room.arrays[0], room.output.lines)
                rows = rows_to_input(table, link.weight, layout, before.gradient)
                learns, events = needs[2 * place], before.output.events()
                known = to_weight(events, table, link.weight, layout) if learns else None
            elif held:
                known = to_values.view(layout.shape[1:])
            else:  # autograd goes on with it, so that the next step may not write over it
                known = layout.from_rows(torch.from_numpy(room.adjoint.copy()))
            found[:0] = known, to_bias
        _rooms.setdefault(self.key, []).append(rooms)
        while len(_rooms) > _KEPT:
            del _rooms[next(iter(_rooms))]
        return found


class _Passed(torch.autograd.Function):
    """Spikes of the last layer, as their carrier, or their counts."""

    @staticmethod
    def forward(ctx: Any, run: _Pass, counted: bool, *tensors: Tensor | None) -> Tensor:
        ctx.run, ctx.counted = run, counted
        ctx.save_for_backward(*tensors[2:])
        room, layout = run.rooms[run.done - 1], run.layouts[run.done - 1]
        if not counted:
            return room.output.carrier()
        counts = torch.empty(layout.rows, layout.width, dtype=room.gradient.dtype)
        event_kernels.counted(0, layout.rows, *room.arrays[2:], counts.numpy())
        return counts.view(layout.shape[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        run: _Pass = ctx.run
        _ = ctx.saved_tensors  # weights that changed since are refused
        if ctx.counted:
            gradient = gradient.expand(run.layouts[run.done - 1].shape)
        return None, None, *run.back(gradient, ctx.needs_input_grad[2:])


def run(
    links: Sequence[Link], drive: Drive, share: float
) -> tuple[Tensor | Spikes, list[Tensor]] | None:
    """Layers as far as each reads few spikes; None where the step is not small.

    Args:
        links: the first layer's weight, bias and filter don't matter.
        drive: of the first layer.
        share: of units that fire from which a layer is left to others.

    Returns:
        Counts of the last layer's units, (member, batch, unit), or its spikes where more layers are
        left; and the spikes of each layer that was run, (member, batch).
    """
    first = drive.layout
    widths = [first.width, *(link.weight.shape[2] for link in links[1:])]
    if first.rows * first.steps * sum(widths) * drive.current.itemsize > _MOST:
        return None
    layouts = [first, *(Layout(*first.shape[:3], (width,)) for width in widths[1:])]
    tensors = [t for link in links[1:] for t in (link.weight, link.bias)]
    with torch.no_grad():
        done = _Pass(links, drive, layouts)
        done.scan(drive.current, drive.shift)
        while done.done < len(links) and done.sparse(share):
            done.gather()
    whole = done.done == len(links)
    some = tensors[: 2 * (done.done - 1)]
    answer = _Passed.apply(done, whole, drive.current, drive.shift, *some)
    each = [done.spikes(place) for place in range(done.done)]
    if whole:
        return answer, each
    return Spikes(answer, done.rooms[done.done - 1].output.events()), each
