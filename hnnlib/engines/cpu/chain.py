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

from hnnlib.engines.base import Loss, bring
from hnnlib.engines.cpu import event_kernels, kernels, layers
from hnnlib.engines.cpu.compiled import Compiled
from hnnlib.engines.cpu.layout import Layout, Output, Table, once
from hnnlib.engines.cpu.products import rows_to_input, to_weight, weight_rows
from hnnlib.signals import Events, Spikes

__all__ = ["Drive", "First", "Graded", "Heard", "Held", "Link", "Pass", "run"]

_MOST = 4 << 20
"""Bytes of the potentials of all layers up to which a step is small."""
_KEPT = 4
"""Shapes of networks whose memory is kept."""


class Drive(NamedTuple):
    """What neurons read, see ``layers.scan``; nothing else reads ``current``. A chain begins with
    one without an envelope.
    """

    current: Tensor
    shift: Tensor | None
    envelope: Tensor | None
    layout: Layout
    filtering: layers.Filtering | None = None

    def run(self, neuron: Compiled, recurrent: Tensor | None = None) -> Spikes:
        """A layer of neurons."""
        return layers.scan(*self[:3], neuron, *self[3:], recurrent, spare=True)

    @property
    def trained(self) -> tuple[Tensor, ...]:
        """What gradients go to, beside the shift."""
        return (self.current,)

    def begin(self, run: Pass) -> None:
        """The first layer of a chain."""
        run.scan(self.layout.to_rows(self.current).numpy(), run.rooms[0].nothing, self.shift)

    def back(self, room: _Room, to_values: Tensor | None, kept: bool) -> tuple[Tensor, ...]:
        """Gradients of what is trained; autograd goes on with them while they are not ``kept``."""
        rows = torch.from_numpy(room.adjoint)
        return (self.layout.from_rows(rows.clone() if kept else rows),)


class Held(NamedTuple):
    """The same where it is the product of values (member, batch, input) with weights, times an
    envelope (time,).
    """

    values: Tensor
    weight: Tensor
    shift: Tensor | None
    envelope: Tensor
    layout: Layout
    filtering: None = None

    def run(self, neuron: Compiled, recurrent: None = None) -> Spikes:
        """A layer of neurons."""
        current = torch.bmm(self.values, self.weight)
        return Drive(current, self.shift, self.envelope, self.layout).run(neuron)

    @property
    def trained(self) -> tuple[Tensor, ...]:
        """What gradients go to, beside the shift."""
        return self.values, self.weight

    def begin(self, run: Pass) -> None:
        """The first layer of a chain."""
        current = torch.bmm(self.values, self.weight).view(self.layout.rows, 1, -1)
        run.scan(current.numpy(), self.envelope.numpy(), self.shift)

    def back(self, room: _Room, to_values: Tensor | None, kept: bool) -> tuple[Tensor, ...]:
        """Gradients of what is trained."""
        to_current = to_values.view(self.layout.shape[1:])
        to_weight = torch.bmm(self.values.transpose(1, 2), to_current)
        to_values = torch.bmm(to_current, self.weight.transpose(1, 2))
        return (to_values if self.values.requires_grad else None), to_weight


class Graded(NamedTuple):
    """The same where it is the product of values (member, line, input) with weights: a line is an
    example at a step, in order of examples (``by_example``) or of steps.
    """

    values: Tensor
    weight: Tensor
    shift: Tensor | None
    layout: Layout
    by_example: bool
    envelope: None = None
    filtering: None = None

    @classmethod
    def of(cls, signal: Tensor, weight: Tensor, shift: Tensor | None) -> Graded:
        """Of a signal (time, member, batch, *units), folded as it lies in memory."""
        layout = Layout(*signal.shape[:3], (weight.shape[2],))
        by_example = signal.stride(0) < signal.stride(2)
        return cls(_folded(signal.flatten(3), by_example), weight, shift, layout, by_example)

    def run(self, neuron: Compiled, recurrent: Tensor | None = None) -> Spikes:
        """A layer of neurons."""
        return Drive(self._current(), self.shift, None, self.layout).run(neuron, recurrent)

    @property
    def trained(self) -> tuple[Tensor, ...]:
        """What gradients go to, beside the shift."""
        return self.values, self.weight

    def _current(self) -> Tensor:
        steps, _, batch = self.layout.shape[:3]
        product = torch.bmm(self.values, self.weight)
        if self.by_example:
            return product.unflatten(1, (batch, steps)).permute(2, 0, 1, 3)
        return product.unflatten(1, (steps, batch)).movedim(1, 0)

    def begin(self, run: Pass) -> None:
        """The first layer of a chain."""
        rows = self.layout.to_rows(self._current()).numpy()
        run.scan(rows, run.rooms[0].nothing, self.shift)

    def back(self, room: _Room, to_values: Tensor | None, kept: bool) -> tuple[Tensor | None, ...]:
        """Gradients of what is trained."""
        current = self.layout.from_rows(torch.from_numpy(room.adjoint))
        to_current = _folded(current, self.by_example)
        to_weight = torch.bmm(self.values.transpose(1, 2), to_current)
        if not self.values.requires_grad:
            return None, to_weight
        return torch.bmm(to_current, self.weight.transpose(1, 2)), to_weight


