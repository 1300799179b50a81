"""``Rectangle``."""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS
from hnnlib.engines.cpu.row import SurrogateRow
from hnnlib.surrogates.rectangle import Rectangle

__all__ = ["ROWS"]


@njit(**OPTIONS)
def _slopes(shape, threshold, potential, slope):
    """The window is measured from the threshold of the equation, of which ``threshold`` may be the
    next lower number.
    """
    half_width, peak, middle = shape[0], shape[1], shape[2]
    zero = slope.dtype.type(0)
    for n in range(len(slope)):
        distance = potential[n] - middle
        slope[n] = peak if (distance > -half_width) & (distance <= half_width) else zero


ROWS = (
    SurrogateRow(
        Rectangle,
        lambda surrogate, threshold: (
            surrogate.half_width,
            surrogate.peak(),
            threshold + surrogate.centre,
        ),
        _slopes,
    ),
)
