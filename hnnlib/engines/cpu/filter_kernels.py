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
    """F[t] = a1 F[t-1] + a2 F[t-2] + b x[t] with coefficients (3, member, unit)."""
    rows, steps, width = signal.shape
    for row in range(first, last):
        member = row // batch
        a1, a2, b = coefficients[0, member], coefficients[1, member], coefficients[2, member]
        for t in range(steps):
            x, value = signal[row, t], values[row, t]
            if t == 0:
                for n in range(width):
                    value[n] = b[n] * x[n]
            elif t == 1:
                last_value = values[row, 0]
                for n in range(width):
                    value[n] = a1[n] * last_value[n] + b[n] * x[n]
            else:
                last_value, before = values[row, t - 1], values[row, t - 2]
                for n in range(width):
                    value[n] = a1[n] * last_value[n] + a2[n] * before[n] + b[n] * x[n]


@njit(**OPTIONS)
def filter_backward(
    first, last, batch, coefficients, signal, values, gradient, to_signal, to_coefficients
):
    """With f the adjoint of F: f = dF + a1 f' + a2 f'' backwards in time; dx = b f, da = sum of f
    times F', F'', x, added to ``to_coefficients`` (row, 3, unit).
    """
    steps, width = signal.shape[1:]
    adjoint = np.zeros((steps + 2, width), signal.dtype)  # 0 behind the last step
    for row in range(first, last):
        own = coefficients[:, row // batch]
        _filter_back(own, gradient[row], adjoint, to_signal[row])
        _to_coefficients(signal[row], values[row], adjoint, to_coefficients[row])


@njit(**VIEWS)
def _filter_back(coefficients, gradient, adjoint, to_signal):
    """Adjoints of a row, and the gradient of its signal."""
    a1, a2, b = coefficients[0], coefficients[1], coefficients[2]
    for t in range(len(gradient) - 1, -1, -1):
        f, after, later = adjoint[t], adjoint[t + 1], adjoint[t + 2]
        g, out = gradient[t], to_signal[t]
        for n in range(len(f)):
            f[n] = g[n] + a1[n] * after[n] + a2[n] * later[n]
        for n in range(len(f)):
            out[n] = b[n] * f[n]


@njit(**VIEWS)
def _to_coefficients(signal, values, adjoint, totals):
    """Sums over the steps of a row, from the last on."""
    steps, width = signal.shape
    f, past, x = adjoint.reshape(-1), values.reshape(-1), signal.reshape(-1)
    end = (steps - 1) * width
    add_products(totals[0], f, end, -width, past, end - width, -width, steps - 1)
    add_products(totals[1], f, end, -width, past, end - 2 * width, -width, steps - 2)
    add_products(totals[2], f, end, -width, x, end, -width, steps)
