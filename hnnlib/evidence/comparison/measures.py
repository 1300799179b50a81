"""Measures that claims need and stores do not hold: what their maps and layers say besides.

Each is computed from what a store has; where it lacks something, the measure is left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from hnnlib.analysis import manifold

__all__ = ["with_measures"]


def with_measures(dataset: xr.Dataset) -> xr.Dataset:
    """The store with all measures that it allows."""
    if {"grid_train", "grid_regime", "grid_dead_outputs", "guessing"} <= set(dataset.variables):
        dataset = dataset.assign(_of_surfaces(dataset))
    if {"layer_rate", "layer_units", "entries", "condition"} <= set(dataset.variables):
        dataset = dataset.assign(_under_noise(dataset))
    return dataset


def _of_surfaces(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """What is left of a surface outside its operating region.

    A network that gives one answer to everything scores the share of that class, some points above
    or below chance; it is lost whatever its accuracy, and silent in all but name. Lost: silent,
    without an output that ever answers, or within 5 points of chance on its own training images.
    """
    axes = ["tau", "threshold"]
    regime, guess = dataset["grid_regime"], dataset["guessing"]
    known = np.isfinite(dataset["grid_accuracy"])
    chance = dataset["grid_train"] < guess + manifold.FLOOR
    dead = dataset["grid_dead_outputs"] >= (1 / guess).round() - 1
    constant = (chance | dead | (regime == manifold.SILENT)) & known
    saturated = (regime == manifold.SATURATED) & known
    operating = (regime == manifold.OPERATING) & known & ~constant
    outside = (known & ~operating).sum(axes)
    lost = (constant | saturated).sum(axes)
    points = known.sum(axes)
    ran = points > 0

    def share(part: xr.DataArray, whole: xr.DataArray, text: str) -> xr.DataArray:
        found = (part / whole.where(whole > 0)).where(ran).transpose("cell", "seed")
        return found.assign_attrs(units="1", long_name=text)

    return {
        "share_constant": share(
            constant.sum(axes), points, "share of the grid that is silent or gives one answer"
        ),
        "lost_outside": share(
            lost, outside, "share of what lies outside the operating region that is lost"
        ),
        "saturated_outside": share(
            saturated.sum(axes), outside, "share of what lies outside that spikes too much"
        ),
    } | _along_thresholds(dataset, constant, share)


def _along_thresholds(
    dataset: xr.Dataset, constant: xr.DataArray, share: Callable[..., xr.DataArray]
) -> dict:
    """Where spikes and accuracy fall with the threshold, and what is left at the highest."""
    accuracy = dataset["grid_accuracy"]
    spikes = np.log10(dataset["grid_spikes"].clip(min=1e-3))
    drops = [-values.diff("threshold") for values in (accuracy, spikes)]
    known = drops[0].notnull().any("threshold") & drops[1].notnull().any("threshold")
    places = [drop.fillna(-np.inf).argmax("threshold") for drop in drops]
    last = accuracy.notnull().cumsum("threshold").argmax("threshold")
    lost = constant.isel(threshold=last) & known
    rows = known.sum("tau")
    together = (places[0] == places[1]) & known
    return {
        "fall_together": share(
            together.sum("tau"),
            rows,
            "share of time constants at which spikes and accuracy fall at the same threshold most",
        ),
        "lost_beyond": share(
            lost.sum("tau"), rows, "share of time constants that are lost at the highest threshold"
        ),
    }


def _under_noise(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Spikes of all layers together, and positive correlations, on samples that failed."""
    weights = dataset["layer_units"]
    rate = dataset["layer_rate"].sel(condition=["clean", "failed"])
    total = (rate * weights).sum("layer", min_count=1)
    change = total.sel(condition="failed") / total.sel(condition="clean")
    found = change.transpose("cell", "seed").drop_vars("condition", errors="ignore")
    width = float(dataset["bin"].diff("bin").median())
    positive = dataset["entries"].where(dataset["bin"] > width / 2).sum("bin", min_count=1)
    more = positive.sel(condition="failed") - positive.sel(condition="clean")
    return {
        "spikes_ratio_failed": found.assign_attrs(
            units="1", long_name="spikes of all layers, failed by clean"
        ),
        "positive_change": more.transpose("cell", "seed")
        .drop_vars("condition", errors="ignore")
        .assign_attrs(units="1", long_name="share of positive correlations, failed minus clean"),
    }
