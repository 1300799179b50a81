"""What all figures of the study share: its measures, and its cells by data set and model."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from hnnlib.analysis import cells
from hnnlib.plotting import models, words

__all__ = ["MEASURES", "datasets", "mains"]

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
    for (dataset,), part in cells.parts(store, "dataset"):
        yield words.name(dataset), part


def mains(store: xr.Dataset) -> dict[str, xr.Dataset]:
    """Main cells of one data set by model, in the order of all figures."""
    part = cells.select(store, arm="main")
    there = part["model"].values.astype(str).tolist()
    return {m: part.isel(cell=there.index(m)) for m in models.ORDER if m in there}
