"""Cells side by side, seed by seed: what the rules and the ledger rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import Literal

import numpy as np
import xarray as xr

from hnnlib.analysis import statistics
from hnnlib.analysis.cells import matches
from hnnlib.errors import ConfigError, StoreError
from hnnlib.evidence.comparison.labels import (
    NO_NAMES,
    STANDS_FOR,
    Names,
    describe,
    describe_cell,
    number_format,
    spoken,
    titled,
)
from hnnlib.evidence.papers import CellPair, Select

__all__ = [
    "Comparison",
    "at",
    "counted",
    "dataset_of",
    "learned",
    "locate",
    "mean",
    "paired",
    "show",
    "sides",
    "unit_of",
    "valued",
    "values_of",
]

Outcome = Literal["for", "against", "open", "too few seeds", "not learned", "not run", "shown"]
Kind = Literal["difference", "series", "count", "value", "number", "correlation"]
LEARNED = 1.5
"""A network has learned something if its training accuracy is above chance by this factor."""


@dataclass(frozen=True)
class Comparison:
    """One comparison of cells; NaN where there is no such number.

    ``kind`` is "difference" (left minus right over seeds), "series" (cells in an order; difference
    is last minus first), "count" (left minus right of a number that has no seeds), "value" (one
    cell against a bound; difference is its mean), "number" (the same without seeds), or
    "correlation" (over the runs of some cells; difference is the coefficient). ``means`` has
    the value of each cell, accuracies in percent; left and right include what the pair adds or
    takes away. ``left`` and ``right`` are names of cells, empty where not run. ``p`` belongs to the
    direction that was found; ``p_holm`` is corrected over the part of the claim.
    """

    label: str
    selects: tuple[Select, ...]
    variable: str
    kind: Kind = "difference"
    unit: str = "pp"
    left: str = ""
    right: str = ""
    means: tuple[float, ...] = ()
    difference: float = np.nan
    low: float = np.nan
    high: float = np.nan
    level: float = 0.95
    margin: float = np.nan
    n: int = 0
    left_out: int = 0
    p: float = np.nan
    p_holm: float = np.nan
    outcome: Outcome = "open"

    def sentence(self) -> str:
        """``separate minus simultaneous: +0.31 pp [0.12, 0.50], 3 seeds, Holm p = 0.01``."""
        if self.outcome == "not run":
            return f"{self.label}: not run at this scale"
        if self.kind == "count":
            left, right = self.means
            return (
                f"{self.label}: {left:.3g} against {right:.3g}{self._unit()}{_times(left, right)}"
            )
        if self.n == 0 and self.left_out:
            return f"{self.label}: no number, every seed failed ({self.left_out} left out)"
        if self.kind == "correlation" and np.isnan(self.difference):
            why = "one of the two is constant" if self.outcome == "open" else "no coefficient"
            return f"{self.label}: {why}, {self.n} seed{'s' * (self.n != 1)}"
        sign = "z" if self.kind in ("value", "number") else "+z"
        text = f"{self.label}: {self._write(self.difference, sign)}{self._unit()}"
        if self.kind == "number":
            return text
        if self.kind == "series":
            text = f"{self.label}: {', '.join(map(self._write, self.means))}{self._unit()}"
        if not np.isnan(self.low):
            text += f" [{self._write(self.low, 'z')}, {self._write(self.high, 'z')}]"
            text += " (90 %)" if self.level == 0.90 else ""
        if not np.isnan(self.margin):
            text += f", margin {self.margin:g}{self._unit()}"
        text += f", {self.n} seed{'s' * (self.n != 1)}"
        if self.left_out:
            text += f" ({self.left_out} left out)"
        if not np.isnan(self.p_holm):
            text += f", Holm p {'< 0.001' if self.p_holm < 0.001 else f'= {self.p_holm:.2g}'}"
        return text

    def _write(self, value: float, sign: str = "") -> str:
        form = number_format(value, self.unit)
        return format(value, sign + form if form.endswith("f") else sign.rstrip("z") + form)

    def _unit(self) -> str:
        if self.kind in ("series", "value", "number") and self.unit == "pp":
            return " %"
        return "" if self.unit == "1" else f" {self.unit}"


def _times(left: float, right: float) -> str:
    return f" ({left / right:.2f} times)" if right else ""


def locate(dataset: xr.Dataset, select: Select) -> str | None:
    """Name of the one cell that a selector means; None where the store has no such cell.

    Raises:
        ConfigError: the store has no such coordinate, or several cells match.
    """
    missing = [key for key in select if key not in dataset.coords]
    if missing:
        raise ConfigError(
            f"the selector {dict(select)} uses '{missing[0]}', no coordinate of the store: "
            "correct the paper's file, or run the study again"
        )
    keep = matches(dataset, select)
    found = dataset.variables["cell"].values[keep]
    if found.size > 1:
        raise ConfigError(
            f"the selector {dict(select)} means {found.size} cells ({', '.join(map(str, found))}): "
            "name the cell more exactly in the paper's file"
        )
    return str(found[0]) if found.size else None


def paired(
    dataset: xr.Dataset,
    pair: CellPair,
    variable: str = "test_accuracy",
    names: Names = NO_NAMES,
    by: float = 0.0,
    may_fail: bool = False,
    prefix: str = "",
) -> tuple[Comparison, float]:
    """The paired difference of two cells and its two-sided p against "the difference is ``by``".

    ``prefix`` goes before the words for the cells in the label. Accuracies of a network that did
    not learn its training images decide nothing, unless that is the question (``may_fail``, for the
    left cell).
    """
    if "seed" not in _array(dataset, variable).dims:
        raise ConfigError(f"'{variable}' has no seeds to test over: compare it by the rule cheaper")
    c = _begin(dataset, pair, variable, names, prefix)
    if c.outcome == "not run":
        return c, np.nan
    left, right = sides(dataset, pair, variable)
    d = statistics.paired_difference(left, right, by)
    enough = d.n >= statistics.SEEDS_NEEDED["difference"]
    c = replace(
        c,
        means=(mean(left), mean(right)),
        difference=d.mean,
        low=d.low,
        high=d.high,
        n=d.n,
        left_out=d.left_out,
        outcome="open" if enough else "too few seeds",
    )
    judged = (c.right,) if may_fail else (c.left, c.right)
    if enough and not all(learned(dataset, cell, variable) for cell in judged):
        c = replace(c, outcome="not learned")
    return c, d.p


def counted(
    dataset: xr.Dataset, pair: CellPair, variable: str, names: Names = NO_NAMES
) -> Comparison:
    """The difference of two counts, such as operations; where they have seeds, of their means."""
    c = _begin(dataset, pair, variable, names)
    c = replace(c, kind="count", label=c.label.replace(" minus ", " against "))
    if c.outcome == "not run":
        return c
    left, right = (mean(side) for side in sides(dataset, pair, variable))
    if np.isnan(left) or np.isnan(right):
        return replace(c, outcome="not run")
    return replace(c, means=(left, right), difference=left - right, n=dataset.sizes.get("seed", 0))


def valued(
    dataset: xr.Dataset,
    select: Select,
    variable: str,
    value: float,
    sense: str,
    names: Names = NO_NAMES,
) -> tuple[Comparison, float]:
    """A variable of one cell and its two-sided p against "its mean is ``value``".

    Of an accuracy, the value is in percent. NaN where the variable has no seeds.
    """
    has_seeds = "seed" in _array(dataset, variable).dims
    cell = locate(dataset, select)
    what = f"{spoken(variable, names)} {'>' if sense == 'above' else '<'} {value:g}"
    c = Comparison(
        f"{describe_cell(_really(dataset, select), names)}, {what}",
        (select,),
        variable,
        "value" if has_seeds else "number",
        unit=unit_of(dataset, variable),
        left=cell or "",
        outcome="open" if cell else "not run",
    )
    if cell is None:
        return c, np.nan
    values = values_of(dataset, cell, variable)[_ran(dataset, [cell], variable)]
    if not has_seeds:
        number = float(values)
        outcome = "not run" if np.isnan(number) else "open"
        return replace(c, means=(number,), difference=number, outcome=outcome), np.nan
    d = statistics.paired_difference(values, np.zeros_like(values), value)
    enough = d.n >= statistics.SEEDS_NEEDED["difference"]
    c = replace(
        c,
        means=(d.mean,),
        difference=d.mean,
        low=d.low,
        high=d.high,
        n=d.n,
        left_out=d.left_out,
        outcome="open" if enough else "too few seeds",
    )
    return c, d.p


def show(
    dataset: xr.Dataset, pairs: Iterable[CellPair], variable: str, names: Names = NO_NAMES
) -> list[Comparison]:
    """Differences with 95 % intervals and uncorrected p, to be shown and not to decide."""
    found = []
    for pair in pairs:
        if "seed" in _array(dataset, variable).dims:
            c, p = paired(dataset, pair, variable, names)
            c = replace(c, p=p)
        else:
            c = counted(dataset, pair, variable, names)
        found.append(replace(c, outcome="shown") if c.outcome == "open" else c)
    return found


def learned(dataset: xr.Dataset, cell: str, variable: str = "test_accuracy") -> bool:
    """Whether a cell left chance on its own training images.

    Chance is the coordinate ``chance`` in percent; without it, or for other variables than
    accuracies, every cell counts as learned.
    """
    known = {"chance", "train_accuracy"} <= set(dataset.variables)
    if not known or not variable.endswith("_accuracy"):
        return True
    chance = float(at(dataset, cell, dataset.variables["chance"]))
    return not mean(values_of(dataset, cell, "train_accuracy")) < LEARNED * chance


def values_of(dataset: xr.Dataset, cell: str, variable: str = "test_accuracy") -> np.ndarray:
    """A cell's values, shape (seed,) or () for a count; accuracies in percent."""
    values = np.asarray(at(dataset, cell, _array(dataset, variable)), float)
    return 100 * values if variable.endswith("_accuracy") else values