def _folded(signal: Tensor, by_example: bool) -> Tensor:
    """(time, member, batch, unit) as (member, line, unit)."""
    return signal.permute((1, 2, 0, 3) if by_example else (1, 0, 2, 3)).flatten(1, 2)


class Heard(NamedTuple):
    """The same of neurons that read events, see ``layers.gather``; a chain begins without a
    carrier.
    """

    events: Events
    carrier: Tensor | None
    weight: Tensor
    shift: Tensor | None
    layout: Layout
    filtering: layers.Filtering | None = None
    envelope: None = None

    def run(self, neuron: Compiled, recurrent: Tensor | None = None) -> Spikes | Tensor:
        """A layer of neurons."""
        return layers.gather(*self[:4], recurrent, neuron, self.filtering)

    @property
    def trained(self) -> tuple[Tensor, ...]:
        """What gradients go to, beside the shift."""
        return (self.weight,)

    def begin(self, run: Pass) -> None:
        """The first layer of a chain."""
        shared = self.events.shape[1] != self.layout.members
        arrays = self.events.units.numpy(), self.events.starts.numpy()
        run.gather(shared, *arrays, self.weight, self.shift)

    def back(self, room: _Room, to_values: Tensor | None, kept: bool) -> tuple[Tensor, ...]:
        """Gradients of what is trained."""
        return (to_weight(self.events, room.table, self.weight, self.layout),)


