"""Cells of a study store for drawing: which are there, their accuracies, paired differences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from hnnlib.errors import StoreError

__all__ = ["accuracy", "difference", "layers", "one", "panels", "select"]


def select(store: xr.Dataset, **where: str | int) -> xr.Dataset:
    """The cells whose coordinates equal all of ``where``; possibly none."""
    keep = np.ones(store.sizes["cell"], bool)
    for name, value in where.items():
        keep &= store[name].values == value
    return store.isel(cell=keep)


def one(store: xr.Dataset, **where: str | int) -> xr.Dataset | None:
    """The single cell that matches; None if it was not run.

    Raises:
        StoreError: several cells match, so that a figure would have to choose one of them.
    """
    found = select(store, **where)
    if found.sizes["cell"] > 1:
        names = ", ".join(found["cell"].values.astype(str))
        raise StoreError(f"{where} matches more than one cell ({names}): name the cell exactly")
    return found.isel(cell=0) if found.sizes["cell"] else None


def accuracy(cell: xr.Dataset | None, variable: str = "test_accuracy") -> np.ndarray | None:
    """An accuracy in percent, one a seed, NaN where a seed failed; None for a cell not run."""
    return None if cell is None else 100.0 * cell[variable].values


def difference(
    store: xr.Dataset, left: dict, right: dict, variable: str = "test_accuracy"
) -> np.ndarray | None:
    """Accuracy of ``left`` minus ``right`` seed by seed in pp; None where either was not run."""
    a, b = (accuracy(one(store, **side), variable) for side in (left, right))
    return None if a is None or b is None else a - b


def panels(store: xr.Dataset) -> Iterator[tuple[str, str, xr.Dataset]]:
    """Family, data set and cells of each such pair that the store holds, in the store's order."""
    pairs = dict.fromkeys(zip(store["family"].values, store["dataset"].values, strict=True))
    for family, dataset in pairs:
        yield str(family), str(dataset), select(store, family=family, dataset=dataset)


def layers(architecture: str) -> str:
    """Short name of a row: ``A784-S500-S10`` has one artificial and two spiking layers, ``1A 2S``.

    Pooling layers are left out.
    """
    kinds = [part[0] for part in architecture.split("-") if part[:1] in ("A", "S")]
    return " ".join(f"{kinds.count(kind)}{kind}" for kind in "AS" if kind in kinds)
