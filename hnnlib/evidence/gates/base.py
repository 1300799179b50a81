"""What a gate is asked with, and what all of them look up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import xarray as xr

from hnnlib.evidence.comparison import Comparison, at, dataset_of
from hnnlib.evidence.papers import Gates, Paper, Part, Select

__all__ = ["Asked", "fits", "passes_of"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Asked:
    """One part of a claim, on one store.

    ``gates`` is None where the paper's file declares none for the study. ``family`` are all
    comparisons of the part, which are corrected together.
    """

    paper: Paper
    study: str
    part: Part
    dataset: xr.Dataset
    family: tuple[Comparison, ...] = ()

    @property
    def gates(self) -> Gates | None:
        """The numbers that gates are measured by."""
        return self.paper.gates.get(self.study)

    def of_data(self, number: dict[str, _T] | _T | None, cell: str) -> _T | None:
        """A number that may be given for each of the paper's data sets."""
        if isinstance(number, dict):
            return number.get(self.paper_data(cell))
        return number

    def paper_data(self, cell: str) -> str:
        """The paper's data set that a cell's data are, or stand for."""
        name = dataset_of(self.dataset, cell)
        return self.paper.stand_ins.get(name, name)


def fits(dataset: xr.Dataset, cell: str, where: Select) -> bool:
    """Whether a cell has the values of a selector; a coordinate that is missing does not fit."""
    return all(
        key in dataset.coords and str(at(dataset, cell, dataset.variables[key])) == str(value)
        for key, value in where.items()
    )


def passes_of(dataset: xr.Dataset, cell: str) -> int | None:
    """Passes over the training part that a cell made, the longest of its seeds; None: unknown."""
    if "passes" in dataset.variables:
        made = at(dataset, cell, dataset.variables["passes"])
        return int(np.nanmax(made)) if np.isfinite(made).any() else None
    if "validation_curve" not in dataset.variables:
        if "grid_best_epoch" not in dataset.variables:
            return None
        chosen = at(dataset, cell, dataset.variables["grid_best_epoch"])
        return int(np.nanmax(chosen)) + 1  # at least: the last pass that validation chose
    curves = at(dataset, cell, dataset.variables["validation_curve"])
    return int(np.isfinite(curves).sum(-1).max())
