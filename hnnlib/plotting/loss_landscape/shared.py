"""What all figures of the study share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from hnnlib.plotting import cells, models

__all__ = ["MEASURES", "NAMES", "datasets", "logarithmic", "mains", "positive"]

NAMES = {
    "randman_500_parameters": "random manifolds, 500 weights",
    "randman_standard": "random manifolds",
    "spoken_digits": "spoken digits (synthetic)",
    "shd": "SHD",
}

MEASURES = {
    "roughness_fine": "roughness, finest step",
    "roughness": "roughness, step 1/32",
    "roughness_coarse": "roughness, step 1/4",
    "relative_roughness": "roughness / range, step 1/32",
    "roughness_pca": "roughness, PCA directions",
    "sam_rise": "SAM, ρ = 0.05",
    "sam_rise_relative": "SAM, ρ = 0.02 |θ|",
    "sam_rise_ascent": "SAM, ρ = 0.05, ascent",
    "epsilon_sharpness": "ε-sharpness, radius 0.05",
}
"""Measures with a ratio scale: larger is rougher or sharper."""


def datasets(store: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Each data set's title and cells, in the store's order."""
    for name in dict.fromkeys(store["dataset"].values.astype(str)):
        yield NAMES.get(name, name), cells.select(store, dataset=name)


def mains(store: xr.Dataset) -> dict[str, xr.Dataset]:
    """Main cells of one data set by model, in the order of all figures."""
    part = cells.select(store, arm="main")
    there = part["model"].values.astype(str).tolist()
    return {m: part.isel(cell=there.index(m)) for m in models.ORDER if m in there}


def positive(values: np.ndarray) -> np.ndarray:
    """Values that have a logarithm; NaN elsewhere."""
    return np.where(values > 0, values, np.nan)


def logarithmic(axis: Axis, room: float = 40) -> None:
    """Few ticks with plain numbers, for an axis that has its data and a logarithmic scale.

    Args:
        axis: of a panel.
        room: ratio of its ends up to which there is room for two ticks a decade.
    """
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 6 * low else (1, 3) if high < room * low else (1,)
    # within an octave or so there may be none of these
    close = high < 2.5 * low
    axis.set_major_locator(MaxNLocator(3) if close else LogLocator(subs=subs, numticks=5))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
