"""Tables: the measures of every model, and exploratory landscape features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import models
from hnnlib.plotting.loss_landscape.shared import MEASURES, datasets, mains

__all__ = ["features", "summary"]

_MORE = {
    "test_accuracy": "test accuracy",
    "measured_loss": "training loss measured",
    "weight_norm": "norm of the weights",
    "roughness_slope": "slope of roughness over step",
    "walk_h_max": "information content, H max",
    "walk_eps_s": "information content, log ε settling",
    "walk_m0": "information content, m0",
    "surrogate_curvature": "surrogate curvature, largest",
    "surrogate_trace": "surrogate curvature, trace",
}
_FEATURES = (
    "ic.h_max",
    "ic.eps_s",
    "ic.m0",
    "disp.ratio_mean_02",
    "disp.ratio_mean_10",
    "nbc.nn_nb.mean_ratio",
    "nbc.nn_nb.cor",
    "nbc.dist_ratio.coeff_var",
    "nbc.nb_fitness.cor",
)


def summary(store: xr.Dataset) -> pd.DataFrame:
    """Mean [95 % interval] over seeds of every measure (rows) by data set and model (columns)."""
    columns = {}
    for title, part in datasets(store):
        for model, cell in mains(part).items():
            named = (_MORE | MEASURES).items()
            columns[title, models.label(model)] = {
                text: _text(cell[name].values) for name, text in named if name in cell
            }
    return pd.DataFrame(columns)


def features(store: xr.Dataset, sample: str) -> pd.DataFrame:
    """Mean [95 % interval] of landscape features (rows) by data set and model (columns).

    Args:
        store: the study's result store.
        sample: which subspaces, such as ``5-D, 0.5``; ``box`` for the box of all weights.
    """
    columns = {}
    for title, part in datasets(store):
        for model, cell in mains(part).items():
            found = _of(cell, sample)
            if found is not None and not np.isnan(found.values).all():
                columns[title, models.label(model)] = {
                    name: _text(found.sel(feature=name).values) for name in _FEATURES
                }
    return pd.DataFrame(columns)


def _of(cell: xr.Dataset, sample: str) -> xr.DataArray | None:
    if sample == "box":
        return cell.get("box_features")
    return cell["features"].sel(sample=sample) if "features" in cell else None


def _text(values: np.ndarray) -> str:
    found = mean_interval(values)
    if np.isnan(found.mean):
        return "–"
    if np.isnan(found.low):
        return f"{found.mean:.3g}"
    return f"{found.mean:.3g} [{found.low:.3g}, {found.high:.3g}]".replace("-", "−")
