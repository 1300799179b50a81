"""Reach: how far a claim's direction carries over switches, references, measures and data sets.

Every reading is the claim's own rule on other cells of the same stores, without gates: it tells
where a direction turns, not whether it is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import xarray as xr

from hnnlib.errors import StoreError
from hnnlib.evidence.comparison import Comparison, dataset_of, locate
from hnnlib.evidence.papers import CellPair, Claim, Paper, Part, Reading, Select
from hnnlib.evidence.rules import RULES, PartVerdict, decide, options

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
    main = _read(MAIN, list(_parts(paper, claim, stores, None)))
    if main is None or main.side is None:
        return [main] if main else []
    others = [*_by_data(paper, claim, stores)]
    for reading in paper.readings:
        if not reading.claims or claim.id in reading.claims:
            others.append(_read(reading.label, list(_parts(paper, claim, stores, reading))))
    found = [one for one in others if one is not None and one.side is not None]
    return [main] + [
        Read(one.label, one.side, one.decided, one.comparisons, one.side != main.side)
        for one in found
    ]


def summary(readings: list[Read]) -> str:
    """``holds in 5 of 9 readings; turns with ReLU at the boundary``."""
    if not readings or readings[0].side is None:
        return ""
    holds = sum(one.side == "for" for one in readings)
    flips = [one.label for one in readings if one.flips]
    turns = f"; turns with {', '.join(flips)}" if flips else ""
    return f"holds in {holds} of {len(readings)} readings{turns}"


def to_frame(readings: Mapping[str, list[Read]]) -> pd.DataFrame:
    """One row a reading and comparison, for a specification curve.

    Columns: claim, reading, side (of the reading), decided, flips, comparison (label), variable,
    difference, low, high, unit, favours (whether this estimate is on the claim's side), n.

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
            "n": c.n,
        }
        for claim, found in readings.items()
        for one in found
        for c in one.comparisons
    ]
    columns = (
        "claim reading side decided flips comparison variable difference low high unit favours n"
    )
    return pd.DataFrame(rows, columns=columns.split())


def _read(label: str, parts: list[PartVerdict]) -> Read | None:
    """A reading of all parts of a claim together; None where nothing was changed."""
    sides = [part.lean() for part in parts]
    known = [side for side in sides if side]
    if not parts or not known:
        return None
    side = "for" if all(one == "for" for one in known) else "against"
    word = {"for": "supported", "against": "contradicted"}[side]
    verdicts = [part.verdict for part in parts]
    decided = all(v == word for v in verdicts) if side == "for" else word in verdicts
    return Read(label, side, decided, tuple(c for part in parts for c in part.comparisons))


def _parts(
    paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset], reading: Reading | None
) -> Iterator[PartVerdict]:
    """The parts of a claim under a reading; none where no store has the cells that it asks for."""
    asked, changed = [], reading is None
    for part in claim.parts:
        study = paper.study_of(claim, part)
        if study not in stores:
            continue
        items, variable = part.items(paper.defaults), part.variable
        if reading is not None and paper.study_of(reading) == study:
            other, variable = _changed(stores[study], items, part, reading)
            changed |= other != items or variable != part.variable
            items = other
        asked.append((stores[study], part, items, variable))
    for dataset, part, items, variable in asked if changed else ():
        chosen = options(part) | {"variable": variable}
        with suppress(StoreError):  # an older store lacks the variable
            yield RULES[part.rule](dataset, items, names=paper.names, **chosen)


def _changed(dataset: xr.Dataset, items, part: Part, reading: Reading):
    """Items with the cells of a reading, where the store has them, and the variable read."""

    def other(select: Select) -> Select:
        new = reading.changed(select)
        return new if new != select and locate(dataset, new) is not None else select

    variable = reading.variables.get(part.variable, part.variable)
    if variable not in dataset.data_vars:
        variable = part.variable
    return _mapped(items, other) if reading.set else items, variable


def _mapped(item, change):
    """An item of a part with all of its selectors changed."""
    if isinstance(item, dict):
        return change(item)
    if isinstance(item, CellPair):
        return CellPair(*(_mapped(value, change) for value in item))
    if isinstance(item, list | tuple):
        return type(item)(_mapped(value, change) for value in item)
    return item


def _by_data(paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset]) -> Iterator[Read | None]:
    """The claim on each data set alone, where it compares cells of several."""
    ran = [part for part in claim.parts if paper.study_of(claim, part) in stores]
    parts = [
        (stores[paper.study_of(claim, part)], judged)
        for part, judged in zip(ran, _parts(paper, claim, stores, None), strict=False)
    ]
    names = [
        (name, dataset, part)
        for dataset, part in parts
        for name in dict.fromkeys(
            dataset_of(dataset, c.cells[0]) for c in part.comparisons if c.cells
        )
    ]
    several = list(dict.fromkeys(name for name, *_ in names))
    for name in several if len(several) > 1 else []:
        found = []
        for dataset, part in parts:
            own = [
                c for c in part.comparisons if c.cells and dataset_of(dataset, c.cells[0]) == name
            ]
            if own:
                found.append(decide(own, part.need))
        yield _read(f"{name} alone", found)
