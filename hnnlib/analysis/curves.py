"""Curves by epoch."""

from __future__ import annotations

import numpy as np

__all__ = ["held"]


def held(curves: np.ndarray) -> np.ndarray:
    """Curves by epoch, where those that ended early stay as they were.

    Args:
        curves: (..., epoch), NaN behind the end of each.

    Returns:
        (..., epoch), up to the last epoch that one of them has.

    >>> held(np.array([[1.0, 2.0, np.nan, np.nan], [3.0, 4.0, 5.0, np.nan]]))
    array([[1., 2., 2.],
           [3., 4., 5.]])
    """
    known = np.isfinite(curves)
    length = max(1, known.sum(-1).max(initial=0))
    curves, known = curves[..., :length], known[..., :length]
    last = np.maximum.accumulate(np.where(known, np.arange(length), 0), -1)
    return np.take_along_axis(curves, last, -1)
