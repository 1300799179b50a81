"""What all figures of the study share: its rows and its lines, and how both are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from hnnlib.plotting import style, words

__all__ = ["SERIES", "How", "Row", "Series", "main", "rows"]

How = tuple[str, str]
"""Coding and training of a cell."""


@dataclass(frozen=True)
class Row:
    """One architecture of the paper's tables: its label, number of artificial layers and kind."""

    architecture: str
    artificial: int
    kind: str

    @property
    def short(self) -> str:
        """Its layers: ``1A 2S``."""
        return words.layers(self.architecture)


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
        """Coding and training in words."""
        return f"{words.name(self.coding)}, {self.training}"

    @property
    def look(self) -> dict[str, str]:
        """Colour and marker say the coding, the line says the training."""
        dashes = "--" if self.training == "separate" else "-"
        return style.coding(self.coding) | {"linestyle": dashes}

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
