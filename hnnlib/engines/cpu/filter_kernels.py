"""Compiled code for the trained synaptic filter, whose coefficients differ between inputs.

Arrays as in ``kernels``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS, VIEWS

__all__ = ["filter_backward", "filter_forward"]


@njit(**VIEWS)
def filter_forward(first, last, batch, coefficients, signal, values):
    """F[t] = a1 F[t-1] + a2 F[t-2] + b x[t] with coefficients (3, member, unit).

    Args:
        signal: (row, step, unit), or (row, 1, unit) where it is the same at all steps.
        values: result, (row, step, unit).
    """
    held = signal.shape[1] - 1
    for row in range(first, last):
        member = row // batch
        a1, a2, b = coefficients[0, member], coefficients[1, member], coefficients[2, member]
        for t in range(values.shape[1]):
            x, value = signal[row, min(t, held)], values[row, t]
            if t == 0:
                _scale(value, b, x)
            elif t == 1:
                _second(value, a1, values[row, 0], b, x)
            else:
                _later(value, a1, values[row, t - 1], a2, values[row, t - 2], b, x)


@njit(**OPTIONS)
def filter_backward(
    first, last, batch, coefficients, signal, values, gradient, to_signal, to_coefficients
):
    """With f the adjoint of F: f = dF + a1 f' + a2 f'' backwards in time; dx = b f, da = sum of f
    times F', F'', x, added to ``to_coefficients`` (row, 3, unit).

    Args:
        to_signal: result, (row, step, unit), or of no row where it is not wanted.
        others: as in ``filter_forward``.
    """
    memory = np.empty((2, values.shape[2]), values.dtype)
    for row in range(first, last):
        _reverse_row(
            row,
            row // batch,
            coefficients,
            signal,
            values,
            gradient,
            to_signal,
            to_coefficients[row],
            memory,
        )


@njit(**VIEWS, forceinline=True)
def _reverse_row(
    row, member, coefficients, signal, values, gradient, to_signal, to_coefficients, memory
):
    a1, a2, b = coefficients[0, member], coefficients[1, member], coefficients[2, member]
    to_a1, to_a2, to_b = to_coefficients[0], to_coefficients[1], to_coefficients[2]
    after, later, held = memory[0], memory[1], signal.shape[1] - 1
    memory[:] = 0
    for t in range(values.shape[1] - 1, -1, -1):
        _adjoint(gradient[row, t], a1, after, a2, later)
        if len(to_signal):
            _scale(to_signal[row, t], b, after)
        _add_product(to_b, after, signal[row, min(t, held)])
        if t > 0:
            _add_product(to_a1, after, values[row, t - 1])
        if t > 1:
            _add_product(to_a2, after, values[row, t - 2])


# One loop over all of these arrays would not be vectorised: the compiler gives up where it would
# have to test that many against each other for overlap.


@njit(**OPTIONS)
def _scale(out, factor, row):
    for n in range(len(out)):
        out[n] = factor[n] * row[n]


@njit(**OPTIONS)
def _second(out, a1, last, b, x):
    for n in range(len(out)):
        out[n] = a1[n] * last[n] + b[n] * x[n]


@njit(**OPTIONS)
def _later(out, a1, last, a2, before, b, x):
    for n in range(len(out)):
        out[n] = a1[n] * last[n] + a2[n] * before[n] + b[n] * x[n]


@njit(**OPTIONS)
def _adjoint(gradient, a1, after, a2, later):
    """``after`` and ``later`` move one step back."""
    for n in range(len(gradient)):
        f = gradient[n] + a1[n] * after[n] + a2[n] * later[n]
        later[n] = after[n]
        after[n] = f


@njit(**OPTIONS)
def _add_product(total, left, right):
    for n in range(len(total)):
        total[n] += left[n] * right[n]
