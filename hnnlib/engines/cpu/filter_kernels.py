"""Compiled code for the trained synaptic filter, whose coefficients differ between inputs.

Arrays as in ``kernels``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS, VIEWS
from hnnlib.engines.cpu.vectors import add_products

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
    steps, width = values.shape[1:]
    adjoint = np.zeros((steps + 2, width), values.dtype)  # 0 behind the last step
    for row in range(first, last):
        _filter_back(row, row // batch, coefficients, gradient, adjoint, to_signal)
        _to_coefficients(signal[row], values[row], adjoint, to_coefficients[row])


@njit(**VIEWS, forceinline=True)
def _filter_back(row, member, coefficients, gradient, adjoint, to_signal):
    """Adjoints of a row, and the gradient of its signal."""
    a1, a2, b = coefficients[0, member], coefficients[1, member], coefficients[2, member]
    for t in range(gradient.shape[1] - 1, -1, -1):
        _adjoint(adjoint[t], gradient[row, t], a1, adjoint[t + 1], a2, adjoint[t + 2])
        if len(to_signal):
            _scale(to_signal[row, t], b, adjoint[t])


@njit(**VIEWS)
def _to_coefficients(signal, values, adjoint, totals):
    """Sums over the steps of a row, from the last on."""
    steps, width = values.shape
    f, past, x = adjoint.reshape(-1), values.reshape(-1), signal.reshape(-1)
    end = (steps - 1) * width
    add_products(totals[0], f, end, -width, past, end - width, -width, steps - 1)
    add_products(totals[1], f, end, -width, past, end - 2 * width, -width, steps - 2)
    if len(signal) == steps:
        add_products(totals[2], f, end, -width, x, end, -width, steps)
    else:
        add_products(totals[2], f, end, -width, x, 0, 0, steps)


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
def _adjoint(out, gradient, a1, after, a2, later):
    for n in range(len(out)):
        out[n] = gradient[n] + a1[n] * after[n] + a2[n] * later[n]
