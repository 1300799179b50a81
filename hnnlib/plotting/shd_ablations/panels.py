"""What all figures of the study share: its data sets, and how cells are found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from hnnlib.plotting import cells
from hnnlib.plotting.models import ORDER

__all__ = ["CORE", "MAIN", "Panel", "levels", "panels"]

_DATA = {
    "shd": "SHD",
    "spoken_digits": "spoken digits (synthetic)",
    "randman_standard": "random manifolds, standard",
    "randman_hard": "random manifolds, hard",
}
CORE = ("snn", "hybrid", "nsn", "n2n_block", "rnn")
"""Models of the arms on size and amount of data."""
MAIN = {
    "size": "full",
    "fraction": "1.0",
    "ratio": "0.5",
    "slope": "10",
    "regulariser": "on",
    "reset": "on",
    "rate": "tuned",
    "validation": "speakers",
    "trained_on": "held_out",
    "constants": "chosen",
}
"""Coordinates of the main comparison; arms differ from it in one of them."""


@dataclass(frozen=True)
class Panel:
    """The cells of one data set.

    ``accuracy`` is the variable that models are compared by: accuracy on speakers that training
    never had, where the data set has such speakers, else on the whole test part.
    """

    dataset: str
    official: bool
    store: xr.Dataset
    accuracy: str

    @property
    def data(self) -> str:
        """Name of the data set, marked where the files are not the official ones."""
        mark = "" if self.official else " (unofficial copy)"
        return _DATA.get(self.dataset, self.dataset) + mark

    @property
    def new_speakers(self) -> bool:
        """Whether the test part has speakers that the training part lacks."""
        return self.accuracy == "unseen_accuracy"

    @property
    def measure(self) -> str:
        """What accuracies are of."""
        return "unseen speakers" if self.new_speakers else "test part"

    @property
    def title(self) -> str:
        """Data set and measure."""
        return f"{self.data}: {self.measure}"

    @property
    def models(self) -> list[str]:
        """Models that have a main cell, in the order of all figures."""
        there = set(cells.select(self.store, **MAIN)["model"].values.astype(str))
        return [model for model in ORDER if model in there]

    @property
    def core(self) -> list[str]:
        """Those of :data:`CORE`."""
        return [model for model in self.models if model in CORE]

    def find(self, model: str, **changes: str) -> xr.Dataset | None:
        """A model's main cell, or the one that differs from it in ``changes``; None if not run."""
        return cells.one(self.store, **MAIN | {"model": model} | changes)

    def values(self, model: str, variable: str = "", **changes: str) -> np.ndarray | None:
        """A cell's accuracy in percent, one a seed; None if it was not run."""
        return cells.accuracy(self.find(model, **changes), variable or self.accuracy)

    def difference(self, model: str, other: str, **changes: str) -> np.ndarray | None:
        """``model`` minus ``other`` in pp, seed by seed; None where either was not run."""
        return _minus(self.values(model, **changes), self.values(other, **changes))

    def effect(self, model: str, **changes: str) -> np.ndarray | None:
        """A model with ``changes`` minus its main cell in pp; None where either was not run."""
        return _minus(self.values(model, **changes), self.values(model))


def panels(store: xr.Dataset) -> Iterator[Panel]:
    """The data sets of a store: SHD first, then what stands for it, then random manifolds."""
    sources = json.loads(store.attrs.get("data_json") or "{}")
    known = list(_DATA)
    there = dict.fromkeys(store["dataset"].values.astype(str))
    for dataset in sorted(there, key=lambda d: known.index(d) if d in known else len(known)):
        part = cells.select(store, dataset=dataset)
        new = bool(np.isfinite(part["unseen_accuracy"].values).any())
        official = sources.get(dataset, {}).get("official", False)
        yield Panel(dataset, official, part, "unseen_accuracy" if new else "test_accuracy")


def levels(panel: Panel, coordinate: str) -> list[str]:
    """Values of a coordinate that the panel's cells have, numbers by size, others as they come."""
    found = list(dict.fromkeys(panel.store[coordinate].values.astype(str)))
    try:
        return sorted(found, key=float)
    except ValueError:
        return found


def _minus(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    return None if left is None or right is None else left - right
