"""The best of some cells, chosen without the test part where that is possible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from hnnlib.evidence.comparison import locate, mean, values_of
from hnnlib.evidence.papers import Select

__all__ = ["best_of", "chooser"]


def chooser(dataset: xr.Dataset, variable: str) -> str:
    """What chooses a best cell: validation accuracy for accuracies, else the variable itself."""
    known = "validation_accuracy" in dataset.data_vars
    return "validation_accuracy" if known and variable.endswith("_accuracy") else variable


def best_of(
    dataset: xr.Dataset, selects: Sequence[Select], variable: str, sense: str = "higher"
) -> Select | None:
    """Selector of the cell whose chooser has the best mean over seeds; None if one is not run."""
    cells = [locate(dataset, s) for s in selects]
    if None in cells:
        return None
    by = chooser(dataset, variable)
    sign = 1 if sense == "higher" else -1
    means = np.array([sign * mean(values_of(dataset, cell, by)) for cell in cells])
    return selects[int(np.nanargmax(means))] if not np.isnan(means).all() else selects[0]
