"""Compiled code for images: pooling and convolutions of events.

Images lie in rows (row, step, unit) channels last: unit = (y * width + x) * channels + channel.
Events name units channels first, as tensors do; tables by name say where a unit lies.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS, VIEWS
from hnnlib.engines.cpu.row_kernels import assign
from hnnlib.engines.cpu.vectors import add_rows

__all__ = ["convolve", "correlate", "frame", "keyed", "pool_backward", "pool_forward", "rename"]

_LOW = (1 << 32) - 1
"""Bits of a value that stands behind its key."""


@njit(**VIEWS)
def _sort(units, first, last, table, begins, values, memory):
    """Sort events by the key of their unit; group k is values[begins[k]:begins[k + 1]].

    Args:
        table: (unit,) int64, key and value, see ``keyed``.
        values: int32. memory: int64 scratch, as long.
    """
    if _in_order(units, first, last, table, begins, values):
        return
    begins[:] = 0
    for e in range(first, last):
        number = table[units[e]]
        memory[e - first] = number
        begins[(number >> 32) + 1] += 1
    for k in range(len(begins) - 1):
        begins[k + 1] += begins[k]
    for e in range(last - first):
        number = memory[e]
        k = number >> 32
        values[begins[k]] = number & _LOW
        begins[k] += 1
    # filling moved every begin to the next group's
    for k in range(len(begins) - 1, 0, -1):
        begins[k] = begins[k - 1]
    begins[0] = 0


@njit(**VIEWS)
def _in_order(units, first, last, table, begins, values):
    """The same for events that are sorted already, as layers of images list them; False where they
    aren't. Nothing here waits for what was just written.
    """
    begins[:] = 0
    before = 0
    for e in range(first, last):
        number = table[units[e]]
        k = number >> 32
        if k < before:
            return False
        before = k
        begins[k + 1] = e + 1 - first
        values[e - first] = number & _LOW
    for k in range(len(begins) - 1):
        begins[k + 1] = max(begins[k], begins[k + 1])
    return True


def keyed(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Keys and values, int32, as one number each: a unit is looked up once."""
    return keys.astype(np.int64) << 32 | values


