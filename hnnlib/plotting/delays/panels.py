"""What all figures of the study share: its data sets, how cells are found, and how lines look."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from hnnlib.analysis import cells
from hnnlib.plotting import words

__all__ = ["LINES", "MAIN", "Panel", "look", "panels"]

MAIN = {
    "neuron": "lif",
    "init": "rand",
    "trained": "yes",
    "width": "own",
    "mask_axis": "none",
    "draw": "keyed",
}
"""Coordinates of the main comparison; arms differ from it in one of them."""
LINES = {
    "none": ("no line", {"color": "#4d4d4d", "marker": "s"}),
    "gain": ("taps at lag 0", {"color": "#882255", "marker": "v", "linestyle": "--"}),
    "delay": ("delay line", {"color": "#882255", "marker": "o"}),
    "gain_norm": ("normalised, at lag 0", {"color": "#117733", "marker": "v", "linestyle": "--"}),
    "gain_rms": (
        "its variance, at lag 0",
        {"color": "#117733", "marker": "D", "linestyle": ":"},
    ),
    "norm": ("normalised line", {"color": "#117733", "marker": "o"}),
    "legendre": ("Legendre line", {"color": "#88CCEE", "marker": "P"}),
    "dcls": ("delays of synapses", {"color": "#DDAA33", "marker": "D"}),
}
"""Name and look of what a unit sees of its past drive: a line and its control have one colour."""
CONTROLS = ("gain", "norm", "gain_norm", "gain_rms")


def look(line: str) -> dict[str, object]:
    """Colour, marker and dashes, for ``Axes.plot``."""
    return dict(LINES[line][1])


@dataclass(frozen=True, eq=False)
class Panel:
    """The cells of one data set; ``accuracy`` is the variable that they are compared by."""

    dataset: str
    official: bool
    store: xr.Dataset
    accuracy: str

    @property
    def title(self) -> str:
        """Data set, marked where the files are not the official ones, and measure."""
        mark = "" if self.official else " (unofficial copy)"
        who = "unseen speakers" if self.accuracy == "unseen_accuracy" else "test part"
        return f"{words.name(self.dataset)}{mark}: {who}"

    @cached_property
    def sizes(self) -> list[str]:
        """Hidden sizes, small ones first."""
        units = {s: int(u) for s, u in self._columns("size", "units", width="own")}
        return sorted(units, key=units.get)

    @cached_property
    def order(self) -> int:
        """Taps that the controls have, the most."""
        found = (self.orders(line, size) for line in CONTROLS for size in self.sizes)
        return max((order for orders in found for order in orders), default=0)

    def units(self, size: str) -> str:
        """A size as its hidden units."""
        return next(f"h = {u}" for s, u in self._columns("size", "units", width="own") if s == size)

    def orders(self, line: str, size: str) -> list[int]:
        """Numbers of taps that a line was run with."""
        return sorted({int(n) for (n,) in self._columns("order", **MAIN, line=line, size=size)})

    def find(self, size: str, line: str, order: int | None = None, **changes: str) -> xr.Dataset:
        """The cell, None if not run; by default with the taps of the controls."""
        order = 0 if line == "none" else self.order if order is None else order
        where = MAIN | {"size": size, "line": line, "order": order} | changes
        return cells.one(self.store, **where)

    def values(self, *cell: str, **changes: str) -> np.ndarray | None:
        """Accuracy in percent, one a seed; None if it was not run."""
        return cells.accuracy(self.find(*cell, **changes), self.accuracy)

    def difference(self, left: xr.Dataset | None, right: xr.Dataset | None) -> np.ndarray | None:
        """Accuracy of one cell minus that of another in pp; None where either was not run."""
        return cells.difference(left, right, self.accuracy)

    def _columns(self, *names: str, **where: object) -> Iterator[tuple[str, ...]]:
        keep, columns = cells.matches(self.store, where), self.store.variables
        yield from zip(*(columns[name].values[keep].astype(str) for name in names), strict=True)


def panels(store: xr.Dataset) -> Iterator[Panel]:
    """The data sets of a store, those of speech first."""
    sources = json.loads(store.attrs.get("data_json") or "{}")
    there = {dataset: part for (dataset,), part in cells.parts(store, "dataset")}
    for dataset in sorted(there, key=("shd", "spoken_digits", "randman_standard").index):
        part = there[dataset]
        new = bool(np.isfinite(part["unseen_accuracy"].values).any())
        official = sources.get(dataset, {}).get("official", False)
        yield Panel(dataset, official, part, "unseen_accuracy" if new else "test_accuracy")
