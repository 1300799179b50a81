"""The spiking cell with two gates of ``hnnlib.networks.gated``, forward and by hand in reverse.

Input and spikes are few: products with them, and the gradients of their weights, go from one to the
next; products of numbers are convolutions with channels last. The gradient of W is folded over
time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv2d_weight

from hnnlib.engines.cpu import winograd
from hnnlib.engines.cpu.compilation import INNER, VIEWS
from hnnlib.engines.cpu.threads import in_threads
from hnnlib.engines.cpu.vectors import add_rows, add_to_rows, list_above

__all__ = ["FEW", "scan"]

FEW = 0.25
"""Share of units that spike, from which on a dense product is faster."""
FEWEST = 16
"""Channels, out and in, from which it pays to transform kernels: those of a vector."""


def scan(
    x: Tensor, weights: tuple[Tensor, Tensor, Tensor], bias: Tensor, steepness: float
) -> Tensor:
    """Spikes (time, member, batch, hidden, height, width) of the cell.

    r = sigm(W_r * x + U_r * s + b_r);  i = r . i + W_i * x + U_i * s + b_i;  z = sigm(W_z * i + U_z
    * s + b_z);  v = z . v + (1 - z) . i - s;  s = [v >= 1], with a Lorentzian behind it.

    Args:
        x: zeros and ones (time, member, batch, channel, height, width), without a gradient.
        weights: W (member, 2 hidden, channel, y, x) of r and i, U (member, 3 hidden, hidden, y, x)
            of r, i and z, and W_z (member, hidden, hidden, y, x).
        bias: (member, 1, 3 hidden, 1, 1).
        steepness: of the surrogate.
    """
    members = zip(x.unbind(1), *weights, bias.flatten(1), strict=True)
    parts = [_Scan.apply(*each, steepness) for each in members]
    alone = len(parts) == 1  # nothing is copied then
    whole = parts[0].unsqueeze(1) if alone else torch.stack(parts, 1)
    return whole.unflatten(3, x.shape[-2:]).movedim(-1, 3)


class _Scan(torch.autograd.Function):
    """One member: spikes (time, batch, pixel, hidden)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        of_input: Tensor,
        of_output: Tensor,
        inner: Tensor,
        bias: Tensor,
        steepness: float,
    ) -> Tensor:
        image, x = tuple(x.shape[-2:]), _channels_last(x)
        r, z, i, v, s = x.new_empty(5, *x.shape[:3], len(inner))
        drive = torch.empty(*x.shape[1:3], len(bias))
        taps = [_taps(weight, len(bias)) for weight in (of_input, of_output)]
        listed = _room(x, s)
        forth = _Product(of_output, image), _Product(inner, image)
        dense, nothing = False, torch.zeros_like(s[0])
        for t in range(len(x)):
            old = (i[t - 1], v[t - 1], s[t - 1]) if t else (nothing,) * 3
            many = bool(old[2].mean() > FEW)
            dense |= many
            if many:
                drive.copy_(forth[0](old[2]))
            sent = old[2][: 0 if many else None].numpy()
            step = drive.numpy(), r[t].numpy(), z[t].numpy()
            _arrive(bias.numpy(), x[t].numpy(), taps[0], sent, taps[1], image, listed, *step)
            r[t].sigmoid_()
            _current(step[0], step[1], old[0].numpy(), i[t].numpy())
            z[t].add_(forth[1](i[t])).sigmoid_()
            _fire(*(a.view(-1).numpy() for a in (i[t], z[t], *old[1:], v[t], s[t])))
        ctx.save_for_backward(x, of_input, of_output, inner, r, z, i, v, s)
        ctx.image, ctx.steepness, ctx.dense = image, steepness, dense
        return s

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, of_input, of_output, inner, r, z, i, v, s = ctx.saved_tensors
        image, hidden = ctx.image, len(inner)
        backs = [
            _Product(weight.transpose(0, 1).flip(2, 3), image) for weight in (of_output, inner)
        ]
        to_s, to_z = gradient.clone(memory_format=torch.contiguous_format), torch.empty_like(s)
        found = s.new_empty(*s.shape[:3], 3 * hidden)
        nothing, to_v, to_i, to_r = torch.zeros(4, *s.shape[1:])
        last = len(s) - 1
        for t in range(last, -1, -1):
            old_v, old_i = (v[t - 1], i[t - 1]) if t else (nothing, nothing)
            after_z, after_r = (z[t + 1], r[t + 1]) if t < last else (nothing, nothing)
            if t < last:
                to_s[t] += backs[0](found[t + 1])
            fired = to_s[t], v[t], old_v, i[t], z[t], after_z, to_v, to_z[t]
            _fire_reversed(ctx.steepness, *(a.view(-1).numpy() for a in fired))
            through = backs[1](to_z[t])
            flowed = through, to_v, z[t], after_r, to_i
            _current_reversed(*(a.view(-1).numpy() for a in flowed))
            _gate_reversed(*(a.view(-1).numpy() for a in (to_i, old_i, r[t], to_r)))
            torch.cat((to_r, to_i, to_z[t]), 2, out=found[t])
        to_output = _of_numbers if ctx.dense else _of_few
        return (
            None,
            _of_few(x, found, of_input, image),
            to_output(s[:-1], found[1:], of_output, image),
            _of_numbers(i, to_z, inner, image),
            found.sum((0, 1, 2)),
            None,
        )


