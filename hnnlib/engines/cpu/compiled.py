"""Neurons and surrogates as the numbers that kernels take."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hnnlib.engines.cpu import mixed_kernels
from hnnlib.engines.cpu import surrogate_kernels as kernels
from hnnlib.engines.cpu.layout import Layout
from hnnlib.engines.cpu.row import Row
from hnnlib.engines.cpu.table import ROWS
from hnnlib.neurons.base import Neuron
from hnnlib.neurons.synaptic import SynapticLIF

__all__ = ["Compiled", "CompiledMixed", "make", "make_mixed"]

_TYPES = {row.neuron for row in ROWS} | {row.surrogate for row in kernels.ROWS}


class _Surrogate(NamedTuple):
    """A surrogate as the kernels take it: place in the table, and (member, number) of its shape."""

    place: int
    shapes: np.ndarray


class Compiled(NamedTuple):
    """A neuron for some members, as the kernels take it.

    Attributes:
        place: in the table of neurons.
        values: its constants, tensors (member, constant, 1), or one for each constant that
            broadcasts against (member, 1, *units).
        surrogate: what stands behind its spikes.
    """

    place: int
    values: tuple[Tensor, ...]
    surrogate: _Surrogate

    @property
    def row(self) -> Row:
        """Its entry in the table."""
        return ROWS[self.place]

    def constants(self, layout: Layout) -> Tensor:
        """As kernels take them, (member, constant, unit or 1); differentiable."""
        if not self.row.by_unit:
            return self.values[0]
        return torch.stack([layout.of_members(value) for value in self.values], 1)


class CompiledMixed(NamedTuple):
    """A ``SynapticLIF`` for some members, as the kernels for mixed populations take it.

    Attributes:
        spiking: (member,) int64, units that spike.
        others: kind of the other units, see ``mixed_kernels``.
        decays: (member, 2) of membrane and synapse.
        surrogate: as in ``Compiled``.
    """

    spiking: np.ndarray
    others: int
    decays: np.ndarray
    surrogate: _Surrogate


def make(neuron: Neuron, members: int, axes: int, dtype: torch.dtype) -> Compiled | None:
    """A neuron for the kernels, or None where they don't know it, its surrogate, or a parameter
    that is trained or differs between units or examples, and for numbers that are not floats of 32
    or 64 bits.

    Args:
        axes: of its units.
    """
    parts = (neuron, surrogate) if (surrogate := getattr(neuron, "surrogate", None)) else (neuron,)
    if any(type(part) not in _TYPES for part in parts):
        return None
    if any(isinstance(value, Tensor) for part in parts for value in vars(part).values()):
        return _make(neuron, members, axes, dtype)  # tensors may be trained, or written over
    return _make_once(neuron, members, axes, dtype)


def _make(neuron: Neuron, members: int, axes: int, dtype: torch.dtype) -> Compiled | None:
    if dtype not in (torch.float32, torch.float64):
        return None
    for place, row in enumerate(ROWS):
        if type(neuron) is row.neuron and row.when(neuron):
            values = _values(row, row.constants(neuron), members, axes, dtype)
            surrogate = _surrogate(neuron, row, members, axes, dtype)
            if values is not None and surrogate is not None:
                return Compiled(place, values, surrogate)
    return None


_make_once = lru_cache(maxsize=64)(_make)


def make_mixed(neuron: Neuron, shape: tuple[int, ...], dtype: torch.dtype) -> CompiledMixed | None:
    """The same for a mixed population with a drive (time, member, batch, unit) of this shape."""
    if type(neuron) is not SynapticLIF or len(shape) != 4 or neuron.spiking is None:
        return None
    alike = make(replace(neuron, spiking=None), shape[1], 1, dtype)
    if alike is None or neuron.spiking.numel() not in (1, shape[1]):
        return None
    spiking = np.broadcast_to(neuron.spiking.long().clamp(0, shape[3]).numpy(), shape[1])
    if neuron.others == "tanh":
        others = mixed_kernels.TANH
    elif not neuron.reset_graded:
        others = mixed_kernels.UNRESET
    else:
        stopped = neuron.reset_gradient == "stopped"
        others = mixed_kernels.GRADED if stopped else mixed_kernels.THROUGH
    decays = np.ascontiguousarray(alike.values[0][:, 1:, 0].numpy())
    return CompiledMixed(np.array(spiking), others, decays, alike.surrogate)


def _values(
    row: Row, constants: tuple[Tensor | float, ...], members: int, axes: int, dtype: torch.dtype
) -> tuple[Tensor, ...] | None:
    """``Compiled.values``, or None where the entry doesn't take these."""
    threshold = _of_members(constants[0], members, axes)
    if threshold is None:
        return None
    threshold = threshold.to(dtype)
    if row.at_threshold:  # kernels fire above a threshold: v >= x is v > the number below x
        threshold = torch.nextafter(threshold, threshold.new_tensor(-torch.inf))
    if row.by_unit:
        others = [
            value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)
            for value in constants[1:]
        ]
        if any(not _same_for_examples(value, axes) for value in others):
            return None
        first = threshold.view(members, 1, *[1] * axes)
        return first, *(value.to(dtype) for value in others)
    columns = [_of_members(value, members, axes) for value in constants[1:]]
    if any(column is None for column in columns):
        return None
    return (torch.stack([threshold, *(c.to(dtype) for c in columns)], 1).unsqueeze(2),)


def _of_members(value: Tensor | float, members: int, axes: int) -> Tensor | None:
    """A number, or a tensor that differs between members only and isn't trained, as (member,) in
    double precision or as it is.
    """
    if not isinstance(value, Tensor):
        return torch.full((members,), value, dtype=torch.float64)
    own = value.ndim == axes + 2 and value.shape[0] == value.numel() == members
    if value.requires_grad or not (own or value.numel() == 1):
        return None
    return value.reshape(-1).expand(members)


def _same_for_examples(value: Tensor, axes: int) -> bool:
    return value.ndim <= axes or value.shape[-axes - 1] == 1


def _surrogate(
    neuron: Neuron, row: Row, members: int, axes: int, dtype: torch.dtype
) -> _Surrogate | None:
    """None where the table has no such surrogate, or not with these numbers."""
    if not row.spiking:
        return _Surrogate(kernels.NONE, torch.empty(members, 0, dtype=dtype).numpy())
    for place, known in enumerate(kernels.ROWS):
        if type(neuron.surrogate) is known.surrogate:
            shape = known.shape(neuron.surrogate, row.constants(neuron)[0])
            columns = [_of_members(number, members, axes) for number in shape]
            if any(column is None for column in columns):
                return None
            shapes = torch.stack([column.to(dtype) for column in columns], 1)
            return _Surrogate(place, shapes.numpy())
    return None
