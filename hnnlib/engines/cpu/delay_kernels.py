"""Compiled code for a line of delays, whose taps differ between units.

Arrays as in ``kernels``; taps are (member, lag, unit).
"""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import VIEWS

__all__ = ["delay_backward", "delay_forward"]


@njit(**VIEWS)
def delay_forward(first, last, batch, taps, signal, values):
    """m[t] = sum_i taps[i] z[t - i], added to ``values``."""
    steps, width = signal.shape[1:]
    for row in range(first, last):
        weights = taps[row // batch]
        for t in range(steps):
            value = values[row, t]
            for lag in range(min(len(weights), t + 1)):
                tap, x = weights[lag], signal[row, t - lag]
                for n in range(width):
                    value[n] += tap[n] * x[n]


@njit(**VIEWS)
def delay_backward(first, last, batch, taps, signal, gradient, to_signal, to_taps):
    """dz[t] = sum_i taps[i] dm[t + i] and dtaps[i] = sum_t dm[t] z[t - i], added to ``to_signal``
    and to ``to_taps`` (row, lag, unit).
    """
    steps, width = signal.shape[1:]
    for row in range(first, last):
        weights, sums = taps[row // batch], to_taps[row]
        for t in range(steps):
            g = gradient[row, t]
            for lag in range(min(len(weights), t + 1)):
                tap, x = weights[lag], signal[row, t - lag]
                to_x, total = to_signal[row, t - lag], sums[lag]
                for n in range(width):
                    to_x[n] += tap[n] * g[n]
                for n in range(width):
                    total[n] += g[n] * x[n]
