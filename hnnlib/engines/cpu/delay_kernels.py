"""Compiled code for a line of delays, whose taps differ between units.

Arrays as in ``kernels``; taps are (member, lag, unit), of which a member has the first ``reach``
(member,). A sum over lags or steps stays in registers while they pass.
"""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import VIEWS
from hnnlib.engines.cpu.vectors import add_products

__all__ = ["delay_backward", "delay_forward"]

_NEAR = 32
"""Steps of a row that stay in the nearest cache while all lags pass."""


@njit(**VIEWS)
def delay_forward(first, last, batch, reach, taps, signal, values):
    """m[t] = sum_i taps[i] z[t - i], to ``values``."""
    steps, width = signal.shape[1:]
    for row in range(first, last):
        member = row // batch
        weights, lags, z = taps[member].reshape(-1), reach[member], signal[row].reshape(-1)
        for t in range(steps):
            total = values[row, t]
            total[:] = 0
            add_products(total, weights, 0, width, z, t * width, -width, min(lags, t + 1))


@njit(**VIEWS)
def delay_backward(first, last, batch, reach, taps, signal, gradient, to_signal, to_taps):
    """dz[t] = sum_i taps[i] dm[t + i] and dtaps[i] = sum_t dm[t] z[t - i], to ``to_signal`` and
    to ``to_taps`` (row, lag, unit), 0 of lags that a member doesn't have.
    """
    steps, width = signal.shape[1:]
    for row in range(first, last):
        member = row // batch
        weights, lags = taps[member].reshape(-1), reach[member]
        z, g = signal[row].reshape(-1), gradient[row].reshape(-1)
        for t in range(steps):
            total = to_signal[row, t]
            total[:] = 0
            add_products(total, weights, 0, width, g, t * width, width, min(lags, steps - t))
        sums = to_taps[row]
        sums[:] = 0
        for begin in range(0, steps, _NEAR):
            end = min(begin + _NEAR, steps)
            for lag in range(lags):
                t = max(begin, lag)
                here = t * width
                add_products(sums[lag], g, here, width, z, here - lag * width, width, end - t)
