"""Accuracy and costs of every model, and the three countings of what is saved."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from hnnlib.analysis.statistics import Mean, mean_interval
from hnnlib.plotting.convolutional_gru.panels import Panel, label, panels

__all__ = ["savings", "table"]

_COSTS = {
    "parameters": "parameters",
    "neurons": "neurons",
    "spikes": "spikes a sample",
    "spikes_per_neuron_step": "spikes a neuron and step",
    "synaptic_operations": "synaptic operations",
    "multiply_accumulates": "graded products",
    "largest_current": "largest |i|",
    "train_seconds": "seconds of training",
}
_SAVED = {
    "spikes_saved": "spikes a sample",
    "rate_saved": "spikes a neuron and step",
    "operations_saved": "synaptic operations",
}
_WHO = {"seen_accuracy": "seen speakers", "unseen_accuracy": "unseen speakers"}


def table(store: xr.Dataset) -> pd.DataFrame:
    """Main cells: accuracy in percent with its interval over seeds, and means of what it costs."""
    rows = {
        (panel.title, label(model)): _row(panel, panel.find(model))
        for panel in panels(store)
        for model in panel.models
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["data", "model"])


def savings(store: xr.Dataset, stated: Mapping[str, float]) -> pd.DataFrame:
    """What CS-GRU saves against SpikGRU of equal parameters, in percent, by what is counted.

    Args:
        store: the study's.
        stated: percent that the paper states, by variable of the store.
    """
    rows = [
        {
            "data": panel.title,
            "counted": name,
            "saved here (%)": _interval(mean_interval(panel.find("cs_gru")[variable].values)),
            "stated, data and counting not named (%)": stated.get(variable),
        }
        for panel in panels(store)
        if {"cs_gru", "spik_gru"} <= set(panel.models)
        for variable, name in _SAVED.items()
    ]
    return pd.DataFrame(rows).set_index(["data", "counted"]) if rows else pd.DataFrame()


def _row(panel: Panel, cell: xr.Dataset) -> dict[str, str]:
    who = _WHO if panel.accuracy == "unseen_accuracy" else {"test_accuracy": "test part"}
    found = {name: _interval(mean_interval(100 * cell[key].values)) for key, name in who.items()}
    return found | {name: f"{float(cell[key].mean()):,.4g}" for key, name in _COSTS.items()}


def _interval(found: Mean) -> str:
    """``72.3 [71.1, 73.5]``."""
    if found.n == 0:
        return "every seed failed"
    return f"{found.mean:.1f}" + (f" [{found.low:.1f}, {found.high:.1f}]" if found.n > 1 else "")
