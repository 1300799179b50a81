"""Convolution and pooling of spikes under autograd, channels last."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from hnnlib.engines.cpu import image_kernels, winograd
from hnnlib.engines.cpu.layout import Layout
from hnnlib.engines.cpu.products import write
from hnnlib.engines.cpu.threads import in_threads
from hnnlib.signals import Events, Spikes

__all__ = ["convolve", "pad", "pool"]

_FEWEST = 16
"""Channels, out or in, from which own kernels pay: those of a vector."""
_PIXELS = 4096
"""Pixels, of all images of a member, from which it pays to transform kernels."""
_PARTS, _ROOM = 8, 8 << 20
"""Shares of the examples whose gradients are added up apart, so that threads can work side by side,
and bytes for them. Threads have no say in it, so that sums don't depend on them."""
_BAND = 4
"""Lines of an image whose adjoints are added at a time."""


class _Places(NamedTuple):
    """Where the units of an image lie, by their names in ``Events``; int32 (unit,)."""

    row: np.ndarray
    channel: np.ndarray
    y: np.ndarray
    x: np.ndarray


@lru_cache(maxsize=64)
def _places(units: tuple[int, int, int]) -> _Places:
    channels, height, width = units
    channel, y, x = (axis.ravel().astype(np.int32) for axis in np.indices(units))
    return _Places((y * width + x) * channels + channel, channel, y, x)


@lru_cache(maxsize=64)
def _pixels(units: tuple[int, int, int]) -> np.ndarray:
    """``places`` of ``image_kernels.convolve``."""
    places = _places(units)
    return image_kernels.keyed(places.y * units[2] + places.x, places.row)


@lru_cache(maxsize=64)
def _corners(units: tuple[int, int, int], edge: int) -> np.ndarray:
    """``corners`` of ``image_kernels.correlate``, for kernels of this edge."""
    places, rim = _places(units), edge - 1
    bands = places.y // _BAND * units[0] + places.channel
    return image_kernels.keyed(bands, (places.y + rim) * (units[2] + rim) + places.x)


def convolve(spikes: Spikes, weight: Tensor, sparse: bool) -> Tensor:
    """Valid convolution of spikes: (time, member, batch, channel, y, x).

    Args:
        weight: (member, channel out, channel in, y, x).
        sparse: add the kernel's rows of units that fired, unless these are short; else multiply.
    """
    convolution = _Sparse if sparse and weight.shape[1] >= _FEWEST else _Dense
    return convolution.apply(spikes.carrier, weight, spikes.events)


def _layouts(events: Events, weight: Tensor) -> tuple[Layout, Layout]:
    """Layouts of a convolution's input and output."""
    source = Layout.of(events.shape)
    _, height, width = source.units
    rim = weight.shape[-1] - 1
    units = (weight.shape[1], height - rim, width - rim)
    return source, Layout(source.steps, source.members, source.batch, units)


class _Dense(torch.autograd.Function):
    """By the library's convolution, on images that are written out for it."""

    @staticmethod
    def forward(ctx: Any, carrier: Tensor, weight: Tensor, events: Events) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.events = events
        source, target = _layouts(events, weight)
        images = source.to_rows(write(events, weight.dtype))
        parts = [
            functional.conv2d(image, kernel)
            for image, kernel in zip(_fold(images, source), _kernels(weight), strict=True)
        ]
        return target.from_rows(_unfold(parts, target))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        source, target = _layouts(ctx.events, weight)
        changes, needs = target.to_rows(gradient), ctx.needs_input_grad
        to_weight = None
        if needs[1]:
            images = source.to_rows(write(ctx.events, weight.dtype))
            parts = _gradients(changes, images, weight, source, target, (False, True))
            to_weight = torch.stack([part for _, part in parts])
        to_carrier = _to_input(changes, weight, source, target) if needs[0] else None
        return to_carrier, to_weight, None


