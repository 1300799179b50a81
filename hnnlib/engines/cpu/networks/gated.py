"""The convolutional cell with two gates of ``hnnlib.networks.gated``, whose units spike or speak in
numbers, forward and by hand in reverse.

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
from torch.nn.grad import conv2d_weight

from hnnlib.engines.cpu import winograd
from hnnlib.engines.cpu.compilation import INNER, OPTIONS, VIEWS
from hnnlib.engines.cpu.threads import in_threads
from hnnlib.engines.cpu.tiles import multiply, panels
from hnnlib.engines.cpu.vectors import add_rows, add_to_rows, list_above

__all__ = ["FEW", "scan"]

FEW = 0.25
"""Share of units that spike, from which on a dense product is faster."""
FEWEST = 16
"""Channels, out and in, from which it pays to transform kernels: those of a vector."""


def scan(
    x: Tensor,
    weights: tuple[Tensor, Tensor, Tensor],
    bias: Tensor,
    spiking: int,
    steepness: float,
) -> Tensor:
    """Outputs (time, member, batch, hidden, height, width) of the cell.

    r = sigm(W_r * x + U_r * s + b_r);  z = sigm(W_z * i + U_z * s + b_z), where a unit that spikes
    has i = r . i + W_i * x + U_i * s + b_i;  v = z . v + (1 - z) . i - s;  s = [v >= 1], with a
    Lorentzian behind it, and another one i = tanh(W_i * x + r . (U_i * s) + b_i);  v = z . v +
    (1 - z) . i;  s = v.

    Args:
        x: zeros and ones (time, member, batch, channel, height, width), without a gradient.
        weights: W (member, 2 hidden, channel, y, x) of r and i, U (member, 3 hidden, hidden, y, x)
            of r, i and z, and W_z (member, hidden, hidden, y, x).
        bias: (member, 1, 3 hidden, 1, 1).
        spiking: channels that spike, the first ones.
        steepness: of the surrogate.
    """
    members = zip(x.unbind(1), *weights, bias.flatten(1), strict=True)
    parts = [_Scan.apply(*each, spiking, steepness) for each in members]
    alone = len(parts) == 1  # nothing is copied then
    whole = parts[0].unsqueeze(1) if alone else torch.stack(parts, 1)
    return whole.unflatten(3, x.shape[-2:]).movedim(-1, 3)


class _Scan(torch.autograd.Function):
    """One member: outputs (time, batch, pixel, hidden)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        of_input: Tensor,
        of_output: Tensor,
        inner: Tensor,
        bias: Tensor,
        spiking: int,
        steepness: float,
    ) -> Tensor:
        image, x, hidden = tuple(x.shape[-2:]), _channels_last(x), len(inner)
        states = x.new_empty(5, *x.shape[:3], hidden)
        r, z, i, v, s = states.numpy()
        arrived, squeezed = x.numpy(), states[:3].unbind(1)
        drive, through = (np.empty((*v.shape[1:3], n), v.dtype) for n in (len(bias), hidden))
        # what numbers bring back is kept: its gate is behind the product
        graded = spiking < hidden
        back = np.zeros((len(v), *drive.shape) if graded else (1, 1, 1, 0), v.dtype)
        taps = [_taps(weight, len(bias)) for weight in (of_input, of_output)]
        listed = _room(x, states)
        forth = _Product(of_output, image), _Product(inner, image)
        dense, fired, nothing = graded, 0, np.zeros_like(v[0])
        for t in range(len(x)):
            old = (i[t - 1], v[t - 1], s[t - 1]) if t else (nothing,) * 3
            gated = back[t if graded else 0]
            many = graded or fired > FEW * v[0].size
            dense |= many
            if graded and t:
                forth[0](old[2], gated)
            elif many:
                forth[0](old[2], drive)
            if graded:
                drive[...] = gated
                drive[..., hidden + spiking : 2 * hidden] = 0
            sent = old[2][: 0 if many else None]
            step = drive, r[t], z[t]
            _arrive(bias.numpy(), arrived[t], taps[0], sent, taps[1], image, listed, *step)
            squeezed[t][0].sigmoid_()
            _current(spiking, drive, r[t], old[0], gated, i[t])
            if graded:
                squeezed[t][2, ..., spiking:].tanh_()
            forth[1](i[t], through)
            np.add(z[t], through, out=z[t])
            squeezed[t][1].sigmoid_()
            fired = _fire(spiking, i[t], z[t], *old[1:], v[t], s[t])
        ctx.save_for_backward(x, of_input, of_output, inner, states)
        ctx.rest = image, spiking, steepness, dense, back
        return states[4]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, of_input, of_output, inner, states = ctx.saved_tensors
        image, spiking, steepness, dense, back = ctx.rest
        hidden, graded = len(inner), spiking < len(inner)
        backs = [
            _Product(weight.transpose(0, 1).flip(2, 3), image) for weight in (of_output, inner)
        ]
        r, z, i, v, _ = states.numpy()
        to_s, to_z = gradient.contiguous().numpy(), torch.empty_like(states[0])
        found = states.new_empty(*states.shape[1:4], 3 * hidden)
        returning = torch.empty_like(found) if graded else found
        to_gates, to_drive, to_back = to_z.numpy(), found.numpy(), returning.numpy()
        nothing, returned, to_v, to_i, through = np.zeros((5, *v.shape[1:]), v.dtype)
        last = len(v) - 1
        for t in range(last, -1, -1):
            old_v, old_i = (v[t - 1], i[t - 1]) if t else (nothing, nothing)
            after_z, after_r = (z[t + 1], r[t + 1]) if t < last else (nothing, nothing)
            if t < last:
                backs[0](to_back[t + 1], returned)
            fired = to_s[t], returned, v[t], old_v, i[t], z[t], after_z, to_v, to_gates[t]
            _fire_reversed(spiking, steepness, *fired)
            backs[1](to_gates[t], through)
            _current_reversed(spiking, through, to_v, z[t], i[t], after_r, to_i)
            gated = old_i, back[t if graded else 0], r[t], to_gates[t]
            _gates_reversed(spiking, to_i, *gated, to_drive[t], to_back[t])
        to_output = _of_numbers if dense else _of_few
        return (
            None,
            _of_few(x, found, of_input, image),
            to_output(states[4, :-1], returning[1:], of_output, image),
            _of_numbers(states[2], to_z, inner, image),
            found.sum((0, 1, 2)),
            None,
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
        self.image, turned = image, weight.detach().permute(2, 3, 1, 0)
        self.transformed = weight.shape[2:] == (3, 3) and min(weight.shape[:2]) >= FEWEST
        if self.transformed:
            kernels = weight.detach().transpose(0, 1).flip(2, 3)
            self.panels = winograd.kernel_panels(kernels[None].numpy())
        else:
            self.panels = panels(turned.flatten(1, 2).numpy())
            self.reach = tuple(taps // 2 for taps in weight.shape[2:])

    def __call__(self, x: np.ndarray, out: np.ndarray) -> None:
        """Write to ``out`` (batch, pixel, channel)."""
        batch = len(x)
        if self.transformed:
            given, found = (a.reshape(batch, 1, *self.image, -1) for a in (x, out))
            in_threads(winograd.transposed, batch, batch, self.panels, given, found)
        else:
            in_threads(_multiplied, batch, self.image, self.reach, self.panels, x, out)


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
def _current(spiking, drive, r, before, back, i):
    """i = r . i + drive where units spike; of others, drive + r . back, which tanh squeezes."""
    hidden = i.shape[2]
    for row in range(len(i)):
        for place in range(i.shape[1]):
            given, gate, new = drive[row, place], r[row, place], i[row, place]
            old = before[row, place]
            for unit in range(spiking):
                new[unit] = gate[unit] * old[unit] + given[hidden + unit]
            if spiking < hidden:
                returned = back[row, place]
                for unit in range(spiking, hidden):
                    new[unit] = gate[unit] * returned[hidden + unit] + given[hidden + unit]


@njit(**VIEWS)
def _fire(spiking, i, z, before, sent, v, s):
    """v = z . v + (1 - z) . i - s, and what is sent; how many spike. Others subtract nothing."""
    fired = 0
    for row in range(len(v)):
        for place in range(v.shape[1]):
            current, gate, old = i[row, place], z[row, place], before[row, place]
            last, new, out = sent[row, place], v[row, place], s[row, place]
            for unit in range(spiking):
                new[unit] = current[unit] + gate[unit] * (old[unit] - current[unit]) - last[unit]
                out[unit] = new[unit] >= 1
                fired += new[unit] >= 1
            for unit in range(spiking, len(new)):
                new[unit] = current[unit] + gate[unit] * (old[unit] - current[unit])
                out[unit] = new[unit]
    return fired


@njit(**VIEWS)
def _fire_reversed(spiking, steepness, to_s, returned, v, before, i, z, after, to_v, to_z):
    """Gradients of potential and of the drive of z.

    ``to_v`` comes in as that of the step behind, whose gate is ``after``; ``returned`` is what that
    step gives back to the outputs.
    """
    for row in range(len(v)):
        for place in range(v.shape[1]):
            given, again, reached = to_s[row, place], returned[row, place], to_v[row, place]
            potential, later = v[row, place], after[row, place]
            # loops over few arrays each: those over many are not vectorised
            for unit in range(spiking):
                distance = potential[unit] - 1
                slope = 1 / (1 + steepness * distance * distance)
                sent = given[unit] + again[unit] - reached[unit]
                reached[unit] = sent * slope + later[unit] * reached[unit]
            for unit in range(spiking, len(given)):
                reached[unit] = given[unit] + again[unit] + later[unit] * reached[unit]
            old, current, gate = before[row, place], i[row, place], z[row, place]
            out = to_z[row, place]
            for unit in range(len(out)):
                moved = reached[unit] * (old[unit] - current[unit])
                out[unit] = moved * gate[unit] * (1 - gate[unit])


@njit(**VIEWS)
def _current_reversed(spiking, through, to_v, z, i, after, to_i):
    """Gradient of the current, before tanh where there is one.

    ``to_i`` comes in as that of the step behind, whose gate is ``after``; ``through`` is what comes
    through W_z.
    """
    for row in range(len(z)):
        for place in range(z.shape[1]):
            given, potential, gate = through[row, place], to_v[row, place], z[row, place]
            later, out, current = after[row, place], to_i[row, place], i[row, place]
            for unit in range(spiking):
                moved = later[unit] * out[unit] + given[unit]
                out[unit] = moved + potential[unit] * (1 - gate[unit])
            for unit in range(spiking, len(out)):
                moved = given[unit] + potential[unit] * (1 - gate[unit])
                out[unit] = moved * (1 - current[unit] * current[unit])


@njit(**VIEWS)
def _gates_reversed(spiking, to_i, before, back, r, to_z, to_drive, to_back):
    """Gradients of all drives, those of r, i and z beside each other in ``to_drive``, and of what
    outputs bring back in ``to_back``: the same, where all units spike.
    """
    hidden = r.shape[2]
    for row in range(len(r)):
        for place in range(r.shape[1]):
            out, flowed, gate = to_drive[row, place], to_i[row, place], r[row, place]
            old, last = before[row, place], to_z[row, place]
            for unit in range(spiking):
                out[unit] = flowed[unit] * old[unit] * gate[unit] * (1 - gate[unit])
            for unit in range(hidden):
                out[hidden + unit] = flowed[unit]
                out[2 * hidden + unit] = last[unit]
            if spiking < hidden:
                returned, also = back[row, place], to_back[row, place]
                for unit in range(spiking, hidden):
                    moved = flowed[unit] * returned[hidden + unit]
                    out[unit] = moved * gate[unit] * (1 - gate[unit])
                for unit in range(3 * hidden):
                    also[unit] = out[unit]
                for unit in range(spiking, hidden):
                    also[hidden + unit] = flowed[unit] * gate[unit]


@njit(**OPTIONS)
def _multiplied(first, last, image, reach, panels, x, out):
    """Kernels times (row, pixel, channel).

    A line of an image and its rim is one run of numbers, so that the taps of a line of the kernel
    are one row of a product whose lines overlap; what stands at the rim is not copied.

    Args:
        reach: taps beside the middle one, along (y, x).
        panels: (tap along y, panel, tap along x and channel in, lane).
    """
    height, width = image
    across, lanes, channels = width + 2 * reach[1], panels.shape[3], x.shape[2]
    padded = np.zeros(((height + 2 * reach[0]) * across + 2 * reach[1], channels), x.dtype)
    products = np.empty((height * across, out.shape[2]), x.dtype)
    flat = padded.reshape(-1)
    for row in range(first, last):
        for y in range(height):
            begin = (y + reach[0]) * across + reach[1]
            for place in range(width):
                for channel in range(channels):
                    padded[begin + place, channel] = x[row, y * width + place, channel]
        for down in range(len(panels)):
            for panel in range(panels.shape[1]):
                begin = down * across * channels
                multiply(
                    products, panel * lanes, flat, begin, channels, panels[down, panel], down > 0
                )
        for y in range(height):
            for place in range(width):
                for channel in range(out.shape[2]):
                    out[row, y * width + place, channel] = products[y * across + place, channel]


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
