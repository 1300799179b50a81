"""Tables: all cells of random networks, and the network that was trained."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from hnnlib.analysis import cells as look_up
from hnnlib.plotting.spike_equivalence.words import ARMS

__all__ = ["cells", "trained"]

_COUNTS = {
    "trials": "networks",
    "most_spikes": "most spikes",
    "neurons": "neurons before",
    "neurons_needed": "after",
    "spikes_compared": "spikes",
    "mismatches": "differ",
    "trials_that_differ": "networks that differ",
}
_TRAINED = {
    "neurons": "neurons",
    "neurons_needed": "neurons that spike once",
    "most_spikes": "most spikes of a neuron",
    "images": "test images",
    "spikes_compared": "spikes compared",
    "mismatches": "spikes that differ",
    "prediction_changes": "predictions changed",
    "largest_logit_difference": "largest difference of an output",
    "rounding_changes": "predictions changed by rounding the weights",
}


def cells(store: xr.Dataset, depth: int | None = None) -> pd.DataFrame:
    """Every cell of random networks, or those of one depth: what was built, and what differs."""
    where = {"source": "random"} | ({} if depth is None else {"depth": depth})
    some = look_up.select(store, **where)
    some = some.isel(cell=(some["construction"] != "approximation").values)
    index = {
        "construction": [ARMS[name] for name in some["construction"].values],
        "kernel": some["kernel"].values,
        "depth": some["depth"].values,
        "N_s": some["spike_limit"].values,
    }
    counts = {words: some[name].values.astype(int) for name, words in _COUNTS.items()}
    return pd.DataFrame(index | counts).set_index(list(index))


def trained(store: xr.Dataset) -> pd.DataFrame | None:
    """The trained network before and after its conversion; None where none was run."""
    some = look_up.select(store, source="trained")
    if not some.sizes["cell"]:
        return None
    found = {words: f"{some[name].item():,.0f}" for name, words in _TRAINED.items()}
    accuracy = 100 * some["test_accuracy"].mean("seed").item()
    found |= {"test accuracy (%)": f"{accuracy:.2f}", "data": some["dataset"].item()}
    return pd.DataFrame({"trained network": found})
