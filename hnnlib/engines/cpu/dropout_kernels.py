"""Compiled code for dropout.

Arrays as in ``kernels``; noise is (member, step, example, unit), as it is drawn.
"""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS, VIEWS

__all__ = ["drop_backward", "drop_forward"]


@njit(**VIEWS)
def drop_forward(first, last, batch, share, kept, noise, units, starts, out):
    """Events as numbers 1 / kept, of units whose noise is not below ``share``, to ``out``."""
    nothing = out.dtype.type(0)
    scale = out.dtype.type(1) / kept
    for row in range(first, last):
        member, example = row // batch, row % batch
        for t in range(out.shape[1]):
            numbers, drawn = out[row, t], noise[member, t, example]
            numbers[:] = 0
            for e in range(starts[row, t], starts[row, t + 1]):
                unit = units[e]
                numbers[unit] += scale if drawn[unit] >= share else nothing


@njit(**VIEWS)
def drop_backward(first, last, batch, share, kept, noise, gradient, to_signal):
    """The gradient of the signal, from that of ``out``."""
    for row in range(first, last):
        member, example = row // batch, row % batch
        for t in range(gradient.shape[1]):
            _drop(to_signal[row, t], gradient[row, t], noise[member, t, example], share, kept)


@njit(**OPTIONS)
def _drop(row, given, drawn, share, kept):
    nothing = given.dtype.type(0)
    for n in range(len(row)):
        scaled = given[n] / kept
        row[n] = scaled if drawn[n] >= share else nothing
