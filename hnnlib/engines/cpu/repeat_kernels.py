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
from hnnlib.engines.cpu.row_kernels import add
from hnnlib.engines.cpu.vectors import add_rows, count_bits, first_bit

__all__ = ["correlate", "find", "multiply", "rows_to_add"]


@njit(**OPTIONS)
def rows_to_add(sample, width, events, starts):
    """Bases and flips that some rows of ``width`` units have, and their events."""
    steps, often = starts.shape[1] - 1, np.empty(width, np.int64)
    few = total = 0
    for row in sample:
        often[:] = 0
        for e in range(starts[row, 0], starts[row, steps]):
            often[events[e]] += 1
        for unit in range(width):
            if often[unit] > 0:
                few += min(often[unit], steps - often[unit] + 1)
                total += often[unit]
    return few, total


@njit(**OPTIONS)
def find(first, last, width, events, starts, begins, units, owners, on, ends, flips, good):
    """Bases and flips of events of ``width`` units.

    Args:
        events, starts: see ``hnnlib.signals.Events``.
        begins: (row, 2 step + 2); ``units[begins[row, 0]:begins[row, 1]]`` are those whose base is
            on, then for every step those that flip up and those that flip down.
        owners, on: (row, unit) units with a base that is on or with flips, and whether it is on.
        ends: (row, unit + 1): how many such units there are, then the end of each one's ``flips``.
        units, flips: (row, room), see above; ``flips`` holds steps.
        good: (row,) whether no unit stands twice at a step; what is found in others is wrong.
    """
    steps = starts.shape[1] - 1
    # the steps of a unit as bits, and those that there are
    fired = np.zeros((width, (steps + 63) // 64), np.uint64)
    every = np.zeros(fired.shape[1], np.uint64)
    for t in range(steps):
        every[t >> 6] |= np.uint64(1) << np.uint64(t & 63)
    for row in range(first, last):
        good[row] = _write_bits(events, starts[row], fired)
        found = place = late = 0
        for unit in range(width):
            count = 0
            for word in range(len(every)):
                count += count_bits(fired[unit, word])
            if count == 0:
                continue
            base = 2 * count > steps
            if base:
                units[row, place] = unit
                place += 1
            for word in range(len(every)):
                left = fired[unit, word] ^ (every[word] if base else np.uint64(0))
                fired[unit, word] = 0
                while left != 0:
                    flips[row, late] = 64 * word + first_bit(left)
                    late += 1
                    left &= left - np.uint64(1)
            owners[row, found], on[row, found] = unit, base
            found += 1
            ends[row, found] = late
        ends[row, 0] = found
        _by_time(place, owners[row], on[row], ends[row], flips[row], begins[row], units[row])


@njit(**OPTIONS)
def _write_bits(events, starts, fired):
    """The events of a row as bits in ``fired`` (unit, word); whether none stands twice."""
    once = True
    for t in range(len(starts) - 1):
        word, bit = t >> 6, np.uint64(1) << np.uint64(t & 63)
        for e in range(starts[t], starts[t + 1]):
            before = fired[events[e], word]
            once &= before & bit == 0
            fired[events[e], word] = before | bit
    return once


@njit(**OPTIONS)
def _by_time(place, owners, on, ends, flips, begins, units):
    """The flips of a row by step and direction, behind the ``place`` bases in ``units``."""
    begins[:] = 0
    begins[1] = place
    begin = 0
    for k in range(ends[0]):
        for e in range(begin, ends[k + 1]):
            begins[2 * flips[e] + on[k] + 2] += 1
        begin = ends[k + 1]
    for slot in range(2, len(begins)):
        begins[slot] += begins[slot - 1]
    end = begins[-1]
    # filled from behind, every slot's end moves down to its begin
    begin = 0
    for k in range(ends[0]):
        for e in range(begin, ends[k + 1]):
            slot = 2 * flips[e] + on[k] + 2
            begins[slot] -= 1
            units[begins[slot]] = owners[k]
        begin = ends[k + 1]
    for slot in range(1, len(begins) - 1):
        begins[slot] = begins[slot + 1]
    begins[-1] = end


@njit(**OPTIONS)
def multiply(first, last, batch, shared, begins, units, weight, out):
    """Product with the weights (member, input, unit or more), into ``out`` (row, step, unit)."""
    memory = np.empty((2, out.shape[2]), weight.dtype)
    for row in range(first, last):
        source = row % batch if shared else row
        _multiply_row(begins[source], units[source], weight[row // batch], out[row], memory)


@njit(**VIEWS)
def _multiply_row(begins, units, table, out, memory):
    """A row of ``multiply``."""
    base, less = memory[0], memory[1]
    base[:] = 0
    add_rows(base, table, 0, 1, units, begins[0], begins[1])
    for t in range(len(out)):
        less[:] = 0
        add_rows(less, table, 0, 1, units, begins[2 * t + 2], begins[2 * t + 3])
        total = out[t]
        subtract(total, base, less)
        add_rows(total, table, 0, 1, units, begins[2 * t + 1], begins[2 * t + 2])


@njit(**OPTIONS)
def correlate(low, high, batch, shared, owners, on, ends, flips, adjoint, gradient):
    """Gradient of all members' weights, input units ``low`` to ``high``, added to ``gradient``.

    Args:
        adjoint: of the product, (row, step, unit).
        gradient: (member, input, unit).
    """
    memory = np.empty((2, adjoint.shape[2]), adjoint.dtype)
    for row in range(batch * len(gradient)):
        source = row % batch if shared else row
        _correlate_row(
            low,
            high,
            owners[source],
            on[source],
            ends[source],
            flips[source],
            adjoint[row],
            gradient[row // batch],
            memory,
        )


@njit(**VIEWS)
def _correlate_row(low, high, owners, on, ends, flips, table, gradient, memory):
    """A row of ``correlate``."""
    whole, less = memory[0], memory[1]
    whole[:] = 0
    for t in range(len(table)):
        add(whole, table[t])
    begin = 0
    for k in range(ends[0]):
        end, unit = ends[k + 1], owners[k]
        if low <= unit < high:
            total = gradient[unit]
            if on[k]:
                less[:] = 0
                add_rows(less, table, 0, 1, flips, begin, end)
                add_difference(total, whole, less)
            else:
                add_rows(total, table, 0, 1, flips, begin, end)
        begin = end


@njit(**OPTIONS)
def subtract(row, left, right):
    """row = left - right."""
    for n in range(len(row)):
        row[n] = left[n] - right[n]


@njit(**OPTIONS)
def add_difference(row, left, right):
    """row += left - right."""
    for n in range(len(row)):
        row[n] += left[n] - right[n]
