"""The table of surrogates, and the compiled derivatives of a row of units.

Arrays as in ``kernels``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib.engines import rows
from hnnlib.engines.cpu.compilation import OPTIONS
from hnnlib.engines.cpu.powers import halved
from hnnlib.engines.cpu.row import SurrogateRow
from hnnlib.engines.cpu.table import chosen
from hnnlib.surrogates import ATan, Gaussian, Sigmoid, SuperSpike

__all__ = ["NONE", "ROWS", "sloped", "slopes"]

_MOST_HALVINGS = 1100
"""2^-1100 is 0 in double precision."""
NONE = -1
"""Place in the table of neurons that never spike."""


@njit(**OPTIONS)
def _superspike(shape, threshold, potential, slope):
    sharpness, one = shape[0], slope.dtype.type(1)
    for n in range(len(slope)):
        x = abs(potential[n] - threshold) * sharpness + one
        slope[n] = one / (x * x)


@njit(**OPTIONS)
def _atan(shape, threshold, potential, slope):
    real = slope.dtype.type
    one = real(1)
    peak, scale = shape[0] * real(0.5), shape[0] * real(np.pi / 2)
    for n in range(len(slope)):
        x = (potential[n] - threshold) * scale
        slope[n] = peak / (one + x * x)


@njit(**OPTIONS)
def _exponential(shape, threshold, potential, slope):
    """Of both below; a Gaussian where ``shape`` says so. It is right to 2e-10."""
    real = slope.dtype.type
    one, half = real(1), real(0.5)
    sharpness, gaussian = shape[0], shape[1] > 0
    scale = one / sharpness if gaussian else sharpness
    log2, most = real(np.log(2)), real(_MOST_HALVINGS)
    tail = real(1 / 40320)
    peak = one / (real(np.sqrt(2 * np.pi)) * sharpness)
    for n in range(len(slope)):
        x = abs(potential[n] - threshold) * scale
        y = half * x * x if gaussian else x
        # exp(-y) = 2^-whole * exp(rest), |rest| <= ln(2) / 2
        whole = np.floor(y * real(1 / np.log(2)) + half)
        whole = whole if whole < most else most
        rest = whole * log2 - y
        rest = rest if rest > -half else -half  # far below, where the power is 0
        # exp written out as a series: an inner loop would keep this one from being vectorised
        far = real(1 / 120) + rest * (real(1 / 720) + rest * (real(1 / 5040) + rest * tail))
        near = half + rest * (real(1 / 6) + rest * (real(1 / 24) + rest * far))
        series = one + rest * (one + rest * near)
        if gaussian:
            slope[n] = series * (peak * halved(whole))
        else:
            power = series * halved(whole)
            slope[n] = sharpness * power / ((one + power) * (one + power))


ROWS: list[SurrogateRow] = [
    SurrogateRow(SuperSpike, lambda surrogate, _: (surrogate.slope,), _superspike),
    SurrogateRow(ATan, lambda surrogate, _: (surrogate.alpha,), _atan),
    SurrogateRow(Gaussian, lambda surrogate, _: (surrogate.sigma, 1.0), _exponential),
    SurrogateRow(Sigmoid, lambda surrogate, _: (surrogate.alpha, 0.0), _exponential),
    *rows.found("hnnlib.engines.cpu.surrogates"),
]

slopes = chosen([row.slopes for row in ROWS])
"""Surrogate derivatives of a row of units: a surrogate's place in the table, and see
``SurrogateRow``."""


@njit(**OPTIONS)
def sloped(first, last, batch, spiking, surrogate, shapes, potential, slope):
    """Surrogate derivatives, (row, unit), of the units before ``spiking`` (member,) at threshold 1.

    Args:
        others: as in ``reverse``.
    """
    one = potential.dtype.type(1)
    for row in range(first, last):
        member = row // batch
        count = spiking[member]
        u, d = potential[row, :count], slope[row, :count]
        slopes(surrogate, shapes[member], one, u, d)
