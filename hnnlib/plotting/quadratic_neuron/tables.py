"""Tables of the study ``quadratic_neuron``."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from hnnlib.analysis import cells
from hnnlib.analysis.statistics import mean_interval

__all__ = ["accuracy_table", "exact_table"]

_EXACT = {
    "fixed_point_error": "fixed points, error",
    "slope_at_rest": "slope at u1",
    "slope_at_critical": "slope at u2",
    "escape": "steps to a spike from 0.75",
    "half_width": "half-width g",
    "moment_error": "moments, error at steps 1 and 2",
    "later_error": "error at step 3",
    "deviation_ratio": "s.d. predicted by drawn, step 4",
}


def exact_table(store: xr.Dataset) -> pd.DataFrame:
    """What is computed without training, a row for each neuron and spread of its input."""
    exact = cells.select(store, arm="exact")
    labels = {key: exact[key].values.astype(str) for key in ("neuron", "reading", "leak", "sigma")}
    return pd.DataFrame(labels | {text: exact[name].values for name, text in _EXACT.items()})


def accuracy_table(store: xr.Dataset) -> pd.DataFrame:
    """Test accuracy in percent of every trained cell, with its interval over seeds; NaN where all
    of them failed.
    """
    trained = store.isel(cell=store["train_seconds"].notnull().values)
    rows = []
    for place in range(trained.sizes["cell"]):
        cell = trained.isel(cell=place)
        found = mean_interval(cells.accuracy(cell))
        rows.append(
            {"cell": str(cell["cell"].item()), "arm": str(cell["arm"].item())}
            | {"mean": found.mean, "low": found.low, "high": found.high}
            | {"spikes": float(cell["spikes"].mean()), "half-width": float(cell["half_width"])}
        )
    return pd.DataFrame(rows)