def sides(dataset: xr.Dataset, pair: CellPair, variable: str) -> tuple[np.ndarray, np.ndarray]:
    """Values of the left cell (with what the pair adds and takes away) and of the right one, at the
    seeds at which any of them was trained.
    """
    ran = _ran(dataset, [locate(dataset, select) for select in _needed(pair)], variable)

    def of(select: Select | None) -> np.ndarray | float:
        return 0.0 if select is None else values_of(dataset, locate(dataset, select), variable)[ran]

    return of(pair.left) + of(pair.plus) - of(pair.minus), of(pair.right)


def _ran(dataset: xr.Dataset, cells: Iterable[str], variable: str) -> np.ndarray | EllipsisType:
    """What picks, of a cell's values, the seeds at which any of the cells was trained."""
    if "seed" not in _array(dataset, variable).dims or "diverged" not in dataset.variables:
        return ...
    return ~np.isnan([values_of(dataset, cell, "diverged") for cell in cells]).all(axis=0)


def mean(values: np.ndarray) -> float:
    """Mean over the seeds that have a result; NaN where none has."""
    return statistics.mean_interval(np.atleast_1d(values)).mean


def unit_of(dataset: xr.Dataset, variable: str) -> str:
    """Unit of a difference: percentage points for accuracies, else the variable's own."""
    units = _array(dataset, variable).attrs.get("units", "1")
    return "pp" if variable.endswith("_accuracy") else units


