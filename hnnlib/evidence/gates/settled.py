"""Settled: the run has the paper's number of passes, or what is compared no longer moves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hnnlib.analysis import statistics
from hnnlib.analysis.curves import held
from hnnlib.errors import counted
from hnnlib.evidence.comparison import Comparison, at
from hnnlib.evidence.gates.base import Asked, passes_of

__all__ = ["settled"]

_LOSS = "validation_loss"


def settled(asked: Asked, c: Comparison) -> str | None:
    """Whether the compared validation accuracies stay where they are in the last third of training.

    Two cells: their difference; cells in an order: each step; otherwise, and where no accuracy is
    compared, the accuracy of each cell. It is settled where the change over the last third (a line
    through it, seed by seed) lies within the margin with its 90 % interval. Where a cell is a
    surface, numbers that sum it up rest on its mean accuracy, others on that of its best point.
    What is no accuracy may move while accuracy stays, at chance for one: where there is a curve of
    validation losses, they must rest, too, in percent of the last. What training is counted to have
    done, such as diverging, it may still do.
    """
    cells = list(dict.fromkeys(c.cells))
    short = [cell for cell in cells if not _long_enough(asked, cell)]
    if not short:
        return None
    if c.kind == "number":
        return "in a training of the paper's length what is counted may still come"
    about = _passes(asked, short[0])
    compares = c.variable.endswith("_accuracy") and c.kind in ("difference", "series")
    curve = _curve(asked, c.variable)
    if curve not in asked.dataset.variables:
        return f"{about}, and no curve says whether training had come to rest"
    groups = list(pairwise(cells)) if compares and len(cells) > 1 else [(cell,) for cell in cells]
    for group in groups:
        margin = asked.of_data(asked.gates.settled, group[0])
        if margin is None:
            return f"{about}, and the paper's file states no margin"
        what = "the difference" if len(group) > 1 else "validation accuracy"
        if reason := _moves(_curves(asked, curve, group), margin, what):
            return f"{about}, {reason}"
        if not c.variable.endswith("_accuracy") and _LOSS in asked.dataset.variables:
            if reason := _moves(_losses(asked, group[0]), margin, "validation loss"):
                return f"{about}, {reason}"
    return None


def _long_enough(asked: Asked, cell: str) -> bool:
    needed, made = asked.of_data(asked.gates.passes, cell), passes_of(asked.dataset, cell)
    return needed is not None and made is not None and made >= needed


def _passes(asked: Asked, cell: str) -> str:
    needed, made = asked.of_data(asked.gates.passes, cell), passes_of(asked.dataset, cell)
    if needed is None:
        return "an unknown number of passes" if made is None else counted(made, "pass", "passes")
    known = "an unknown number" if made is None else made
    return f"{known} of {counted(needed, 'pass', 'passes')}"


def _curve(asked: Asked, variable: str) -> str:
    """What shows that training came to rest: of a number that sums up a surface, all of it."""
    if not variable.endswith("_accuracy") and "surface_curve" in asked.dataset.variables:
        return "surface_curve"
    return "validation_curve"


def _curves(asked: Asked, name: str, cells: tuple[str, ...]) -> np.ndarray:
    """What is compared by seed and pass, in percent; a network that stopped early stays as it was.

    Returns:
        (seed, pass), the first cell's accuracy less the second's, or that of the one.
    """
    found = []
    for cell in cells:
        curve = 100 * np.asarray(at(asked.dataset, cell, asked.dataset[name].variable))
        found.append(held(curve))
    length = min(curve.shape[1] for curve in found)
    first, *rest = (curve[:, :length] for curve in found)
    whole = first - rest[0] if rest else first
    return whole[np.isfinite(whole).all(1)]


def _losses(asked: Asked, cell: str) -> np.ndarray:
    """Validation losses by seed and pass, in percent of the last."""
    curve = held(np.asarray(at(asked.dataset, cell, asked.dataset[_LOSS].variable)))
    curve = curve[np.isfinite(curve).all(1)]
    return 100 * curve / curve[:, -1:]


def _moves(curve: np.ndarray, margin: float, what: str) -> str | None:
    """How it still moves, in words."""
    seeds, length = curve.shape
    difference = what == "the difference"
    if seeds < statistics.SEEDS_NEEDED["interval"] or length < 2:
        return f"too few seeds or passes to see whether {what} had come to rest"
    third = max(1, round(length / 3))
    x = np.arange(third + 1) - third / 2
    slope = (curve[:, -third - 1 :] * x).sum(1) / (x**2).sum()
    change = statistics.mean_interval(third * slope, level=0.90)
    if -margin < change.low and change.high < margin:
        return None
    mean = curve.mean(0)
    places = sorted({max(0, length - 1 - 2 * third), length - 1 - third, length - 1})
    unit = " pp" if difference else " %"
    shown = ", ".join(f"{mean[k]:z.1f}" if difference else f"{mean[k]:.2f}" for k in places) + unit
    if abs(change.mean) < margin:
        return f"whether {what} still moves is open ({shown})"
    if not difference:
        return f"{what} still {'rises' if change.mean > 0 else 'falls'} ({shown})"
    closes = abs(mean[-1]) < abs(mean[-1 - third])
    return f"{what} still {'closes' if closes else 'grows'} ({shown})"