def _taps(weight: Tensor, gates: int) -> tuple[np.ndarray, np.ndarray]:
    """Kernels as (y, x, channel, gate) and as rows; gates that they lack are 0."""
    whole = torch.zeros(*weight.shape[2:], weight.shape[1], gates)
    whole[..., : len(weight)] = weight.permute(2, 3, 1, 0)
    return whole.numpy(), whole.flatten(0, 2).numpy()


def _room(*sent: Tensor) -> np.ndarray:
    """To list the channels of a pixel in."""
    return np.empty(max(one.shape[-1] for one in sent) + 8, np.int32)


def _of_few(sent: Tensor, gradient: Tensor, weight: Tensor, image: tuple[int, int]) -> Tensor:
    """Gradient of kernels, of which few read anything at a time."""
    found = torch.zeros(*weight.shape[2:], weight.shape[1], gradient.shape[-1])
    rows = [part.flatten(0, 1).numpy() for part in (sent, gradient)]
    _add_to_weights(rows[0], image, _room(sent), rows[1], found.numpy())
    return found[..., : len(weight)].permute(3, 2, 0, 1)


def _of_numbers(sent: Tensor, gradient: Tensor, weight: Tensor, image: tuple[int, int]) -> Tensor:
    """The same where all read something, all steps in one product."""
    images = [_images(part.flatten(0, 1), image) for part in (sent, gradient)]
    return conv2d_weight(images[0], weight.shape, images[1], padding=_rim(weight))


class _Product:
    """Kernels times (batch, pixel, channel), of the same size, at one step after another."""

    def __init__(self, weight: Tensor, image: tuple[int, int]) -> None:
        self.image, self.channels = image, len(weight)
        self.panels = None
        if weight.shape[2:] == (3, 3) and min(weight.shape[:2]) >= FEWEST:
            turned = weight.detach().transpose(0, 1).flip(2, 3)
            self.panels = winograd.kernel_panels(turned[None].numpy())
        self.weight = weight.contiguous(memory_format=torch.channels_last)

    def __call__(self, x: Tensor) -> Tensor:
        if self.panels is None:
            rim = _rim(self.weight)
            found = functional.conv2d(_images(x, self.image), self.weight, padding=rim)
            return found.permute(0, 2, 3, 1).flatten(1, 2).contiguous()
        batch = len(x)
        given = x.view(batch, 1, *self.image, -1).numpy()
        found = x.new_empty(batch, 1, *self.image, self.channels)
        in_threads(winograd.transposed, batch, batch, self.panels, given, found.numpy())
        return found.view(batch, -1, self.channels)


