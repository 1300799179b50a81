"""Compiled code for a row of units in one step, but for its neurons.

Loops over a row that may overlap another, as far as the compiler can tell: in a function of their
own they are vectorised after a test that it doesn't, amidst others they may not be.
"""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS
from hnnlib.engines.cpu.vectors import list_above

__all__ = ["add", "assign", "combine", "filter_row", "list_spikes", "unfilter_row"]


@njit(**OPTIONS)
def list_spikes(potential, threshold, names, units, place, end):
    """Append the names of units above threshold to ``units`` at ``place``; the new end, which is at
    most ``end``.
    """
    behind = list_above(potential, threshold, units, place, end)
    for e in range(place, behind):
        units[e] = names[units[e]]
    return behind


@njit(**OPTIONS)
def assign(row, given):
    """row = given."""
    for n in range(len(row)):
        row[n] = given[n]


@njit(**OPTIONS)
def add(row, added):
    """row += added."""
    for n in range(len(row)):
        row[n] += added[n]


@njit(**OPTIONS)
def combine(row, factor, left, right):
    """row = factor left + right."""
    for n in range(len(row)):
        row[n] = factor * left[n] + right[n]


@njit(**OPTIONS)
def filter_row(filtering, x, value, before):
    """F[t] = a1 F[t-1] + a2 F[t-2] + b x[t]: ``value`` and ``before`` move one step on."""
    a1, a2, b = filtering[0], filtering[1], filtering[2]
    for n in range(len(value)):
        new_value = a1 * value[n] + a2 * before[n] + b * x[n]
        before[n] = value[n]
        value[n] = new_value


@njit(**OPTIONS)
def unfilter_row(filtering, x, after, later):
    """The reverse: ``x``, gradient of F[t], becomes that of the filter's input."""
    a1, a2, b = filtering[0], filtering[1], filtering[2]
    for n in range(len(x)):
        adjoint = a1 * after[n] + a2 * later[n] + x[n]
        later[n] = after[n]
        after[n] = adjoint
        x[n] = b * adjoint
