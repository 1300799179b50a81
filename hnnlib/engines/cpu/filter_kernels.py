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
    rows, steps, width = signal.shape
    after, later = np.empty(width, signal.dtype), np.empty(width, signal.dtype)
    for row in range(first, last):
        member = row // batch
        a1, a2, b = coefficients[0, member], coefficients[1, member], coefficients[2, member]
        after[:] = 0
        later[:] = 0
        for t in range(steps - 1, -1, -1):
            x, g, out = signal[row, t], gradient[row, t], to_signal[row, t]
            for n in range(width):
                f = g[n] + a1[n] * after[n] + a2[n] * later[n]
                later[n] = after[n]
                after[n] = f
                out[n] = b[n] * f
                to_coefficients[row, 2, n] += f * x[n]
            if t > 0:
                past = values[row, t - 1]
                for n in range(width):
                    to_coefficients[row, 0, n] += after[n] * past[n]
            if t > 1:
                past = values[row, t - 2]
                for n in range(width):
                    to_coefficients[row, 1, n] += after[n] * past[n]