def _rim(weight: Tensor) -> tuple[int, ...]:
    return tuple(taps // 2 for taps in weight.shape[2:])


def _images(x: Tensor, image: tuple[int, int]) -> Tensor:
    """(batch, pixel, channel) as a convolution reads it; no copy."""
    return x.unflatten(1, image).permute(0, 3, 1, 2)


def _channels_last(x: Tensor) -> Tensor:
    """(time, batch, channel, height, width) as a new (time, batch, pixel, channel)."""
    return x.flatten(3).transpose(2, 3).clone(memory_format=torch.contiguous_format)


# --- compiled steps -------------------------------------------------------------------------------
# States are (row, pixel, hidden), drives (row, pixel, 3 hidden) of r, i and z. What is sent, input
# or spikes, is zeros and ones; weights are (y, x, channel, 3 hidden), and ``listed`` has room for
# the channels of a pixel.


@njit(**INNER)
def _span(taps, place, length):
    """Taps first to last - 1 through which something at this place arrives inside."""
    reach = place + taps // 2
    return max(0, reach - length + 1), min(taps, reach + 1)


@njit(**INNER)
def _add(sent, image, weight, table, listed, out):
    """Add to one row's drive what ``sent`` (pixel, channel) brings through ``weight``; ``table``
    has the same in rows.
    """
    height, width = image
    high, wide, channels = weight.shape[0], weight.shape[1], weight.shape[2]
    for place in range(len(sent)):
        count = list_above(sent[place], sent.dtype.type(0), listed, 0, len(listed))
        if count == 0:
            continue
        y, x = place // width, place % width
        top, bottom = _span(high, y, height)
        left, right = _span(wide, x, width)
        for ky in range(top, bottom):
            line = (y - ky + high // 2) * width + x + wide // 2
            for kx in range(left, right):
                tap = (ky * wide + kx) * channels
                add_rows(out[line - kx], table, tap, 1, listed, 0, count)


@njit(**VIEWS)
def _arrive(bias, x, of_input, sent, of_output, image, listed, drive, r, z):
    """Drives of a step; those of the gates also into ``r`` and ``z``.

    Weights are (y, x, channel, gate) and the same as (y and x and channel, gate). ``sent`` has no
    rows where it was multiplied into ``drive`` before, which is written over otherwise.
    """
    hidden, multiplied, zero = r.shape[2], len(sent) == 0, drive.dtype.type(0)
    for row in range(len(drive)):
        into = drive[row]
        for place in range(len(into)):
            numbers = into[place]
            for gate in range(len(bias)):
                numbers[gate] = bias[gate] + (numbers[gate] if multiplied else zero)
        _add(x[row], image, of_input[0], of_input[1], listed, into)
        if len(sent):
            _add(sent[row], image, of_output[0], of_output[1], listed, into)
        for place in range(len(into)):
            numbers, for_r, for_z = into[place], r[row, place], z[row, place]
            for unit in range(hidden):
                for_r[unit] = numbers[unit]
                for_z[unit] = numbers[2 * hidden + unit]


@njit(**VIEWS)
def _current(drive, r, before, i):
    """i = r . i + drive."""
    hidden = i.shape[2]
    for row in range(len(i)):
        for place in range(i.shape[1]):
            given, gate, old, new = (
                drive[row, place],
                r[row, place],
                before[row, place],
                i[row, place],
            )
            for unit in range(hidden):
                new[unit] = gate[unit] * old[unit] + given[hidden + unit]


@njit(**VIEWS)
def _fire(i, z, before, sent, v, s):
    """v = z . v + (1 - z) . i - s, and the spikes; arrays flat."""
    for n in range(len(v)):
        v[n] = i[n] + z[n] * (before[n] - i[n]) - sent[n]
        s[n] = v[n] >= 1


@njit(**VIEWS)
def _fire_reversed(steepness, to_s, v, before, i, z, after, to_v, to_z):
    """Gradients of potential and of the drive of z; arrays flat.

    ``to_v`` comes in as that of the step behind, whose gate is ``after``.
    """
    # loops over few arrays each: those over many are not vectorised
    for n in range(len(v)):
        distance = v[n] - 1
        slope = 1 / (1 + steepness * distance * distance)
        to_v[n] = (to_s[n] - to_v[n]) * slope + after[n] * to_v[n]
    for n in range(len(v)):
        to_z[n] = to_v[n] * (before[n] - i[n]) * z[n] * (1 - z[n])


@njit(**VIEWS)
def _current_reversed(through, to_v, z, after, to_i):
    """Gradient of the current; arrays flat.

    ``to_i`` comes in as that of the step behind, whose gate is ``after``; ``through`` is what comes
    through W_z.
    """
    for n in range(len(z)):
        to_i[n] = after[n] * to_i[n] + through[n] + to_v[n] * (1 - z[n])


@njit(**VIEWS)
def _gate_reversed(to_i, before, r, to_r):
    """Gradient of the drive of r; arrays flat."""
    for n in range(len(r)):
        to_r[n] = to_i[n] * before[n] * r[n] * (1 - r[n])


@njit(**VIEWS)
def _add_to_weights(sent, image, listed, gradient, weight):
    """Add to ``weight``, a gradient, that of what arrived through it."""
    height, width = image
    high, wide = weight.shape[0], weight.shape[1]
    for row in range(len(sent)):
        for place in range(height * width):
            count = list_above(sent[row, place], sent.dtype.type(0), listed, 0, len(listed))
            if count == 0:
                continue
            y, x = place // width, place % width
            top, bottom = _span(high, y, height)
            left, right = _span(wide, x, width)
            for ky in range(top, bottom):
                line = (y - ky + high // 2) * width + x + wide // 2
                for kx in range(left, right):
                    add_to_rows(weight[ky, kx], gradient[row, line - kx], listed, 0, count)
