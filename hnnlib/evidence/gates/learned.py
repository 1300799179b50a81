"""Learned: every seed of every compared cell learned its training data."""

from __future__ import annotations

import numpy as np

from hnnlib.errors import counted
from hnnlib.evidence.comparison import Comparison, chance_of, constant_seeds, ran, values_of
from hnnlib.evidence.gates.base import Asked

__all__ = ["learned"]


def learned(asked: Asked, c: Comparison) -> str | None:
    """Seed by seed: above chance by the stated margin, and not one answer to everything.

    A mean over seeds would let a dead one pass among lively ones. A seed that diverged learned
    nothing. Single outputs that never answer are shown beside the answer and shut nothing.
    """
    if "train_accuracy" not in asked.dataset.variables:
        return "the store does not say what the networks learned"
    for cell in (cell for cell in c.cells if cell not in c.may_fail):
        margin = asked.of_data(asked.gates.learned, cell)
        if margin is None:
            return "the paper's file states no margin above chance"
        some = ran(asked.dataset, [cell], "train_accuracy")
        train = np.atleast_1d(values_of(asked.dataset, cell, "train_accuracy")[some])
        chance = chance_of(asked.dataset, cell)
        low = ~(train >= chance + margin)
        seeds = f"{counted(low.size, 'seed')} of {cell}"
        if low.any():
            least = (
                f"the least {np.nanmin(train):.1f} %" if np.isfinite(train).any() else "diverged"
            )
            return (
                f"{low.sum()} of {seeds} did not learn their training data "
                f"({least}, chance {chance:g} %)"
            )
        if constant := constant_seeds(asked.dataset, cell):
            return f"{constant} of {seeds} give one answer to everything"
    return None
