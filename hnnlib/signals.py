"""Signals: what travels between layers over time.

A signal is a tensor (time, member, batch, *units), or one of the forms here, which say the same in
less: a constant shape with a time course, or a list of spikes. ``dense`` gives the tensor of any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["Events", "Separable", "Signal", "Spikes", "count", "counts", "dense"]


class Separable(NamedTuple):
    """A signal envelope[t] * values: one shape for all units.

    Attributes:
        values: (member, batch, *units).
        envelope: (time,).
    """

    values: Tensor
    envelope: Tensor

    def over_time(self) -> Tensor:
        """The signal written out, (time, member, batch, *units)."""
        return self.envelope.view(-1, *[1] * self.values.ndim) * self.values


@dataclass(frozen=True)
class Events:
    """Spikes as a list: which unit of which example fired at which step.

    Attributes:
        units: (n,) int32, places of units on their flattened axes. The events of one row, which is
            one example of one member (member * batch + example), lie together, ordered by step;
            a unit that stands twice at a step counts twice.
        starts: (member * batch, time + 1) int64; row r has ``units[starts[r, t]:starts[r, t + 1]]``
            at step t. Between rows there may be room that nothing uses, and rows may stand in any
            order: a loader can hold all events of a data set in one array and give of each batch
            the starts of its rows. Nothing takes time or memory by the length of ``units``.
        shape: (time, member, batch, *units); one member stands for all members of a layer that
            reads it.
        source: where a loader has them from, all its recordings and the rows (member * batch,) of
            them that these are: what is found out about the recordings is then found once.
    """

    units: Tensor
    starts: Tensor
    shape: tuple[int, ...]
    source: tuple[Events, Tensor] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, signal: Tensor) -> Events:
        """Events of a tensor (time, member, batch, *units) of zeros and ones.

        A loader that has events should keep them: finding them in a tensor takes longer than using
        them.
        """
        steps, members, batch = signal.shape[:3]
        rows = signal.detach().reshape(steps, members * batch, -1).transpose(0, 1)
        row, step, unit = rows.nonzero(as_tuple=True)
        counts = torch.bincount(row * steps + step, minlength=members * batch * steps)
        ends = counts.cumsum(0).view(-1, steps)
        first = torch.cat([ends.new_zeros(1), ends[:-1, -1]])
        return cls(unit.int(), torch.cat([first[:, None], ends], 1), tuple(signal.shape))

    @cached_property
    def total(self) -> int:
        """How many there are."""
        return int((self.starts[:, -1] - self.starts[:, 0]).sum())

    def over_time(self) -> Tensor:
        """The signal written out, (time, member, batch, *units), float32."""
        steps, rows = self.shape[0], len(self.starts)
        width = torch.Size(self.shape[3:]).numel()
        packed = self.packed()
        lines = torch.arange(steps * rows, device=self.units.device).view(steps, rows)
        begins = (lines.T * width).flatten()
        place = begins.repeat_interleave(packed.starts.diff(dim=1).flatten()) + packed.units
        flat = torch.zeros(steps * rows * width, device=self.units.device)
        flat.index_add_(0, place, flat.new_ones(len(place)))
        return flat.view(self.shape)

    def by_unit(self) -> Tensor:
        """How often each unit fired, (member, batch, *units), int64."""
        rows, width = len(self.starts), torch.Size(self.shape[3:]).numel()
        row = _repeated(self.starts[:, -1] - self.starts[:, 0])
        keys = row * width + self.packed().units
        return torch.bincount(keys, minlength=rows * width).view(self.shape[1:])

    def packed(self) -> Events:
        """The same without room between rows, in memory of its own."""
        begins = self.starts[:, 0]
        sizes = self.starts[:, -1] - begins
        moves = sizes.cumsum(0) - sizes - begins
        row = _repeated(sizes)
        units = self.units[torch.arange(len(row), device=row.device) - moves[row]]
        return Events(units, self.starts + moves[:, None], self.shape)

    def to(self, device: torch.device | str) -> Events:
        """The same on another device; what moves is packed first."""
        moves = torch.device(device).type != self.units.device.type
        packed = self.packed() if moves else self
        return Events(packed.units.to(device), packed.starts.to(device), self.shape)


def _repeated(counts: Tensor) -> Tensor:
    """Each place of ``counts`` as often as it says."""
    return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)


class Spikes(NamedTuple):
    """What a spiking layer gives where its engine lists spikes while it computes them.

    Attributes:
        carrier: a tensor (time, member, batch, *units) that brings gradients back to the layer. Its
            numbers mean nothing: it is one zero, expanded, so that it takes no memory.
        events: the spikes.
    """

    carrier: Tensor
    events: Events


class _Written(torch.autograd.Function):
    """Spikes written out; the gradient goes to their carrier as it comes."""

    @staticmethod
    def forward(ctx: Any, carrier: Tensor, events: Events) -> Tensor:
        return events.over_time().to(carrier.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return gradient, None


Signal = Tensor | Separable | Events | Spikes


def dense(signal: Signal) -> Tensor:
    """Any signal as a tensor (time, member, batch, *units)."""
    if isinstance(signal, Tensor):
        return signal
    if isinstance(signal, Spikes):
        return _Written.apply(signal.carrier, signal.events)
    return signal.over_time()


class _Counted(torch.autograd.Function):
    """Spikes of each unit; a spike at any step counts one, so the gradient is the same at all."""

    @staticmethod
    def forward(ctx: Any, carrier: Tensor, events: Events) -> Tensor:
        ctx.shape = carrier.shape
        return events.by_unit().to(carrier.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return gradient.expand(ctx.shape), None


def counts(signal: Signal) -> Tensor:
    """Sum of a signal over time, (member, batch, *units): of spikes, each unit's number.

    Gradients go back to the signal. Spikes that are listed are never written out.
    """
    if isinstance(signal, Spikes):
        return _Counted.apply(signal.carrier, signal.events)
    if isinstance(signal, Events):
        return signal.by_unit().to(torch.float32)
    if isinstance(signal, Separable):
        return signal.values * signal.envelope.sum()
    return signal.sum(0)


def count(signal: Signal) -> Tensor:
    """Sum of a signal over time and units, (member, batch); of spikes, their number."""
    if isinstance(signal, Spikes):
        signal = signal.events
    if isinstance(signal, Events):
        starts = signal.starts
        return (starts[:, -1] - starts[:, 0]).view(signal.shape[1:3]).to(torch.float32)
    return dense(signal).detach().sum(0).flatten(2).sum(2)
