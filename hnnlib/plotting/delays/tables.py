"""All cells as a table."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from hnnlib.analysis.statistics import mean_interval

__all__ = ["table"]

_WHAT = [
    "size",
    "units",
    "line",
    "order",
    "neuron",
    "init",
    "trained",
    "width",
    "mask_axis",
    "draw",
]
_COUNTS = {"parameters": "parameters", "states": "states of a unit"}
_MEANS = {
    "firing_rate": "firing rate",
    "synaptic_operations": "SOPs",
    "multiply_accumulates": "MACs of the line",
}


def table(store: xr.Dataset, dataset: str) -> pd.DataFrame:
    """The cells of one data set: accuracy in percent on all, seen and unseen speakers with its 95 %
    interval over seeds, parameters, states, activity, operations, seconds an epoch and network.
    """
    rows = []
    for place in range(store.sizes["cell"]):
        cell = store.isel(cell=place)
        if cell["dataset"].item() != dataset:
            continue
        row = {name: cell[name].item() for name in _WHAT}
        for name, title in (("test", "all"), ("seen", "seen"), ("unseen", "unseen")):
            found = mean_interval(100 * cell[f"{name}_accuracy"].values)
            row[title] = f"{found.mean:.1f} [{found.low:.1f}, {found.high:.1f}]" if found.n else "–"
        row |= {title: int(cell[name].item()) for name, title in _COUNTS.items()}
        row |= {title: float(cell[name].mean()) for name, title in _MEANS.items()}
        epochs = int(cell["train_loss"].notnull().any("seed").sum())
        row["s an epoch"] = cell["train_seconds"].item() / max(epochs, 1)
        rows.append(row)
    found = pd.DataFrame(rows)
    # a column that says the same of all cells says nothing
    return found[[c for c in found if c not in _WHAT or found[c].nunique() > 1]]
