"""Cells of a study store: the one look-up by coordinates, and their accuracies.

A coordinate is text in one store and a number in another, and a paper's file or a figure writes
it either way. So ``0.5`` equals ``"0.5"`` and ``"0.50"``, and ``True`` equals ``"true"`` and
``"True"``; ``True`` is not 1. Numbers are equal within rounding of float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import isclose, isfinite

import numpy as np
import xarray as xr

from hnnlib.errors import StoreError

__all__ = ["accuracy", "accuracy_of", "difference", "matches", "one", "parts", "select"]


def matches(store: xr.Dataset, where: Mapping[str, object]) -> np.ndarray:
    """Whether a cell's coordinates equal all of ``where``, shape (cell,).

    Raises:
        StoreError: the store has no such coordinate.
    """
    keep = np.ones(store.sizes["cell"], bool)
    for name, value in where.items():
        if name not in store.coords:
            raise StoreError(
                f"the store has no coordinate '{name}' to find {dict(where)} by: name another one, "
                "or run the study again"
            )
        column = store.variables[name].values.tolist()
        keep &= _fits(tuple(map(str, column)), str(value))
    return keep


def select(store: xr.Dataset, **where: object) -> xr.Dataset:
    """The cells whose coordinates equal all of ``where``; possibly none."""
    return store.isel(cell=matches(store, where))


def one(store: xr.Dataset, **where: object) -> xr.Dataset | None:
    """The single cell that matches; None if it was not run.

    Raises:
        StoreError: no such coordinate, or several cells match, so that a reader would have to
            choose one of them.
    """
    place = _place(store, where)
    return None if place is None else store.isel(cell=place)


def accuracy_of(store: xr.Dataset, variable: str, **where: object) -> np.ndarray | None:
    """``accuracy`` of the cell that :func:`one` finds, read without its other variables."""
    place = _place(store, where)
    return None if place is None else 100.0 * store.variables[variable].isel(cell=place).values


def parts(store: xr.Dataset, *names: str) -> Iterator[tuple[tuple[str, ...], xr.Dataset]]:
    """Values of some coordinates and the cells that have them, in the store's order."""
    columns = [store[name].values.astype(str) for name in names]
    for values in dict.fromkeys(zip(*columns, strict=True)):
        yield values, select(store, **dict(zip(names, values, strict=True)))


def accuracy(cell: xr.Dataset | None, variable: str = "test_accuracy") -> np.ndarray | None:
    """An accuracy in percent, one a seed, NaN where a seed failed; None for a cell not run."""
    return None if cell is None else 100.0 * cell[variable].values


def difference(
    left: xr.Dataset | None, right: xr.Dataset | None, variable: str = "test_accuracy"
) -> np.ndarray | None:
    """Accuracy of ``left`` minus ``right`` seed by seed in pp; None where either was not run."""
    a, b = (accuracy(side, variable) for side in (left, right))
    return None if a is None or b is None else a - b


def _place(store: xr.Dataset, where: Mapping[str, object]) -> int | None:
    found = np.flatnonzero(matches(store, where))
    if len(found) > 1:
        names = ", ".join(store["cell"].values[found].astype(str))
        raise StoreError(f"{where} matches more than one cell ({names}): name the cell exactly")
    return found.item() if len(found) else None


@lru_cache(maxsize=16384)
def _fits(column: tuple[str, ...], wanted: str) -> np.ndarray:
    """Whether each value of a column equals one; rules ask the same again and again."""
    return np.array([_equal(_plain(mine), _plain(wanted)) for mine in column], bool)


@lru_cache(maxsize=4096)
def _plain(text: str) -> str | float:
    """A value as it is compared: ``true`` or ``false``, a number, or its text."""
    if text in ("True", "False"):
        return text.lower()
    try:
        number = float(text)
    except ValueError:
        return text
    return number if isfinite(number) else text


def _equal(left: str | float, right: str | float) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return isclose(left, right, rel_tol=1e-5, abs_tol=1e-8)
    return left == right