First = Drive | Held | Graded | Heard


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
        trained: what gradients go to: all of the first layer but its shift, the shift, and weight
            and bias of each layer behind it.
    """

    def __init__(self, links: Sequence[Link], first: First, layouts: list[Layout]) -> None:
        self.links, self.first, self.done = links, first, 0
        later = [t for link in links[1:] for t in (link.weight, link.bias)]
        self.trained = [*first.trained, first.shift, *later]
        dtype, traces = self.trained[0].dtype, [link.neuron.row.keeps_trace for link in links]
        filters = [first.filtering, *(link.filtering for link in links[1:])]
        self.key = (*layouts, *traces, *filters, dtype)
        free = _rooms.get(self.key)
        several = zip(layouts, traces, filters, strict=True)
        self.rooms: list[_Room] | None = (
            free.pop() if free else [_Room(layout, dtype, *others) for layout, *others in several]
        )
        self.constants = [
            link.neuron.constants(layout).numpy()
            for link, layout in zip(links, layouts, strict=True)
        ]

    @property
    def whole(self) -> bool:
        """Whether all layers were run."""
        return self.done == len(self.links)

    @property
    def reached(self) -> list[Tensor | None]:
        """``trained`` of the layers that were run."""
        return self.trained[: len(self.first.trained) + 2 * self.done - 1]

    def scan(self, known: np.ndarray, envelope: np.ndarray, bias: Tensor | None) -> None:
        """The next layer, whose drive is known, see ``kernels.scanned``."""
        room = self.rooms[self.done]
        self._list(kernels.scanned, (known, envelope), bias, (room.filter, room.no_loops), (True,))

    def gather(
        self,
        shared: bool,
        units: np.ndarray,
        starts: np.ndarray,
        weight: Tensor,
        bias: Tensor | None,
    ) -> None:
        """The next layer, which reads events, see ``kernels.gathered``."""
        room, known = self.rooms[self.done], (shared, units, starts, weight_rows(weight))
        self._list(kernels.gathered, known, bias, (room.no_loops, room.filter))

    def go_on(self) -> None:
        """The next layer, which reads the last one."""
        before, link = self.rooms[self.done - 1], self.links[self.done]
        self.gather(False, before.units, before.starts, link.weight, link.bias)

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

    def back(self, gradient: Tensor, kept: bool) -> list[Tensor | None]:
        """Gradients of what ``reached`` gives; of a weight or bias that is None, some tensor.

        Args:
            gradient: of the last layer's spikes.
            kept: whether they are read behind the next step, too.
        """
        rooms, self.rooms = once(self.rooms), None
        found: list[Tensor | None] = []
        rows = rooms[self.done - 1].layout.to_rows(gradient)
        for place in range(self.done - 1, 0, -1):
            room, before, link = rooms[place], rooms[place - 1], self.links[place]
            self._reverse(room, place, rows, room.nothing)
            rows = rows_to_input(room.table, link.weight, room.layout, before.gradient)
            own = to_weight(before.output.events(), room.table, link.weight, room.layout)
            found[:0] = own, room.to_bias.sum(1, True)
        room, to_values = rooms[0], None
        envelope = self.first.envelope
        if envelope is not None:
            to_values = torch.zeros(room.to_rows.shape, dtype=rows.dtype)
        self._reverse(
            room, 0, rows, room.nothing if envelope is None else envelope.numpy(), to_values
        )
        found[:0] = *self.first.back(room, to_values, kept), room.to_bias.sum(1, True)
        self._leave(rooms)
        return found

    def _reverse(
        self,
        room: _Room,
        place: int,
        rows: Tensor,
        envelope: np.ndarray,
        to_values: Tensor | None = None,
    ) -> None:
        room.to_bias.zero_()
        neuron = self.links[place].neuron
        kernels.reverse(
            *room.rows,
            rows.numpy(),
            neuron.place,
            self.constants[place],
            *neuron.surrogate,
            room.filter,
            envelope,
            room.adjoint,
            room.arrays[1],
            room.to_rows,
            room.nothing[None] if to_values is None else to_values.numpy(),
            room.no_constants,
        )

    def _leave(self, rooms: list[_Room]) -> None:
        _rooms.setdefault(self.key, []).append(rooms)
        while len(_rooms) > _KEPT:
            del _rooms[next(iter(_rooms))]

    def under_autograd(self) -> tuple[Tensor | Spikes, list[Tensor]]:
        """Counts of the last layer's units, (member, batch, unit), or its spikes where more layers
        are left; and the spikes of each layer that was run, (member, batch).
        """
        answer = _Passed.apply(self, *self.reached)
        each = [self.spikes(place) for place in range(self.done)]
        if self.whole:
            return answer, each
        return Spikes(answer, self.rooms[self.done - 1].output.events()), each

    def learn(self, loss: Loss) -> Tensor:
        """See ``Engine.learn``, where all layers were run."""
        with torch.no_grad():
            losses, gradient = loss(self.counts())
            spread = gradient.expand(self.rooms[-1].layout.shape)
            found = self.back(spread, kept=self.trained[0].is_leaf)
        for tensor, own in zip(self.trained, found, strict=True):
            if tensor is not None and tensor.requires_grad:
                bring(tensor, own)
        return losses


class _Passed(torch.autograd.Function):
    """Spikes of the last layer, as their carrier, or their counts."""

    @staticmethod
    def forward(ctx: Any, run: Pass, *reached: Tensor | None) -> Tensor:
        ctx.run = run
        ctx.save_for_backward(*reached[isinstance(run.first, Drive) :])
        return run.counts() if run.whole else run.rooms[run.done - 1].output.carrier()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        run: Pass = ctx.run
        _ = ctx.saved_tensors  # weights that changed since are refused
        if run.whole:
            gradient = gradient.expand(once(run.rooms)[-1].layout.shape)
        found = zip(run.back(gradient, kept=True), ctx.needs_input_grad[1:], strict=True)
        return None, *(own if needed else None for own, needed in found)


@torch.no_grad()
def run(links: Sequence[Link], first: First, share: float) -> Pass | None:
    """Layers as far as each reads few spikes; None where the step is not small.

    Args:
        links: the first layer's weight, bias and filter don't matter.
        first: what the first layer reads.
        share: of units that fire from which a layer is left to others.
    """
    own = first.layout
    widths = [own.width, *(link.weight.shape[2] for link in links[1:])]
    if own.rows * own.steps * sum(widths) * first.trained[0].itemsize > _MOST:
        return None
    done = Pass(links, first, [own, *(Layout(*own.shape[:3], (width,)) for width in widths[1:])])
    first.begin(done)
    while not done.whole and done.sparse(share):
        done.go_on()
    return done
