"""Cells side by side, seed by seed: what the rules and the ledger rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import EllipsisType

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
    spoken,
    titled,
)
from hnnlib.evidence.comparison.record import Comparison
from hnnlib.evidence.papers import CellPair, Select

__all__ = [
    "at",
    "chance_of",
    "counted",
    "dataset_of",
    "fitting",
    "interval_of",
    "locate",
    "mean",
    "overlap_of",
    "paired",
    "predicted",
    "ran",
    "show",
    "sides",
    "step_of",
    "unit_of",
    "valued",
    "values_of",
]


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
    names = dataset.variables["cell"].to_index()
    found = [str(names[place]) for place in np.flatnonzero(matches(dataset, select))]
    if len(found) > 1:
        raise ConfigError(
            f"the selector {dict(select)} means {len(found)} cells ({', '.join(found)}): "
            "name the cell more exactly in the paper's file"
        )
    return found[0] if found else None


def fitting(dataset: xr.Dataset, select: Select) -> list[Select]:
    """A selector of each cell that fits, by the coordinates in which these differ; itself where
    none does.
    """
    keep = matches(dataset, select)
    columns = {
        name: variable.values[keep].tolist()
        for name, variable in dataset.coords.variables.items()
        if variable.dims == ("cell",) and name != "cell"
    }
    apart = {name: values for name, values in columns.items() if len(set(values)) > 1}
    cells = [{**select, **{k: v[place] for k, v in apart.items()}} for place in range(keep.sum())]
    return cells or [select]


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

    ``prefix`` goes before the words for the cells in the label. ``may_fail``: whether the left cell
    may have learned nothing, because that is the question.
    """
    if "seed" not in _array(dataset, variable).dims:
        raise ConfigError(f"'{variable}' has no seeds to test over: compare it by the rule cheaper")
    c = _begin(dataset, pair, variable, names, prefix)
    c = replace(c, bound=by, may_fail=(c.left,) if may_fail else ())
    if c.outcome == "not run":
        return c, np.nan
    left, right = sides(dataset, pair, variable)
    overlap, step = overlap_of(dataset, c.left), step_of(left, right)
    d = statistics.paired_difference(left, right, by, overlap, step)
    return _measured(c, d, left - right, (mean(left), mean(right))), d.p


def _measured(
    c: Comparison, d: statistics.Difference, seeds: np.ndarray, means: tuple[float, ...]
) -> Comparison:
    """The comparison with what was found over seeds."""
    enough = d.n >= statistics.SEEDS_NEEDED["difference"]
    used = seeds[~np.isnan(seeds)]
    return replace(
        c,
        means=means,
        difference=d.mean,
        low=d.low,
        high=d.high,
        n=d.n,
        left_out=d.left_out,
        spread=float(used.std(ddof=1)) if enough else np.nan,
        outcome="open" if enough else "too few seeds",
    )


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
        cells=(cell,) if cell else (),
        sense=1 if sense == "above" else -1,
        bound=value,
    )
    if cell is None:
        return c, np.nan
    values = values_of(dataset, cell, variable)[ran(dataset, [cell], variable)]
    if not has_seeds:
        number = float(values)
        outcome = "not run" if np.isnan(number) else "open"
        return replace(c, means=(number,), difference=number, outcome=outcome), np.nan
    overlap, step = overlap_of(dataset, cell), step_of(values)
    d = statistics.paired_difference(values, np.zeros_like(values), value, overlap, step)
    m = interval_of(dataset, cell, variable)
    return replace(_measured(c, d, values, (d.mean,)), low=m.low, high=m.high), d.p


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


def chance_of(dataset: xr.Dataset, cell: str) -> float:
    """Accuracy of guessing in percent; NaN where the paper's file gives none."""
    return float(at(dataset, cell, dataset.variables["chance"])) if "chance" in dataset else np.nan


def overlap_of(dataset: xr.Dataset, cell: str) -> float:
    """Test over training examples of a cell whose seeds draw their parts anew; 0: they don't."""
    known = "split_overlap" in dataset.variables
    return float(at(dataset, cell, dataset.variables["split_overlap"])) if known else 0.0


def interval_of(dataset: xr.Dataset, cell: str, variable: str) -> statistics.Mean:
    """Mean of one cell over its seeds, with an interval that stays where the variable can be."""
    values = values_of(dataset, cell, variable)
    kinds = dataset.attrs.get("kinds", {})
    share = variable.endswith("_accuracy")
    kind = "share" if share else kinds.get(variable, "number")
    scale = 100 if share else 1
    m = statistics.mean_interval(values / scale, kind=kind, overlap=overlap_of(dataset, cell))
    return replace(m, mean=scale * m.mean, low=scale * m.low, high=scale * m.high)


def predicted(dataset: xr.Dataset, cell: str, variable: str) -> statistics.Mean:
    """Where one more run of a cell would fall."""
    values = values_of(dataset, cell, variable)
    scale = 100 if variable.endswith("_accuracy") else 1
    kind = "share" if scale == 100 else dataset.attrs.get("kinds", {}).get(variable, "number")
    m = statistics.prediction_interval(np.atleast_1d(values) / scale, kind=kind)
    return replace(m, mean=scale * m.mean, low=scale * m.low, high=scale * m.high)


def step_of(*values: np.ndarray) -> float:
    """The step in which numbers are counted: the smallest gap between any two of them."""
    found = np.unique(np.concatenate(values))
    found = found[np.isfinite(found)]
    gaps = np.diff(found)
    gaps = gaps[gaps > 1e-6 * np.abs(found).max(initial=0)]
    return float(gaps.min()) if gaps.size else np.inf


def values_of(dataset: xr.Dataset, cell: str, variable: str = "test_accuracy") -> np.ndarray:
    """A cell's values, shape (seed,) or () for a count; accuracies in percent."""
    values = np.asarray(at(dataset, cell, _array(dataset, variable)), float)
    return 100 * values if variable.endswith("_accuracy") else values


def sides(dataset: xr.Dataset, pair: CellPair, variable: str) -> tuple[np.ndarray, np.ndarray]:
    """Values of the left cell (with what the pair adds and takes away) and of the right one, at the
    seeds at which any of them was trained.
    """
    some = ran(dataset, [locate(dataset, select) for select in _needed(pair)], variable)

    def of(select: Select | None) -> np.ndarray | float:
        return (
            0.0 if select is None else values_of(dataset, locate(dataset, select), variable)[some]
        )

    return of(pair.left) + of(pair.plus) - of(pair.minus), of(pair.right)


def ran(dataset: xr.Dataset, cells: Iterable[str], variable: str) -> np.ndarray | EllipsisType:
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
    place = dataset.variables["cell"].to_index().get_loc(cell)
    return variable.values[(slice(None),) * variable.dims.index("cell") + (place,)]


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
        cells=tuple(cell for cell in found if cell),
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
