"""Spiking layers that read each other in one go: a training step of small networks.

Layer by layer, a step of a small network is mostly Python: memory is asked for, arrays are looked
at, autograd is told. Here the memory of all layers is kept for later steps, with what kernels are
told every time, and little is done between two kernels. ``under_autograd`` makes one function of
all layers; ``learn`` goes back at once and tells autograd nothing of them. Numbers are those of
single layers, to the bit. A small step stays on one thread: others would wait for longer than they
could help.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.base import Loss
from hnnlib.engines.cpu import event_kernels, kernels, layers
from hnnlib.engines.cpu.compiled import Compiled
from hnnlib.engines.cpu.layout import Layout, Output, Table, once
from hnnlib.engines.cpu.products import rows_to_input, to_weight, weight_rows
from hnnlib.signals import Events, Spikes

__all__ = ["Drive", "Heard", "Link", "Pass", "run"]

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

    @property
    def trained(self) -> tuple[Tensor, Tensor | None]:
        """What gradients go to."""
        return self.current, self.shift


class Heard(NamedTuple):
    """The same of neurons that read events, see ``layers.gather``."""

    events: Events
    carrier: Tensor | None
    weight: Tensor
    shift: Tensor | None
    layout: Layout
    filtering: layers.Filtering | None = None

    def run(self, neuron: Compiled, recurrent: Tensor | None = None) -> Spikes | Tensor:
        """A layer of neurons."""
        return layers.gather(*self[:4], recurrent, neuron, self.filtering)

    @property
    def trained(self) -> tuple[Tensor, Tensor | None]:
        """What gradients go to, where there is no carrier."""
        return self.weight, self.shift


class Link(NamedTuple):
    """A layer: its neurons, and the weights (member, input, unit), bias (member, 1, unit) and
    filter of the product that they read.
    """

    neuron: Compiled
    weight: Tensor
    bias: Tensor | None
    filtering: layers.Filtering | None


class _Room:
    """Memory of one layer, and what kernels are told at every step."""

    def __init__(
        self, layout: Layout, dtype: torch.dtype, traces: bool, filtering: layers.Filtering | None
    ) -> None:
        self.layout = layout
        self.output = Output(layout, dtype, keep=True, traces=traces)
        self.arrays = self.output.arrays()
        self.units, self.starts = self.arrays[2:]
        self.table = Table(self.arrays[0], self.output.lines)
        self.gradient = torch.empty(layout.rows, layout.steps, layout.width, dtype=dtype)
        self.adjoint = self.arrays[0].reshape(self.gradient.shape)
        self.to_bias = torch.empty(layout.members, layout.batch, layout.width, dtype=dtype)
        self.to_rows = self.to_bias.view(layout.rows, layout.width).numpy()
        self.no_bias = np.zeros((layout.members, layout.width), self.to_rows.dtype)
        self.nothing = self.arrays[0][0, :0]
        self.no_loops = np.empty((0, 1, 1), self.nothing.dtype)
        self.no_constants = np.empty((1, 0, 0), self.nothing.dtype)
        self.filter = self.output.coefficients(filtering)
        self.rows = 0, layout.rows, layout.batch
        self.told = layout.names(), True, self.output.lines


_rooms: dict[tuple[Any, ...], list[list[_Room]]] = {}
"""Memory that no pass uses, by shapes."""


class Pass:
    """A forward pass, and what its backward pass needs.

    Attributes:
        done: layers that were run.
        trained: what gradients go to, (first, shift, weight, bias, ...): the first layer's current
            or weight, and weight and bias of the others.
    """

    def __init__(self, links: Sequence[Link], first: Drive | Heard, layouts: list[Layout]) -> None:
        self.links, self.first, self.done = links, first, 0
        self.trained = [
            *first.trained,
            *(t for link in links[1:] for t in (link.weight, link.bias)),
        ]
        dtype, traces = self.trained[0].dtype, [link.neuron.row.keeps_trace for link in links]
        filters = [first.filtering, *(link.filtering for link in links[1:])]
        self.key = (*layouts, *traces, *filters, dtype)
        free = _rooms.get(self.key)
        several = zip(layouts, traces, filters, strict=True)
        self.rooms: list[_Room] | None = (
            free.pop() if free else [_Room(layout, dtype, *others) for layout, *others in several]
        )
        self.course = self.rooms[0].nothing
        if isinstance(first, Drive) and first.envelope is not None:
            self.course = first.envelope.contiguous().numpy()
        self.constants = [
            link.neuron.constants(layout).numpy()
            for link, layout in zip(links, layouts, strict=True)
        ]

    @property
    def whole(self) -> bool:
        """Whether all layers were run."""
        return self.done == len(self.links)

    def begin(self) -> None:
        """The first layer."""
        room, first = self.rooms[0], self.first
        if isinstance(first, Heard):
            events = first.events
            shared = events.shape[1] != room.layout.members
            known = shared, events.units.numpy(), events.starts.numpy(), weight_rows(first.weight)
            self._list(kernels.gathered, known, first.shift, (room.no_loops, room.filter))
            return
        current = first.current[None] if len(self.course) else first.current
        known = room.layout.to_rows(current).numpy(), self.course
        self._list(kernels.scanned, known, first.shift, (room.filter, room.no_loops), (True,))

    def gather(self) -> None:
        """The next layer."""
        room, before, link = self.rooms[self.done], self.rooms[self.done - 1], self.links[self.done]
        known = False, before.units, before.starts, weight_rows(link.weight)
        self._list(kernels.gathered, known, link.bias, (room.no_loops, room.filter))

    def _list(
        self,
        kernel: Callable[..., None],
        known: tuple[Any, ...],
        bias: Tensor | None,
        others: tuple[np.ndarray, ...],
        listed: tuple[bool, ...] = (),
    ) -> None:
        room, neuron = self.rooms[self.done], self.links[self.done].neuron
        kernel(
            *room.rows,
            *known,
            room.no_bias if bias is None else room.layout.of_members(bias).numpy(),
            *others,
            neuron.place,
            self.constants[self.done],
            *room.told,
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
        room = self.rooms[place]
        sums = (room.starts[:, -1] - room.starts[:, 0]).astype(np.float32)
        return torch.from_numpy(sums).view(room.layout.shape[1:3])

    def counts(self) -> Tensor:
        """How often each unit of the last layer fired, (member, batch, unit)."""
        room = self.rooms[self.done - 1]
        counts = torch.empty_like(room.to_bias)
        numbers = counts.view(room.to_rows.shape).numpy()
        event_kernels.counted(0, room.layout.rows, room.units, room.starts, numbers)
        return counts

    def back(self, gradient: Tensor, needs: Sequence[bool], kept: bool) -> list[Tensor | None]:
        """Gradients of what is trained.

        Args:
            gradient: of the last layer's spikes.
            needs: which of these are wanted.
            kept: whether they are read behind the next step, too.
        """
        rooms, self.rooms = once(self.rooms), None
        found: list[Tensor | None] = []
        rows = rooms[self.done - 1].layout.to_rows(gradient)
        for place in range(self.done - 1, -1, -1):
            room, link = rooms[place], self.links[place]
            layout, held = room.layout, place == 0 and len(self.course) > 0
            to_values = torch.zeros(layout.rows, layout.width, dtype=rows.dtype) if held else None
            room.to_bias.zero_()
            kernels.reverse(
                *room.rows,
                rows.numpy(),
                link.neuron.place,
                self.constants[place],
                *link.neuron.surrogate,
                room.filter,
                self.course if held else room.nothing,
                room.adjoint,
                room.arrays[1],
                room.to_rows,
                room.nothing[None] if to_values is None else to_values.numpy(),
                room.no_constants,
            )
            to_bias = room.to_bias.sum(1, True) if needs[2 * place + 1] else None
            if place:
                before = rooms[place - 1]
                rows = rows_to_input(room.table, link.weight, layout, before.gradient)
                events, weight = before.output.events(), link.weight
                known = to_weight(events, room.table, weight, layout) if needs[2 * place] else None
            elif isinstance(self.first, Heard):
                known = to_weight(self.first.events, room.table, self.first.weight, layout)
            elif held:
                known = to_values.view(layout.shape[1:])
            else:  # autograd goes on with it, so that the next step may not write over it
                rows = torch.from_numpy(room.adjoint)
                known = layout.from_rows(rows.clone() if kept else rows)
            found[:0] = known, to_bias
        self._leave(rooms)
        return found

    def _leave(self, rooms: list[_Room]) -> None:
        _rooms.setdefault(self.key, []).append(rooms)
        while len(_rooms) > _KEPT:
            del _rooms[next(iter(_rooms))]

    def under_autograd(self) -> tuple[Tensor | Spikes, list[Tensor]]:
        """Counts of the last layer's units, (member, batch, unit), or its spikes where more layers
        are left; and the spikes of each layer that was run, (member, batch).
        """
        answer = _Passed.apply(self, *self.trained[: 2 * self.done])
        each = [self.spikes(place) for place in range(self.done)]
        if self.whole:
            return answer, each
        return Spikes(answer, self.rooms[self.done - 1].output.events()), each

    def learn(self, loss: Loss) -> Tensor:
        """See ``Engine.learn``, where all layers were run."""
        trained = self.trained
        needs = [t is not None and t.requires_grad for t in trained]
        with torch.no_grad():
            losses, gradient = loss(self.counts())
            spread = gradient.expand(self.rooms[-1].layout.shape)
            found = self.back(spread, needs, kept=trained[0].is_leaf)
        pairs = [(t, g) for t, g, wanted in zip(trained, found, needs, strict=True) if wanted]
        for tensor, own in pairs:
            if tensor.is_leaf and tensor.grad is None:
                tensor.grad = own
            else:
                tensor.backward(own)
        return losses


class _Passed(torch.autograd.Function):
    """Spikes of the last layer, as their carrier, or their counts."""

    @staticmethod
    def forward(ctx: Any, run: Pass, *trained: Tensor | None) -> Tensor:
        ctx.run = run
        ctx.save_for_backward(*trained[2:])
        return run.counts() if run.whole else run.rooms[run.done - 1].output.carrier()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        run: Pass = ctx.run
        _ = ctx.saved_tensors  # weights that changed since are refused
        if run.whole:
            gradient = gradient.expand(once(run.rooms)[-1].layout.shape)
        return None, *run.back(gradient, ctx.needs_input_grad[1:], kept=True)


@torch.no_grad()
def run(links: Sequence[Link], first: Drive | Heard, share: float) -> Pass | None:
    """Layers as far as each reads few spikes; None where the step is not small.

    Args:
        links: the first layer's weight, bias and filter don't matter.
        first: what the first layer reads; no carrier.
        share: of units that fire from which a layer is left to others.
    """
    own = first.layout
    widths = [own.width, *(link.weight.shape[2] for link in links[1:])]
    if own.rows * own.steps * sum(widths) * first.trained[0].itemsize > _MOST:
        return None
    done = Pass(links, first, [own, *(Layout(*own.shape[:3], (width,)) for width in widths[1:])])
    done.begin()
    while not done.whole and done.sparse(share):
        done.gather()
    return done