@njit(**OPTIONS)
def convolve(first, last, batch, units, starts, places, width, weight, out):
    """Valid convolution of events: every output pixel adds the kernel's rows of the units that
    fired under it.

    Args:
        places: (unit,) ``keyed`` y * width + x, and that * channels + channel.
        width: pixels in a line of the input.
        weight: (member, ky, kx * channel in, channel out).
        out: (row, step, y, x, channel out).
    """
    lines = out.shape[2] + weight.shape[1] - 1
    begins, values = np.zeros(lines * width + 1, np.int64), np.empty(len(places), np.int32)
    memory = np.empty(len(places), np.int64)
    for row in range(first, last):
        for t in range(out.shape[1]):
            _sort(units, starts[row, t], starts[row, t + 1], places, begins, values, memory)
            _convolve_image(begins, values, width, weight[row // batch], out[row, t])


@njit(**VIEWS)
def _convolve_image(begins, values, width, table, out):
    """An image of ``convolve``, its events sorted by pixel."""
    down, across, _ = out.shape
    kernel = table.shape[0]
    channels = table.shape[1] // kernel
    for y in range(down):
        out[y] = 0
        for ky in range(kernel):  # outside x: one line of the kernel fits in the L1 cache
            line = table[ky]
            for x in range(across):
                # units under one line of the kernel are neighbours
                pixel = (y + ky) * width + x
                begin, end = begins[pixel], begins[pixel + kernel]
                add_rows(out[y, x], line, -pixel * channels, 1, values, begin, end)


@njit(**OPTIONS)
def correlate(first, last, member, batch, units, starts, corners, adjoint, gradient):
    """Gradient of a member's kernels, parts ``first`` to ``last``, each from a share of the
    examples: a line of a kernel adds the adjoints of the pixels that its events reached.

    Args:
        corners: (unit,) ``keyed`` number of its band of lines, times channels, plus its channel:
            the adjoints that a band reaches stay in cache while all channels add them; and place in
            the adjoint's padded image of the first pixel that is reached in line 0 of the kernel.
        adjoint: (row, step, y, x, channel out).
        gradient: (part, channel in, ky, -kx * channel out), added to.
    """
    steps, down, across, outs = adjoint.shape[1:]
    parts, _, kernel, _ = gradient.shape
    rim = kernel - 1
    padded = np.zeros((down + 2 * rim, across + 2 * rim, outs), gradient.dtype)
    begins = np.zeros((corners.max() >> 32) + 2, np.int64)
    values, memory = np.empty(len(corners), np.int32), np.empty(len(corners), np.int64)
    for part in range(first, last):
        for example in range(part * batch // parts, (part + 1) * batch // parts):
            row = member * batch + example
            for t in range(steps):
                frame(padded, rim, adjoint[row, t])
                _sort(units, starts[row, t], starts[row, t + 1], corners, begins, values, memory)
                _correlate_image(begins, values, padded, gradient[part])


@njit(**VIEWS)
def frame(padded, rim, image):
    """Write an image (y, x, channel) behind the first ``rim`` lines and pixels of another."""
    numbers, line = image.shape[1] * image.shape[2], padded.shape[1] * padded.shape[2]
    target, given = padded.reshape(-1), image.reshape(-1)
    for y in range(len(image)):
        begin = (y + rim) * line + rim * padded.shape[2]
        assign(target[begin : begin + numbers], given[y * numbers : (y + 1) * numbers])


@njit(**VIEWS)
def _correlate_image(begins, values, padded, gradient):
    """An image of ``correlate``, its events sorted by group."""
    channels, kernel, _ = gradient.shape
    line, table = padded.shape[1], padded.reshape((-1, padded.shape[2]))
    for group in range(len(begins) - 1):
        for ky in range(kernel):
            total = gradient[group % channels, ky]
            add_rows(total, table, -ky * line, 1, values, begins[group], begins[group + 1])


@njit(**OPTIONS)
def rename(first, last, names, units, starts, renamed):
    """Events of units ``units`` under the names (unit,) that a table has for them."""
    for row in range(first, last):
        for e in range(starts[row, 0], starts[row, starts.shape[1] - 1]):
            renamed[e] = names[units[e]]


@njit(**OPTIONS)
def pool_forward(first, last, targets, names, units, starts, pooled_units, pooled_starts):
    """Max-pooling of spikes: a pooled unit spikes where a unit of its window does.

    Args:
        targets: (unit,) the pooled unit's place in a row, or -1 behind the last whole window.
        names: (pooled unit,) its name by place.
        pooled_units, pooled_starts: results.
    """
    seen, stamp = np.zeros(len(names), np.int64), 0
    place = first * (starts.shape[1] - 1) * len(names)
    for row in range(first, last):
        pooled_starts[row, 0] = place
        for t in range(starts.shape[1] - 1):
            stamp += 1
            for e in range(starts[row, t], starts[row, t + 1]):
                target = targets[units[e]]
                if target >= 0 and seen[target] != stamp:
                    seen[target] = stamp
                    pooled_units[place] = names[target]
                    place += 1
            pooled_starts[row, t + 1] = place


@njit(**OPTIONS)
def pool_backward(first, last, targets, ranks, window, units, starts, gradient, to_input):
    """Gradient of ``pool_forward``: to the first unit of a window that spikes, or to the first.

    Args:
        targets: as in ``pool_forward``. ranks: (unit,) place in its window.
        window: edge of a window, in pixels.
        gradient, to_input: (row, step, y, x, channel), pooled and not.
    """
    down, across, channels = gradient.shape[2:]
    none = window * window
    winner = np.empty((down, across, channels), np.int32)
    for row in range(first, last):
        for t in range(starts.shape[1] - 1):
            winner[:] = none
            flat = winner.reshape(-1)
            for e in range(starts[row, t], starts[row, t + 1]):
                target = targets[units[e]]
                if target >= 0 and ranks[units[e]] < flat[target]:
                    flat[target] = ranks[units[e]]
            _replace(flat, none, 0)
            _unpool(winner, window, gradient[row, t], to_input[row, t])


@njit(**OPTIONS)
def _replace(numbers, old, new):
    """Write ``new`` where ``old`` stands."""
    for n in range(len(numbers)):
        numbers[n] = new if numbers[n] == old else numbers[n]


@njit(**VIEWS)
def _unpool(winner, window, gradient, to_input):
    """An image of ``pool_backward``: every pixel takes what is given to it, and else 0."""
    down, across, _ = gradient.shape
    for y in range(to_input.shape[0]):
        for x in range(to_input.shape[1]):
            numbers, above, left = to_input[y, x], y // window, x // window
            if above < down and left < across:
                rank = y % window * window + x % window
                _select(numbers, winner[above, left], rank, gradient[above, left])
            else:
                numbers[:] = 0


@njit(**OPTIONS)
def _select(numbers, winner, rank, given):
    """numbers = given where this rank won, else 0."""
    zero = numbers.dtype.type(0)
    for n in range(len(numbers)):
        numbers[n] = given[n] if winner[n] == rank else zero