class _Sparse(torch.autograd.Function):
    """Forwards and for the kernels' gradient by events; the input's gradient is dense."""

    @staticmethod
    def forward(ctx: Any, carrier: Tensor, weight: Tensor, events: Events) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.events = events
        source, target = _layouts(events, weight)
        width = source.units[2]
        members, outs, _, edge, _ = weight.shape
        rows = weight.new_empty(target.rows, target.steps, *target.units[1:], outs)
        in_threads(
            image_kernels.convolve,
            target.rows,
            target.batch,
            events.units.numpy(),
            events.starts.numpy(),
            _pixels(source.units),
            width,
            weight.permute(0, 3, 4, 2, 1).reshape(members, edge, -1, outs).contiguous().numpy(),
            rows.numpy(),
        )
        return target.from_rows(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        events: Events = ctx.events
        source, target = _layouts(events, weight)
        changes = target.to_rows(gradient)
        needs = ctx.needs_input_grad
        to_carrier = _to_input(changes, weight, source, target) if needs[0] else None
        if not needs[1]:
            return to_carrier, None, None
        members, outs, channels, edge, _ = weight.shape
        parts = max(2, min(_PARTS, _ROOM // (weight[0].numel() * weight.itemsize)))
        to_weight = weight.new_zeros(members, parts, channels, edge, edge * outs)
        for member in range(members):
            in_threads(
                image_kernels.correlate,
                parts,
                member,
                target.batch,
                events.units.numpy(),
                events.starts.numpy(),
                _corners(source.units, edge),
                _images(changes, target),
                to_weight[member].numpy(),
            )
        to_weight = to_weight.sum(1)
        to_weight = to_weight.unflatten(3, (edge, outs)).flip(3)
        return to_carrier, to_weight.permute(0, 4, 1, 2, 3), None


def _to_input(changes: Tensor, weight: Tensor, source: Layout, target: Layout) -> Tensor:
    """Gradient of a convolution's input. It is dense, since that of spikes is."""
    pixels = target.steps * target.batch * target.width // weight.shape[1]
    if weight.shape[-1] == 3 and weight.shape[2] >= _FEWEST and pixels >= _PIXELS:
        result = changes.new_empty(source.rows, source.steps, source.width)
        in_threads(
            winograd.transposed,
            source.rows,
            source.batch,
            winograd.kernel_panels(weight.detach().numpy()),
            _images(changes, target),
            _images(result, source),
        )
        return source.from_rows(result)
    # anything of the input's shape will do: it isn't read
    given = changes.new_zeros(1).expand(source.rows, source.steps, source.width)
    parts = _gradients(changes, given, weight, source, target, (True, False))
    return source.from_rows(_unfold([part for part, _ in parts], source))


def _gradients(
    changes: Tensor,
    images: Tensor,
    weight: Tensor,
    source: Layout,
    target: Layout,
    wanted: tuple[bool, bool],
) -> list[tuple[Tensor | None, ...]]:
    """Gradients of input and kernels by the library's convolution, member by member."""
    return [
        torch.ops.aten.convolution_backward(
            change, image, kernel, None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1, (*wanted, False)
        )[:2]
        for change, image, kernel in zip(
            _fold(changes, target), _fold(images, source), _kernels(weight), strict=True
        )
    ]


def _images(rows: Tensor, layout: Layout) -> np.ndarray:
    """Rows of images as (row, step, y, x, channel)."""
    channels, height, width = layout.units
    return rows.view(layout.rows, layout.steps, height, width, channels).numpy()


def _kernels(weight: Tensor) -> list[Tensor]:
    return [kernel.contiguous(memory_format=torch.channels_last) for kernel in weight]


def _fold(rows: Tensor, layout: Layout) -> Tensor:
    """Rows as images (member, row * step, channel, y, x), channels last; never a copy."""
    channels, height, width = layout.units
    images = rows.unflatten(-1, (height, width, channels)).unflatten(0, (layout.members, -1))
    return images.flatten(1, 2).permute(0, 1, 4, 2, 3)


def _unfold(parts: list[Tensor], layout: Layout) -> Tensor:
    """The reverse, from one tensor a member."""
    rows = [part.permute(0, 2, 3, 1).reshape(-1, layout.steps, layout.width) for part in parts]
    return rows[0] if len(rows) == 1 else torch.cat(rows)


def pad(spikes: Spikes, rim: int) -> Spikes:
    """Images with ``rim`` silent pixels more on each side: the same events under other names."""
    if rim == 0:
        return spikes
    steps, members, batch, channels, height, width = spikes.events.shape
    shape = (steps, members, batch, channels, height + 2 * rim, width + 2 * rim)
    units, starts = torch.empty_like(spikes.events.units), spikes.events.starts
    in_threads(
        image_kernels.rename,
        members * batch,
        _padded((channels, height, width), rim),
        spikes.events.units.numpy(),
        starts.numpy(),
        units.numpy(),
    )
    return Spikes(_Padded.apply(spikes.carrier, rim, shape), Events(units, starts, shape))


@lru_cache(maxsize=64)
def _padded(units: tuple[int, int, int], rim: int) -> np.ndarray:
    """Name in the padded image of each unit, (unit,)."""
    channels, height, width = units
    names = np.arange(channels * (height + 2 * rim) * (width + 2 * rim), dtype=np.int32)
    inner = names.reshape(channels, height + 2 * rim, -1)[:, rim : rim + height, rim : rim + width]
    return inner.ravel()


class _Padded(torch.autograd.Function):
    """The gradient is the inner part of the padded image's."""

    @staticmethod
    def forward(ctx: Any, carrier: Tensor, rim: int, shape: tuple[int, ...]) -> Tensor:
        ctx.rim = rim
        return carrier.new_zeros(1).expand(shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inner = slice(ctx.rim, -ctx.rim)
        return gradient[..., inner, inner], None, None


class _Windows(NamedTuple):
    """Tables of a pooling, see ``image_kernels``, and the edge of its windows."""

    window: int
    targets: np.ndarray
    ranks: np.ndarray
    names: np.ndarray


@lru_cache(maxsize=64)
def _windows(units: tuple[int, int, int], window: int) -> _Windows:
    channels, height, width = units
    down, across = height // window, width // window
    places = _places(units)
    y, x = places.y // window, places.x // window
    inside = (y < down) & (x < across)
    targets = np.where(inside, (y * across + x) * channels + places.channel, -1).astype(np.int32)
    ranks = (places.y % window * window + places.x % window).astype(np.int32)
    names = np.empty(channels * down * across, np.int32)
    pooled = _places((channels, down, across))
    names[pooled.row] = np.arange(len(names), dtype=np.int32)
    return _Windows(window, targets, ranks, names)


def pool(spikes: Spikes, window: int) -> Spikes:
    """Max-pooling of spikes; a rest at the border is dropped."""
    steps, members, batch, channels, height, width = spikes.events.shape
    tables = _windows((channels, height, width), window)
    shape = (steps, members, batch, channels, height // window, width // window)
    units = torch.empty(torch.Size(shape).numel(), dtype=torch.int32)
    starts = torch.empty(members * batch, steps + 1, dtype=torch.int64)
    in_threads(
        image_kernels.pool_forward,
        members * batch,
        tables.targets,
        tables.names,
        spikes.events.units.numpy(),
        spikes.events.starts.numpy(),
        units.numpy(),
        starts.numpy(),
    )
    carrier = _Pooled.apply(spikes.carrier, spikes.events, shape, tables)
    return Spikes(carrier, Events(units, starts, shape))


class _Pooled(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, carrier: Tensor, events: Events, shape: tuple[int, ...], tables: _Windows
    ) -> Tensor:
        ctx.rest = events, tables
        return carrier.new_zeros(1).expand(shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        events, tables = ctx.rest
        source = Layout.of(events.shape)
        pooled = Layout.of(gradient.shape)
        given = pooled.to_rows(gradient).unflatten(2, (*pooled.units[1:], -1))
        to_input = gradient.new_empty(*given.shape[:2], *source.units[1:], source.units[0])
        in_threads(
            image_kernels.pool_backward,
            source.rows,
            tables.targets,
            tables.ranks,
            tables.window,
            events.units.numpy(),
            events.starts.numpy(),
            given.numpy(),
            to_input.numpy(),
        )
        return source.from_rows(to_input.flatten(2)), None, None, None
