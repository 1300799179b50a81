"""Ranks and their correlation; scipy has both in a module that takes a second to import."""

from __future__ import annotations

import numpy as np

__all__ = ["ranks", "spearman"]


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 of finite numbers (one dimension); equal ones share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[places]


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Correlation of the ranks of finite numbers (Spearman 1904), neither side constant."""
    return float(np.corrcoef(np.column_stack([ranks(x), ranks(y)]), rowvar=False)[1, 0])
