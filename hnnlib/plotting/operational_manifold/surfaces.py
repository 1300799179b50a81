"""Surfaces of the store: which there are, their axes, their means over seeds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from hnnlib.analysis.summaries import most_common, spread
from hnnlib.errors import counted
from hnnlib.plotting import words

__all__ = ["Surface", "count_seeds", "surfaces"]


class Surface:
    """One cell of the store.

    Attributes:
        network, dataset, arm, title: what it is, in words.
        neuron: ``spiking`` or ``rectified``.
        tau, threshold: values of its axes.
    """

    def __init__(self, cell: xr.Dataset) -> None:
        self._inside = [np.isfinite(cell[f"{axis}_value"].values) for axis in ("tau", "threshold")]
        self.cell = cell
        self.network, self.dataset, self.arm, self.neuron = (
            str(cell[name].values) for name in ("network", "dataset", "arm", "neuron")
        )
        self.title = words.on(self.network, self.dataset)
        self.tau = cell["tau_value"].values[self._inside[0]]
        self.threshold = cell["threshold_value"].values[self._inside[1]]

    def grid(self, name: str) -> np.ndarray:
        """A variable on the grid at every seed, (seed, tau, threshold)."""
        values = self.cell[name].transpose("seed", "tau", "threshold").values
        return values[np.ix_(np.ones(len(values), bool), *self._inside)]

    def mean(self, name: str) -> np.ndarray:
        """Its mean over the seeds that have a result, (tau, threshold)."""
        return spread(self.grid(name)).middle

    def regimes(self) -> np.ndarray:
        """The regime that most seeds agree on; of equals the lower one."""
        return most_common(self.grid("grid_regime"))


def surfaces(store: xr.Dataset, *arms: str) -> Iterator[Surface]:
    """All surfaces of some arms, in the store's order."""
    for place, arm in enumerate(store["arm"].values):
        if arm in arms:
            yield Surface(store.isel(cell=place))


def count_seeds(store: xr.Dataset) -> str:
    """How many seeds the surfaces have, in words: ``4 to 6 seeds, lowest 60``."""
    trained = store["diverged"].notnull().sum("seed").values
    apart = store["arm"].values == "lowest"
    usual = trained if apart.all() else trained[~apart]
    few, many = usual.min(), usual.max()
    text = counted(many, "seed") if few == many else f"{few} to {many} seeds"
    return text + "".join(f", lowest {count}" for count in trained[apart] if count != many)
