"""Matched: compared cells differ in what is compared, and in nothing else."""

from __future__ import annotations

import numpy as np

from hnnlib.evidence.comparison import Comparison, at
from hnnlib.evidence.gates.base import Asked, fits, passes_of

__all__ = ["matched"]


def matched(asked: Asked, c: Comparison) -> str | None:
    """Grid, passes, size and tuning are shared; a chosen learning rate lies inside its list."""
    cells = list(dict.fromkeys(c.cells))
    for cell in cells:
        for fault in asked.gates.faults:
            if fault.gate == "matched" and fits(asked.dataset, cell, fault.where):
                return fault.reason
        if reason := _at_the_end(asked, cell):
            return reason
    for name in asked.gates.matched:
        if name in asked.dataset.variables and name not in c.selects[0]:
            values = [
                _written(at(asked.dataset, cell, asked.dataset.variables[name])) for cell in cells
            ]
            if len(set(values)) > 1:
                other = next(k for k, value in enumerate(values) if value != values[0])
                return (
                    f"{cells[0]} and {cells[other]} differ in {name.replace('_', ' ')}: "
                    f"{values[0]} against {values[other]}"
                )
    passes = [passes_of(asked.dataset, cell) for cell in cells]
    if len(set(passes)) > 1 and c.kind in ("difference", "series"):
        return f"{', '.join(cells)} made {', '.join(map(str, passes))} passes"
    return None


def _written(values: np.ndarray) -> str:
    """Values of a cell as text; of an axis, how many and where from and to."""
    values = np.asarray(values)
    if values.ndim == 0:
        return f"{values:g}" if np.issubdtype(values.dtype, np.floating) else str(values)
    known = values[np.isfinite(values)]
    return f"{known.size} from {known.min():g} to {known.max():g}" if known.size else "none"


def _at_the_end(asked: Asked, cell: str) -> str | None:
    """Whether the cell's rate may be the last of its list, so that a better one lies beyond."""
    dataset = asked.dataset
    if not asked.gates.tuned or not fits(dataset, cell, asked.gates.tuned):
        return None
    if "tried_rate" not in dataset.variables:
        return f"the store does not say which learning rates {cell}'s was chosen from"
    rate = float(at(dataset, cell, dataset.variables["learning_rate"]))
    tried = dataset.variables["tried_rate"]
    tried = np.asarray(at(dataset, cell, tried) if "cell" in tried.dims else tried.values, float)
    tried = tried[np.isfinite(tried)]
    for end, word in ((tried.max(), "largest"), (tried.min(), "smallest")):
        if np.isclose(rate, end):
            return f"the learning rate chosen for {cell}, {rate:g}, is the {word} of its list"
    return None
