"""How signals lie in the memory that kernels work on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hnnlib.signals import Events

__all__ = ["Layout", "Output", "Table", "once"]


class Table(NamedTuple):
    """Numbers of all rows at all steps.

    Attributes:
        numbers: (line, unit).
        lines: row r at step t is line r * lines[0] + t * lines[1].
    """

    numbers: np.ndarray
    lines: tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Axes of a signal (time, member, batch, *units), and how they lie in rows (row, step, unit).

    Images lie channels last, so that the channels of a pixel, which a convolution reads together,
    are neighbours.
    """

    steps: int
    members: int
    batch: int
    units: tuple[int, ...]

    @classmethod
    def of(cls, shape: Sequence[int]) -> Layout:
        """Of a signal of this shape."""
        return cls(*shape[:3], tuple(shape[3:]))

    @property
    def rows(self) -> int:
        """Examples of all members."""
        return self.members * self.batch

    @cached_property
    def width(self) -> int:
        """Units of a row."""
        return math.prod(self.units)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the signal."""
        return (self.steps, self.members, self.batch, *self.units)

    @property
    def images(self) -> bool:
        """Whether units are (channel, y, x)."""
        return len(self.units) == 3

    @property
    def _own_axes(self) -> range:
        return range(3, 3 + len(self.units))

    def names(self) -> np.ndarray:
        """Place of each unit of a row on the flattened axes ``units``."""
        return _names(self.units)

    def places(self) -> np.ndarray:
        """The reverse: where in a row the unit of each place on the axes lies."""
        places = np.empty(self.width, np.int32)
        places[self.names()] = np.arange(self.width, dtype=np.int32)
        return places

    def to_rows(self, signal: Tensor) -> Tensor:
        """(time, member, batch, *units) to (row, step, unit), contiguous; a copy where needed."""
        signal = signal.permute((1, 2, 0, 4, 5, 3) if self.images else (1, 2, 0, *self._own_axes))
        return signal.reshape(self.rows, -1, self.width).contiguous()

    def from_rows(self, rows: Tensor) -> Tensor:
        """The reverse; never a copy."""
        units = (*self.units[1:], self.units[0]) if self.images else self.units
        signal = rows.view(self.members, self.batch, self.steps, *units)
        return signal.permute((2, 0, 1, 5, 3, 4) if self.images else (2, 0, 1, *self._own_axes))

    def of_members(self, value: Tensor) -> Tensor:
        """What all examples of a member share at all steps, a tensor that broadcasts against
        (member, 1, *units), as (member, unit) in the order of rows.
        """
        shape = (self.members, 1, *self.units)
        if len(self.units) == 1 and value.shape == shape:
            return value[:, 0].contiguous()
        return Layout(1, *shape[:2], self.units).to_rows(value.expand(shape)[None])[:, 0]

    def to_members(self, rows: Tensor) -> Tensor:
        """The reverse: (member, unit) to (member, 1, *units)."""
        return Layout(1, self.members, 1, self.units).from_rows(rows.contiguous())[0]

    def to_table(self, signal: Tensor) -> Table:
        """(time, member, batch, *units) as lines, in the order in which it lies if possible."""
        if signal.is_contiguous() and not self.images:
            return Table(signal.view(-1, self.width).numpy(), self.lines(stepwise=True))
        return Table(self.to_rows(signal).view(-1, self.width).numpy(), self.lines(stepwise=False))

    def from_table(self, table: Table) -> Tensor:
        """The reverse; never a copy."""
        if table.lines == self.lines(stepwise=False):
            return self.from_rows(torch.from_numpy(table.numbers))
        return self.by_step(table).view(self.shape)

    def by_step(self, table: Table) -> Tensor:
        """A table in order of steps as (step, row, unit), without room between steps."""
        return torch.from_numpy(table.numbers).view(-1, table.lines[1], self.width)[:, : self.rows]

    def lines(self, stepwise: bool) -> tuple[int, int]:
        """Of a ``Table``, in order of steps or of rows."""
        return (1, self.rows) if stepwise else (self.steps, 1)


@lru_cache(maxsize=64)
def _names(units: tuple[int, ...]) -> np.ndarray:
    places = np.arange(math.prod(units), dtype=np.int32).reshape(units)
    return (np.moveaxis(places, 0, -1) if len(units) == 3 else places).flatten()


class Output:
    """Room for what a layer gives: potentials, if a backward pass will need them, and events.

    Args:
        layout, dtype: of the output.
        keep: whether potentials are wanted.
        traces: whether traces are wanted, too.
        stepwise: whether the backward pass does one step of all rows at a time. Their potentials
            then lie together, with room for one more row between steps: lines that are a power of
            two apart compete for the same few places in a processor's cache.
        room: for the potentials, if there is some already: (line, unit), in order of rows.
    """

    def __init__(
        self,
        layout: Layout,
        dtype: torch.dtype,
        keep: bool,
        traces: bool = False,
        stepwise: bool = False,
        room: Tensor | None = None,
    ) -> None:
        self.layout, self.dtype, self.keep = layout, dtype, keep
        self.lines = (1, layout.rows + 1) if stepwise else layout.lines(stepwise)
        lines = layout.steps * (layout.rows + stepwise) if keep else 1
        self.potential = torch.empty((lines, layout.width), dtype=dtype) if room is None else room
        kept = (lines, layout.width) if keep and traces else (1, 0)
        self.traces = torch.empty(kept, dtype=dtype).numpy()
        self.units = torch.empty(layout.rows * layout.steps * layout.width, dtype=torch.int32)
        self.starts = torch.empty((layout.rows, layout.steps + 1), dtype=torch.int64)

    def arrays(self) -> tuple[np.ndarray, ...]:
        """What kernels write to: potentials, traces, and events as units and starts."""
        return self.potential.numpy(), self.traces, self.units.numpy(), self.starts.numpy()

    def coefficients(self, filtering: tuple[float, float, float] | None) -> np.ndarray:
        """Of a synaptic filter as kernels take them, (3,), or (0,) without one."""
        return np.array(filtering or (), self.traces.dtype)

    def carrier(self) -> Tensor:
        """Of ``hnnlib.signals.Spikes``."""
        return self.potential.new_zeros(1).expand(self.layout.shape)

    def values(self) -> Tensor:
        """The potentials as outputs: the backward pass of an integrator doesn't read them."""
        values, self.potential = self.potential, torch.empty_like(self.potential)
        return self.layout.from_rows(values)

    def events(self) -> Events:
        """Spikes."""
        return Events(self.units, self.starts, self.layout.shape)

    def take_potential(self) -> Table:
        """The potentials, for the backward pass to write over; it can do so once."""
        potential, self.potential = once(self.potential).numpy(), None
        return Table(potential, self.lines)


def once(kept: Tensor | None) -> Tensor:
    """What a forward pass kept, unless a backward pass has written over it.

    Raises:
        RuntimeError: it has, and ``kept`` is None.
    """
    if kept is None:
        raise RuntimeError(
            "the engine cpu keeps the states of a forward pass for one backward pass: "
            "run the forward pass again, or use the engine eager"
        )
    return kept
