"""What all figures of the study share: its data sets, and how cells are found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from hnnlib.analysis import cells
from hnnlib.plotting import words
from hnnlib.plotting.models import ORDER

__all__ = ["CORE", "MAIN", "Panel", "panels", "varied"]

_FIRST = ("shd", "spoken_digits", "randman_standard", "randman_hard")
CORE = ("snn", "hybrid", "nsn", "n2n_block", "rnn")
"""Models of the arms on size and amount of data."""
MAIN = {
    "size": "full",
    "fraction": "1.0",
    "ratio": "0.5",
    "slope": "10",
    "regulariser": "on",
    "reset": "on",
    "reset_gradient": "stopped",
    "choose": "loss",
    "rate": "tuned",
    "validation": "speakers",
    "trained_on": "held_out",
    "constants": "chosen",
}
"""Coordinates of the main comparison; arms differ from it in one of them."""


@dataclass(frozen=True, eq=False)
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
        return words.name(self.dataset) + mark

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
        where = MAIN | {"model": model} | changes
        return cells.accuracy_of(self.store, variable or self.accuracy, **where)

    def difference(self, model: str, other: str, **changes: str) -> np.ndarray | None:
        """``model`` minus ``other`` in pp, seed by seed; None where either was not run."""
        return _difference(self.values(model, **changes), self.values(other, **changes))

    def effect(self, model: str, **changes: str) -> np.ndarray | None:
        """A model with ``changes`` minus its main cell in pp; None where either was not run."""
        return _difference(self.values(model, **changes), self.values(model))

    def speaker_difference(self, model: str) -> np.ndarray:
        """Accuracy on seen minus that on unseen speakers in pp, seed by seed."""
        return self.values(model, "seen_accuracy") - self.values(model, "unseen_accuracy")

    def levels(self, coordinate: str) -> list[str]:
        """Values of a coordinate that cells have, numbers by size, others as they come."""
        found = list(dict.fromkeys(self.store[coordinate].values.astype(str)))
        try:
            return sorted(found, key=float)
        except ValueError:
            return found


def _difference(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return None if a is None or b is None else a - b


def panels(store: xr.Dataset) -> Iterator[Panel]:
    """The data sets of a store: SHD first, then what stands for it, then random manifolds."""
    sources = json.loads(store.attrs.get("data_json") or "{}")
    there = {dataset: part for (dataset,), part in cells.parts(store, "dataset")}
    for dataset in sorted(there, key=lambda d: (*_FIRST, d).index(d)):
        part = there[dataset]
        new = bool(np.isfinite(part["unseen_accuracy"].values).any())
        official = sources.get(dataset, {}).get("official", False)
        yield Panel(dataset, official, part, "unseen_accuracy" if new else "test_accuracy")


def varied(store: xr.Dataset, coordinates: Iterable[str]) -> tuple[list[Panel], list[str]]:
    """Panels that have several values of some coordinate, and the coordinates that some panel has
    several values of: one value only repeats the main comparison.
    """
    keys = {panel: [k for k in coordinates if len(panel.levels(k)) > 1] for panel in panels(store)}
    found = [panel for panel, several in keys.items() if several]
    return found, [key for key in coordinates if any(key in keys[panel] for panel in found)]
