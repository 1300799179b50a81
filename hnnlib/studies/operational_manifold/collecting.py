"""How the groups of the study ``operational_manifold`` become one dataset, and its summaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from hnnlib.studies.base import join_cells, join_seeds
from hnnlib.studies.operational_manifold.summary import summarise

__all__ = ["collect", "summarise"]


def collect(config: Mapping[str, Any], runs: list[xr.Dataset]) -> xr.Dataset:
    """Seeds of a family beside each other, families one after another.

    Where families differ in seeds, a surface is NaN at seeds that it wasn't trained at.
    """
    families = []
    for family, chosen in config["families"].items():
        some = [run for run in runs if (run["family"].values == family).all()]
        families.append(join_seeds(some).sel(seed=list(chosen["seeds"] or config["seeds"])))
    return join_cells(families).sortby("seed")
