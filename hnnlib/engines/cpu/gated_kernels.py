"""Compiled steps of the spiking cell with two gates: forward, and in reverse.

Arrays lie with their channels last: states (row, pixel, hidden), drives (row, pixel, 3 hidden) of
the gate r, the current i and the gate z. What is sent, input or spikes, is zeros and ones; weights
are (y, x, channel, 3 hidden), and ``listed`` has room for the channels of a pixel. Equations in
``hnnlib.engines.cpu.gated``.
"""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import INNER, VIEWS
from hnnlib.engines.cpu.vectors import add_rows, add_to_rows, list_above

__all__ = [
    "add_to_weights",
    "arrive",
    "collect",
    "current",
    "current_reversed",
    "fire",
    "fire_reversed",
]


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
def arrive(bias, x, of_input, sent, of_output, image, listed, drive, r, z):
    """Drives of a step; those of the gates also into ``r`` and ``z``.

    Weights are (y, x, channel, gate) and the same as (y and x and channel, gate). ``sent`` has no
    rows where it was multiplied into ``drive`` before.
    """
    hidden = r.shape[2]
    for row in range(len(drive)):
        into = drive[row]
        for place in range(len(into)):
            numbers = into[place]
            for gate in range(len(bias)):
                numbers[gate] += bias[gate]
        _add(x[row], image, of_input[0], of_input[1], listed, into)
        if len(sent):
            _add(sent[row], image, of_output[0], of_output[1], listed, into)
        for place in range(len(into)):
            numbers, for_r, for_z = into[place], r[row, place], z[row, place]
            for unit in range(hidden):
                for_r[unit] = numbers[unit]
                for_z[unit] = numbers[2 * hidden + unit]


@njit(**VIEWS)
def current(drive, r, before, i):
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
def fire(i, z, before, sent, v, s):
    """v = z . v + (1 - z) . i - s, and the spikes; arrays flat."""
    for n in range(len(v)):
        v[n] = i[n] + z[n] * (before[n] - i[n]) - sent[n]
        s[n] = v[n] >= 1


@njit(**VIEWS)
def fire_reversed(steepness, to_s, v, before, i, z, after, to_v, to_z):
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
def current_reversed(through, to_v, z, after, to_i):
    """Gradient of the current; arrays flat.

    ``to_i`` comes in as that of the step behind, whose gate is ``after``; ``through`` is what comes
    through W_z.
    """
    for n in range(len(z)):
        to_i[n] = after[n] * to_i[n] + through[n] + to_v[n] * (1 - z[n])


@njit(**VIEWS)
def collect(to_i, before, r, to_z, found):
    """Gradients of all drives of a step into ``found`` (row and pixel, 3 hidden)."""
    hidden = r.shape[1]
    for place in range(len(found)):
        out, gradient, old, gate = found[place], to_i[place], before[place], r[place]
        last = to_z[place]
        for unit in range(hidden):
            out[unit] = gradient[unit] * old[unit] * gate[unit] * (1 - gate[unit])
        for unit in range(hidden):
            out[hidden + unit] = gradient[unit]
            out[2 * hidden + unit] = last[unit]


@njit(**VIEWS)
def add_to_weights(sent, image, listed, gradient, weight):
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
