"""Summaries of the study ``convolutional_gru``."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["saved", "summarise"]

_SAVED = {
    "spikes_saved": ("spikes", "spikes a sample"),
    "rate_saved": ("spikes_per_neuron_step", "spikes a neuron and step"),
    "operations_saved": ("synaptic_operations", "synaptic operations a sample"),
}


def summarise(whole: xr.Dataset) -> xr.Dataset:
    """With what each cell saves against SpikGRU of equal parameters, seed by seed."""
    return whole.assign({name: saved(whole, *what) for name, what in _SAVED.items()})


def saved(whole: xr.Dataset, variable: str, text: str) -> xr.DataArray:
    """Percent that a cell has less of a variable than SpikGRU of equal parameters on its data; NaN
    where nothing spikes or there is no such cell.
    """
    values, found = whole[variable].values, np.full(whole[variable].shape, np.nan)
    dataset = whole["dataset"].values
    main = (whole["model"].values == "spik_gru") & (whole["arm"].values == "main")
    for place in np.flatnonzero(main):
        fits = (dataset == dataset[place]) & (whole["share"].values.astype(float) > 0)
        reference = np.where(values[place] > 0, values[place], np.nan)
        found[fits] = 100 * (1 - values[fits] / reference)
    long_name = f"{text} less than those of SpikGRU of equal parameters"
    return whole[variable].copy(data=found).assign_attrs(long_name=long_name, units="%")
