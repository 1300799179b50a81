"""What all figures of the study share: names and looks of models, and how cells are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from hnnlib.analysis import cells
from hnnlib.plotting import style, words

__all__ = ["Panel", "label", "line", "look", "panels"]

_SPIKING, _GRADED = style.KINDS["spiking"], style.KINDS["artificial"]
_HOLLOW = {"markerfacecolor": "white"}
_MODELS: dict[str, tuple[str, dict[str, object]]] = {
    "cs_gru": ("CS-GRU", {"color": "#332288", "marker": "s"}),
    "mixed": ("half spiking", {"color": style.KINDS["hybrid"], "marker": "s"}),
    "conv_gru": ("ConvGRU (graded)", {"color": _GRADED, "marker": "s"}),
    "spik_gru": ("SpikGRU", {"color": _SPIKING, "marker": "o"}),
    "spik_gru_two_gates": ("SpikGRU, two gates", {"color": _SPIKING, "marker": "o"} | _HOLLOW),
    "cuba_lif": ("Cuba-LIF", {"color": "#CC6677", "marker": "o"}),
    "gru": ("GRU (graded)", {"color": _GRADED, "marker": "o"}),
}


def label(model: str) -> str:
    """How a model is written in a figure."""
    return _MODELS[model][0]


def look(model: str) -> dict[str, object]:
    """Colour and marker of a model, for ``Axes.plot``."""
    return dict(_MODELS[model][1])


def line(model: str) -> dict[str, object]:
    """Colour and dashes of a model's curve; dense cells are dashed."""
    dashes = "-" if look(model)["marker"] == "s" else "--"
    return {"color": look(model)["color"], "linestyle": dashes}


@dataclass(frozen=True, eq=False)
class Panel:
    """The cells of one data set, and the variable that they are compared by."""

    dataset: str
    store: xr.Dataset
    accuracy: str

    @property
    def measure(self) -> str:
        """What accuracies are of."""
        return "unseen speakers" if self.accuracy == "unseen_accuracy" else "test part"

    @property
    def title(self) -> str:
        """Name of the data set."""
        return words.name(self.dataset)

    @property
    def models(self) -> list[str]:
        """Models that have a main cell, in the order of all figures."""
        there = set(cells.select(self.store, arm="main")["model"].values.astype(str))
        return [model for model in _MODELS if model in there]

    def find(self, model: str, **changes: str) -> xr.Dataset | None:
        """A model's main cell, or that of the arm which ``changes`` name first; None if not run."""
        arm = next(iter(changes), "main")
        if arm not in self.store["arm"].values:
            return None
        return cells.one(self.store, model=model, arm=arm, **changes)

    def values(self, model: str, **changes: str) -> np.ndarray | None:
        """A cell's accuracy in percent, one a seed; None if it was not run."""
        return cells.accuracy(self.find(model, **changes), self.accuracy)

    def premium(self, model: str, variable: str) -> np.ndarray | None:
        """What reporting another epoch of the main cell is worth in pp; None if not recorded."""
        return cells.accuracy(self.find(model), variable) if variable in self.store else None

    def effect(self, model: str, **changes: str) -> np.ndarray | None:
        """A cell with changes minus the main one in pp, seed by seed; None if not run."""
        pair = self.find(model, **changes), self.find(model)
        return cells.difference(*pair, self.accuracy)


def panels(store: xr.Dataset) -> Iterator[Panel]:
    """The data sets of a store, in its order."""
    for (dataset,), part in cells.parts(store, "dataset"):
        new = bool(np.isfinite(part["unseen_accuracy"].values).any())
        yield Panel(dataset, part, "unseen_accuracy" if new else "test_accuracy")
