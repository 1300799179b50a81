"""When and how fast a membrane fires."""

from __future__ import annotations

import numpy as np

__all__ = ["LEVEL", "crossings", "rates"]

LEVEL = -20.0  # mV, eFEL's default


def crossings(voltage: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Where the potential rises through a level: (..., steps) bool, at the first sample above."""
    above = voltage > level
    risen = np.zeros_like(above)
    risen[..., 1:] = above[..., 1:] & ~above[..., :-1]
    return risen


def rates(voltage: np.ndarray, dt: float, level: float = LEVEL) -> np.ndarray:
    """Inverse of the mean interval between spikes, Hz; 0 below two spikes: (...,) float64.

    Args:
        voltage: (..., steps) mV, `dt` ms apart.
    """
    risen = crossings(voltage, level)
    count, steps = risen.sum(-1), risen.shape[-1]
    span = steps - 1 - risen[..., ::-1].argmax(-1) - risen.argmax(-1)
    fires = count > 1
    return np.where(fires, 1e3 * (count - 1) / np.where(fires, span * dt, 1.0), 0.0)
