"""Compiled code for spike trains that repeat themselves, as rate-coded pixels do.

A pixel that fires at most steps is cheaper told by when it doesn't. Every unit of a row (one
example of one member) is a *base*, on or off throughout, and *flips*: steps at which it is not what
its base says. All flips of a unit count the same way, up where its base is off, down where it is
on.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS, VIEWS

__all__ = ["correlate", "find", "multiply"]


@njit(**OPTIONS)
def find(first, last, signal, begins, units, owners, on, ends, flips, events):
    """Base and flips of a signal (step, row, unit) of zeros and ones.

    Args:
        begins: (row, 2 step + 2); ``units[begins[row, 0]:begins[row, 1]]`` are those whose base is
            on, then for every step those that flip up and those that flip down.
        owners, on: (row, unit) units with a base that is on or with flips, and whether it is on.
        ends: (row, unit + 1): how many such units there are, then the end of each one's ``flips``.
        units, flips: (row, room), see above; ``flips`` holds steps.
        events: (row,) number of ones, or -1 where something else stands in the row.
    """
    steps, _, width = signal.shape
    counts = np.empty(width, np.int64)
    for row in range(first, last):
        counts[:] = 0
        other = 0
        for t in range(steps):
            numbers = signal[t, row]
            for n in range(width):
                counts[n] += numbers[n] == 1
                other += (numbers[n] != 0) & (numbers[n] != 1)
        events[row] = counts.sum() if other == 0 else -1
        found = place = late = 0
        for n in range(width):
            if counts[n] == 0:
                continue
            base = 2 * counts[n] > steps
            if base:
                units[row, place] = n
                place += 1
            for t in range(steps):
                if (signal[t, row, n] == 1) != base:
                    flips[row, late] = t
                    late += 1
            owners[row, found], on[row, found] = n, base
            found += 1
            ends[row, found] = late
        ends[row, 0] = found
        begins[row, 0], begins[row, 1] = 0, place
        for t in range(steps):
            for down in range(2):
                for k in range(found):
                    n = owners[row, k]
                    if on[row, k] == (down == 1) and (signal[t, row, n] == 1) != on[row, k]:
                        units[row, place] = n
                        place += 1
                begins[row, 2 * t + 2 + down] = place


@njit(**VIEWS)
def _add(total, table, places, first, last, sign):
    """Add to ``total``, or take away, the rows of ``table`` that ``places[first:last]`` names."""
    e = first
    while e + 4 <= last:
        a, b = table[places[e]], table[places[e + 1]]
        c, d = table[places[e + 2]], table[places[e + 3]]
        for n in range(len(total)):
            total[n] += sign * ((a[n] + b[n]) + (c[n] + d[n]))
        e += 4
    while e < last:
        a = table[places[e]]
        for n in range(len(total)):
            total[n] += sign * a[n]
        e += 1


@njit(**OPTIONS)
def multiply(first, last, batch, shared, begins, units, weight, out):
    """Product with the weights (member, input, unit), into ``out`` (row, step, unit)."""
    width = weight.shape[2]
    base = np.empty(width, weight.dtype)
    up, down = weight.dtype.type(1), weight.dtype.type(-1)
    for row in range(first, last):
        table = weight[row // batch]
        source = row % batch if shared else row
        begin, named = begins[source], units[source]
        base[:] = 0
        _add(base, table, named, begin[0], begin[1], up)
        for t in range(out.shape[1]):
            total = out[row, t]
            total[:] = base
            _add(total, table, named, begin[2 * t + 1], begin[2 * t + 2], up)
            _add(total, table, named, begin[2 * t + 2], begin[2 * t + 3], down)


@njit(**OPTIONS)
def correlate(low, high, member, batch, shared, owners, on, ends, flips, adjoint, gradient):
    """Gradient of a member's weights, input units ``low`` to ``high``, added to ``gradient``.

    Args:
        adjoint: of the product, (row, step, unit).
        gradient: (member, input, unit).
    """
    steps, width = adjoint.shape[1:]
    whole = np.empty(width, adjoint.dtype)
    up, down = adjoint.dtype.type(1), adjoint.dtype.type(-1)
    for example in range(batch):
        row = member * batch + example
        source = example if shared else row
        table = adjoint[row]
        whole[:] = 0
        for t in range(steps):
            for n in range(width):
                whole[n] += table[t, n]
        begin = 0
        for k in range(ends[source, 0]):
            end, unit = ends[source, k + 1], owners[source, k]
            if low <= unit < high:
                total = gradient[member, unit]
                if on[source, k]:
                    for n in range(width):
                        total[n] += whole[n]
                _add(total, table, flips[source], begin, end, down if on[source, k] else up)
            begin = end
