"""Reach: how far a claim's direction carries over switches, references, measures and data sets.

Every reading is the claim's own rule on other cells of the same stores, without gates: it tells
where a direction turns, not whether it is true.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd
import xarray as xr

from hnnlib.errors import StoreError
from hnnlib.evidence.comparison import Comparison, dataset_of, locate
from hnnlib.evidence.comparison.labels import STANDS_FOR, WITHOUT_DATA, describe_cell
from hnnlib.evidence.papers import CellPair, Claim, Paper, Part, Reading, Select
from hnnlib.evidence.rules import RULES, PartVerdict, decide, items, options

__all__ = ["Read", "read", "summary", "to_frame"]

MAIN = "as declared"


@dataclass(frozen=True)
class Read:
    """One reading of a claim.

    ``side`` is where the estimates lie, ``decided`` whether the tests say so, too. ``flips``:
    the estimates lie on the other side than as declared.
    """

    label: str
    side: Literal["for", "against"] | None
    decided: bool
    comparisons: tuple[Comparison, ...]
    flips: bool = False


def read(paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset]) -> list[Read]:
    """All readings of a claim that the stores hold, the declared one first.

    Args:
        stores: prepared, by study.
    """
    judged = list(_parts(paper, claim, stores, None))
    main = _read(MAIN, judged)
    if main is None:
        return []
    names = list(dict.fromkeys(name for one in judged for name in one.data if name))
    several = names if len(names) > 1 else [None]
    words = {name: _words(name, paper) for name in names}
    mains = {
        name: _read(f"{words[name]} alone" if name else MAIN, judged, name) for name in several
    }
    found = [] if several == [None] else list(mains.values())
    declared = {None: main} | mains
    compared = [(one, main) for one in found]
    for reading in paper.readings:
        if not reading.claims or claim.id in reading.claims:
            changed = list(_parts(paper, claim, stores, reading))
            for name in several if changed else ():
                label = f"{reading.label} on {words[name]}" if name else reading.label
                other = _read(label, changed, name)
                if declared[name] and other and not _same(other, declared[name]):
                    compared.append((other, declared[name]))
    return [main, *(replace(one, flips=one.side != base.side) for one, base in compared if one)]


def summary(readings: list[Read]) -> str:
    """``holds in 5 of 9 readings; turns with ReLU at the boundary``."""
    if not readings:
        return "no reading: nothing was compared"
    holds = sum(one.side == "for" for one in readings)
    flips = [one.label for one in readings if one.flips]
    turns = f"; turns with {', '.join(flips)}" if flips else ""
    return f"holds in {holds} of {len(readings)} reading{'s' * (len(readings) > 1)}{turns}"


def to_frame(readings: Mapping[str, list[Read]]) -> pd.DataFrame:
    """One row a reading and comparison, for a specification curve.

    Columns: claim, reading, side (of the reading), decided, flips, comparison (label), variable,
    difference, low, high, unit, favours (whether this estimate is on the claim's side), distance
    (from what the claim asks for, positive on its side, in half-widths of the interval), n.

    Args:
        readings: by claim.
    """
    rows = [
        {
            "claim": claim,
            "reading": one.label,
            "side": one.side,
            "decided": one.decided,
            "flips": one.flips,
            "comparison": c.label,
            "variable": c.variable,
            "difference": c.difference,
            "low": c.low,
            "high": c.high,
            "unit": c.unit,
            "favours": c.favours,
            "distance": _distance(c),
            "n": c.n,
        }
        for claim, found in readings.items()
        for one in found
        for c in one.comparisons
    ]
    columns = (
        "claim reading side decided flips comparison variable difference low high unit favours "
        "distance n"
    )
    return pd.DataFrame(rows, columns=columns.split())


def _distance(c: Comparison) -> float:
    """How far the estimate lies on the claim's side; NaN where there is no interval."""
    half = (c.high - c.low) / 2
    if c.favours is None or not half > 0:
        return math.nan
    away = c.difference - c.bound if c.sense else abs(c.difference) - c.margin
    return (1 if c.favours else -1) * abs(away) / half


@dataclass(frozen=True)
class _Judged:
    """A part of a claim under a reading, and the data set of each of its comparisons."""

    part: PartVerdict
    data: tuple[str | None, ...]

    def on(self, name: str | None) -> PartVerdict | None:
        """The part on one data set alone; None where it compares nothing there."""
        if name is None:
            return self.part
        own = [c for c, data in zip(self.part.comparisons, self.data, strict=True) if data == name]
        return decide(own, self.part.need) if own else None


def _read(label: str, judged: list[_Judged], name: str | None = None) -> Read | None:
    """A reading of all parts of a claim together; None where nothing was compared."""
    parts = [part for one in judged if (part := one.on(name)) is not None]
    known = [side for part in parts if (side := part.lean())]
    if not known:
        return None
    side = "for" if all(one == "for" for one in known) else "against"
    word = {"for": "supported", "against": "contradicted"}[side]
    verdicts = [part.verdict for part in parts]
    decided = all(v == word for v in verdicts) if side == "for" else word in verdicts
    return Read(label, side, decided, tuple(c for part in parts for c in part.comparisons))


def _words(name: str, paper: Paper) -> str:
    """What people call a data set."""
    words = describe_cell({STANDS_FOR: name}, paper.names).replace("_", " ")
    return "runs without data" if name == WITHOUT_DATA else words


def _same(one: Read, other: Read) -> bool:
    """Whether two readings compare the same cells by the same variables."""
    cells = [[(c.cells, c.variable) for c in read.comparisons] for read in (one, other)]
    return cells[0] == cells[1]


def _parts(
    paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset], reading: Reading | None
) -> Iterator[_Judged]:
    """The parts of a claim under a reading; none where no store has the cells that it asks for."""
    asked, changed = [], reading is None
    for part in claim.parts:
        study = paper.study_of(claim, part)
        if study not in stores:
            continue
        compared, variable = items(stores[study], part, paper.defaults), part.variable
        if reading is not None and paper.study_of(reading) == study:
            other, variable = _changed(stores[study], compared, part, reading)
            changed |= other != compared or variable != part.variable
            compared = other
        asked.append((stores[study], part, compared, variable))
    for dataset, part, compared, variable in asked if changed else ():
        chosen = options(part) | {"variable": variable}
        with suppress(StoreError):  # an older store lacks the variable
            found = RULES[part.rule](dataset, compared, names=paper.names, **chosen)
            ran = [c.cells[0] if c.outcome != "not run" else None for c in found.comparisons]
            yield _Judged(found, tuple(cell and dataset_of(dataset, cell) for cell in ran))


def _changed(dataset: xr.Dataset, items: Any, part: Part, reading: Reading) -> tuple[Any, str]:
    """Items with the cells of a reading, where the store has them, and the variable read."""

    def other(select: Select) -> Select:
        new = reading.changed(select)
        return new if new != select and locate(dataset, new) is not None else select

    variable = reading.variables.get(part.variable, part.variable)
    if variable not in dataset.data_vars:
        variable = part.variable
    return _mapped(items, other) if reading.set else items, variable


def _mapped(item: Any, change: Callable[[Select], Select]) -> Any:
    """An item of a part with all of its selectors changed."""
    if isinstance(item, dict):
        return change(item)
    if isinstance(item, CellPair):
        return CellPair(*(_mapped(value, change) for value in item))
    if isinstance(item, list | tuple):
        return type(item)(_mapped(value, change) for value in item)
    return item