def dataset_of(dataset: xr.Dataset, cell: str) -> str:
    """Name of the data set that a cell was trained on."""
    return str(at(dataset, cell, dataset.variables["dataset"]))


def at(dataset: xr.Dataset, cell: str, variable: xr.Variable) -> np.ndarray:
    """Values of one cell."""
    place = int(np.flatnonzero(dataset.variables["cell"].values == cell)[0])
    return variable.isel(cell=place).values


def _array(dataset: xr.Dataset, variable: str) -> xr.Variable:
    if variable not in dataset.data_vars:
        raise StoreError(
            f"the store has no variable '{variable}' to compare: correct the paper's file, or run "
            "the study again"
        )
    return dataset.variables[variable]


def _begin(
    dataset: xr.Dataset, pair: CellPair, variable: str, names: Names, prefix: str = ""
) -> Comparison:
    found = [locate(dataset, select) for select in _needed(pair)]
    left, right = (_really(dataset, select) for select in (pair.left, pair.right))
    return Comparison(
        label=titled(prefix + describe(left, right, names), variable, names),
        selects=(pair.left, pair.right),
        variable=variable,
        unit=unit_of(dataset, variable),
        left=found[0] or "",
        right=found[1] or "",
        margin=np.nan if pair.margin is None else pair.margin,
        outcome="not run" if None in found else "open",
    )


def _needed(pair: CellPair) -> list[Select]:
    """The cells of a pair, left and right first."""
    return [s for s in (pair.left, pair.right, pair.plus, pair.minus) if s is not None]


def _really(dataset: xr.Dataset, select: Select) -> Select:
    """The selector with the data really used, for labels: data that stand in are named."""
    cell = locate(dataset, select)
    if cell is None or STANDS_FOR not in select:
        return select
    return {**select, STANDS_FOR: dataset_of(dataset, cell)}
