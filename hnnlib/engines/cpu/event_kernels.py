"""Compiled code that lists events, orders them and writes them out.

Arrays as in ``kernels``.
"""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS

__all__ = ["by_unit", "counted", "list_ones", "write_out"]


@njit(**OPTIONS)
def by_unit(first, last, units, starts, begins, when, where):
    """Events of each row ordered by unit: ``where`` (row, unit + 1) into ``when``, their steps.

    ``begins`` (row,) says where a row's events start in ``when``: without the room that ``units``
    may have between rows.
    """
    steps, count = starts.shape[1] - 1, where.shape[1] - 1
    for row in range(first, last):
        place = where[row]
        place[:] = 0
        for e in range(starts[row, 0], starts[row, steps]):
            place[units[e] + 1] += 1
        end = begins[row] + starts[row, steps] - starts[row, 0]
        place[0] = begins[row]
        for unit in range(count):
            place[unit + 1] += place[unit]
        # filled from behind, every unit's end moves down to its begin
        for t in range(steps - 1, -1, -1):
            for e in range(starts[row, t], starts[row, t + 1]):
                place[units[e] + 1] -= 1
                when[place[units[e] + 1]] = t
        for unit in range(count):
            place[unit] = place[unit + 1]
        place[count] = end


@njit(**OPTIONS)
def list_ones(first, last, signal, units, starts, good):
    """Events of a signal (step, row, unit) of zeros and ones.

    Gives a row up, and says so in ``good`` (row,), where something else stands in it.
    """
    steps, _, width = signal.shape
    place = first * steps * width
    for row in range(first, last):
        starts[row, 0] = place
        other = 0
        for t in range(steps):
            numbers = signal[t, row]
            for n in range(width):
                units[place] = n
                place += numbers[n] == 1
                other += (numbers[n] != 0) & (numbers[n] != 1)
            starts[row, t + 1] = place
            if other:
                break
        good[row] = other == 0


@njit(**OPTIONS)
def counted(first, last, units, starts, out):
    """How often each unit of ``out`` (row, unit) fired, at any step."""
    for row in range(first, last):
        numbers = out[row]
        numbers[:] = 0
        for e in range(starts[row, 0], starts[row, starts.shape[1] - 1]):
            numbers[units[e]] += 1


@njit(**OPTIONS)
def write_out(first, last, places, units, starts, out):
    """Events as numbers: how often each unit of ``out`` (row, step, unit) fired.

    ``places`` (unit,): where in a row the unit of an event lies.
    """
    for row in range(first, last):
        for t in range(starts.shape[1] - 1):
            numbers = out[row, t]
            numbers[:] = 0
            for e in range(starts[row, t], starts[row, t + 1]):
                numbers[places[units[e]]] += 1
