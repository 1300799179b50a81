"""Outputs that never answer, seed by seed.

Training some networks leaves an output unit silent in some seeds: a class that is never the answer,
but where all counts are zero and the tie goes to the first. That is an outcome of the protocol
under test, so it is shown beside the numbers and doesn't take them away. A network whose outputs
are silent but for one gives the same answer to everything; that one learned nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from hnnlib.errors import counted
from hnnlib.evidence.comparison.cells import at, chance_of, mean

__all__ = ["constant_seeds", "dead_outputs", "dead_seeds", "told_dead"]

_TOLD = 2  # cells that are written out


def constant_seeds(dataset: xr.Dataset, cell: str) -> int:
    """Seeds of a cell at which all outputs but one, or all, never answer."""
    dead, chance = _dead(dataset, cell), chance_of(dataset, cell)
    return 0 if np.isnan(chance) else int((dead >= round(100 / chance) - 1).sum())


def dead_seeds(dataset: xr.Dataset, cells: Iterable[str]) -> int:
    """Seeds at which any of some cells has an output that never answers."""
    return int(np.any([_dead(dataset, cell) > 0 for cell in cells] or [False], axis=0).sum())


def dead_outputs(dataset: xr.Dataset, cells: Iterable[str]) -> list[dict]:
    """Cells with an output that never answers, each with what a reader should see.

    Returns:
        For each cell ``cell``, ``outputs`` (that never answer, by seed; None: not run or diverged)
        and ``tie_rate`` (mean percentage of examples whose largest count is shared).
    """
    found = []
    for cell in dict.fromkeys(cells):
        dead = _dead(dataset, cell)
        if (dead > 0).any():
            ties = dataset.variables.get("tie_rate")
            rate = np.nan if ties is None else 100 * mean(at(dataset, cell, ties))
            outputs = [int(value) if np.isfinite(value) else None for value in dead]
            found.append({"cell": cell, "outputs": outputs, "tie_rate": rate})
    return found


def told_dead(dead: Iterable[dict]) -> str:
    """``2 of 10 seeds of a cell have an output that never answers (4.0 % of examples tie)``."""
    said, ties = [], ""
    for one in dead:
        ran = [value for value in one["outputs"] if value is not None]
        ties = "" if np.isnan(one["tie_rate"]) else f" ({one['tie_rate']:.1f} % of examples tie)"
        said.append(f"{sum(map(bool, ran))} of {counted(len(ran), 'seed')} of {one['cell']}")
    if len(said) < 2:
        have = "has" if said and said[0].startswith("1 ") else "have"
        return f"{said[0]} {have} an output that never answers{ties}" if said else ""
    more = len(said) - _TOLD
    others = f" and {more} more cell{'s' * (more > 1)}" if more > 0 else ""
    return f"an output never answers in {', '.join(said[:_TOLD])}{others}"


def _dead(dataset: xr.Dataset, cell: str) -> np.ndarray:
    """Output units that never answer, shape (seed,); NaN where not run, and where not known."""
    if "dead_outputs" not in dataset.variables:
        return np.full(1, np.nan)
    return np.atleast_1d(at(dataset, cell, dataset.variables["dead_outputs"])).astype(float)
