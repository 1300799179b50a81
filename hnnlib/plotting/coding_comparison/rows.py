"""What all figures of the study share: its rows, its lines, and how both are named and drawn."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from hnnlib.plotting import cells, style

__all__ = ["SERIES", "How", "Row", "Series", "main", "name", "rows"]

How = tuple[str, str]
"""Coding and training of a cell."""

_NAMES = {
    "mlp": "MLP",
    "cnn": "CNN",
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "cluttered_digits": "cluttered digits",
    "gaussian": "Gaussian",
    "poisson": "Poisson",
    "none": "no",
}


def name(word: str) -> str:
    """How a coordinate's value is written in a figure."""
    return _NAMES.get(word, word)


@dataclass(frozen=True)
class Row:
    """One architecture of the paper's tables: its label, number of artificial layers and kind."""

    architecture: str
    artificial: int
    kind: str

    @property
    def short(self) -> str:
        return cells.layers(self.architecture)


def rows(store: xr.Dataset) -> list[Row]:
    """The architectures of a store by rising number of artificial layers."""
    columns = ("architecture", "artificial_layers", "spiking_layers")
    found = {
        Row(str(label), int(artificial), style.kind(int(spiking), int(artificial)))
        for label, artificial, spiking in zip(*(store[c].values for c in columns), strict=True)
    }
    return sorted(found, key=lambda row: (row.artificial, row.architecture))


def main(row: Row, how: How) -> dict[str, str]:
    """Coordinates of a row's cell in the paper's tables."""
    return {
        "arm": "main",
        "architecture": row.architecture,
        "coding": how[0],
        "training": how[1],
    }


@dataclass(frozen=True)
class Series:
    """One line of a figure: how its hybrids are made, and the pure networks at its ends.

    ``spiking`` and ``artificial`` are those networks' coding and training, None without one.
    """

    coding: str
    training: str
    spiking: How | None
    artificial: How | None

    @property
    def label(self) -> str:
        return f"{name(self.coding)}, {self.training}"

    @property
    def look(self) -> dict:
        """Colour and marker say the coding, the line says the training."""
        return {
            "color": style.CODINGS[self.coding],
            "marker": style.MARKERS[self.coding],
            "linestyle": "--" if self.training == "separate" else "-",
        }

    def at(self, kind: str) -> How | None:
        """Coding and training of this line's network of a kind."""
        return (self.coding, self.training) if kind == "hybrid" else getattr(self, kind)


# Separate training freezes layers of a pretrained network, which stands at the artificial end.
SERIES = (
    Series("duplicate", "simultaneous", ("duplicate", "simultaneous"), ("none", "simultaneous")),
    Series("duplicate", "separate", None, ("none", "pretrained")),
    Series("gaussian", "simultaneous", None, None),
    Series("poisson", "separate", ("poisson", "simultaneous"), ("poisson", "pretrained")),
)
