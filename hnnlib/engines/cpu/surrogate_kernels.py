"""Compiled surrogate derivatives, of a row of units.

Arrays as in ``kernels``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS

__all__ = ["ATAN", "GAUSSIAN", "NONE", "SIGMOID", "SUPERSPIKE", "slopes", "sloped"]

NONE, SUPERSPIKE, ATAN, GAUSSIAN, SIGMOID = range(5)
"""Kinds; neurons that never spike have none."""


@njit(**OPTIONS)
def slopes(surrogate, sharpness, threshold, potential, powers, index, slope):
    """Surrogate derivative at each unit's distance from threshold.

    ``sharpness`` is the surrogate's parameter: a slope, an alpha, or a Gaussian's sigma.
    ``powers`` holds 2^0, 2^-1, ... down to 0, and ``index`` is scratch, both for the exponential:
    the C library's can't be vectorised. This one is right to 2e-10.
    """
    real = slope.dtype.type
    one, half = real(1), real(0.5)
    if surrogate == SUPERSPIKE:
        for n in range(len(slope)):
            x = abs(potential[n] - threshold) * sharpness + one
            slope[n] = one / (x * x)
    elif surrogate == ATAN:
        peak, scale = sharpness * half, sharpness * real(np.pi / 2)
        for n in range(len(slope)):
            x = (potential[n] - threshold) * scale
            slope[n] = peak / (one + x * x)
    else:
        gaussian = surrogate == GAUSSIAN
        scale = one / sharpness if gaussian else sharpness
        log2, most = real(np.log(2)), real(len(powers) - 1)
        tail = real(1 / 40320)
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
            slope[n] = one + rest * (one + rest * near)
            index[n] = np.int32(whole)
        # loops of their own, or none would be vectorised
        if gaussian:
            peak = one / (real(np.sqrt(2 * np.pi)) * sharpness)
            for n in range(len(slope)):
                slope[n] *= peak * powers[np.uint32(index[n])]
        else:
            for n in range(len(slope)):
                power = slope[n] * powers[np.uint32(index[n])]
                slope[n] = sharpness * power / ((one + power) * (one + power))


@njit(**OPTIONS)
def sloped(first, last, batch, spiking, surrogate, sharpness, powers, potential, slope):
    """Surrogate derivatives, (row, unit), of the units before ``spiking`` (member,) at threshold 1.

    Args:
        others: as in ``reverse``.
    """
    index = np.empty(potential.shape[1], np.int32)
    one = potential.dtype.type(1)
    for row in range(first, last):
        count = spiking[row // batch]
        u, d = potential[row, :count], slope[row, :count]
        slopes(surrogate, sharpness, one, u, powers, index, d)
