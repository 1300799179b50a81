"""The paper's printed numbers: beside ours, under its own rules, and as one more run of ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import xarray as xr

from hnnlib.evidence.comparison import (
    Comparison,
    dataset_of,
    describe_cell,
    locate,
    predicted,
    spoken,
)
from hnnlib.evidence.papers import CellPair, Claim, OwnNumbers, Paper, Part, Select

__all__ = ["held", "own_numbers", "paper_difference", "paper_numbers"]

Holds = Literal["holds", "fails", "cannot be applied"]


def paper_numbers(paper: Paper, study: str, c: Comparison) -> tuple[float | None, ...]:
    """The printed number of each cell of a comparison; from one table where one has them all."""
    return _numbers(paper, study, c.selects, c.variable)


def paper_difference(paper: Paper, study: str, c: Comparison) -> float:
    """The printed difference (of a single cell its number); NaN where the paper prints none."""
    numbers = paper_numbers(paper, study, c)
    if c.kind in ("value", "number") and numbers and numbers[0] is not None:
        return numbers[0]
    if c.kind != "correlation" and len(numbers) > 1 and None not in numbers:
        first, last = numbers[0], numbers[-1]
        return round(last - first if c.kind == "series" else first - last, 6)
    return math.nan


def held(
    paper: Paper, study: str, dataset: xr.Dataset, comparisons: Sequence[Comparison]
) -> tuple[int, int]:
    """How many printed numbers lie where one more run of ours would fall, and of how many.

    Asked on the paper's own data at the paper's own scale only; elsewhere there is nothing to hold.
    """
    if dataset.attrs.get("scale") not in paper.own_scales:
        return 0, 0
    asked: dict[tuple[str, str], bool] = {}
    for c in comparisons:
        for select, number in zip(c.selects, paper_numbers(paper, study, c), strict=True):
            cell = locate(dataset, select)
            if number is None or cell is None or dataset_of(dataset, cell) not in paper.data:
                continue
            if c.variable in paper.changes:
                continue  # a difference of two printed numbers is not printed itself
            one = predicted(dataset, cell, c.variable)
            if not math.isnan(one.low):
                asked[cell, c.variable] = one.low <= number <= one.high
    return sum(asked.values()), len(asked)


def own_numbers(paper: Paper, claim: Claim) -> OwnNumbers:
    """The claim's rules applied to the paper's printed numbers, taken as they are."""
    if claim.own_numbers is not None:
        return claim.own_numbers
    answers, failed = [], []
    for part in claim.parts:
        found = _own(paper, paper.study_of(claim, part), part)
        known = [holds for holds, _ in found if holds is not None]
        need = getattr(part, "need", "all")
        answers.append(None if not known else any(known) if need == "any" else all(known))
        if answers[-1] is False:
            failed += [text for holds, text in found if holds is False]
    if False in answers:
        return OwnNumbers(answer="fails", reason="; ".join(dict.fromkeys(failed)))
    if True not in answers:
        return OwnNumbers(answer="cannot be applied", reason="the paper prints no such numbers")
    silent = answers.count(None)
    have = "has" if silent == 1 else "have"
    said = f"{silent} of {len(answers)} parts {have} no printed numbers" if silent else "all parts"
    return OwnNumbers(answer="holds", reason=said)


def _own(paper: Paper, study: str, part: Part) -> list[tuple[bool | None, str]]:
    """What each item of a part says of printed numbers (None: not printed), and the numbers."""
    sign = {"lower": -1, "below": -1, "falling": -1}.get(getattr(part, "sense", ""), 1)
    found = []
    if part.rule in ("not_measured", "correlated", "cheaper"):
        return []
    for item in part.items(paper.defaults):
        margin = 0.0
        if part.rule == "bound":
            selects = [item]
        elif isinstance(item, CellPair):
            selects, margin = [item.left, item.right], item.margin or 0.0
        elif part.rule == "best_not_better":
            group, left, right = item
            selects, margin = [*left, *right], group.margin
        else:
            line, selects = item
            sign = -1 if getattr(line, "sense", "rising") == "falling" else 1
        numbers = _numbers(paper, study, selects, part.variable)
        if None in numbers:
            found.append((None, ""))
            continue
        split = len(item[1]) if part.rule == "best_not_better" else 0
        holds = _HOLDS[part.rule](list(numbers), sign, margin, getattr(part, "value", 0.0), split)
        what = f"{spoken(part.variable, paper.names)} of " if part.rule == "bound" else ""
        name = describe_cell(selects[0], paper.names)
        unit = " %" if part.variable.endswith("_accuracy") else ""
        told = ", ".join(f"{number:g}" for number in numbers) + unit
        found.append((bool(holds), f"{told} ({what}{name}{' and others' * (len(selects) > 1)})"))
    return found


_HOLDS: dict[str, Any] = {
    "better": lambda x, sign, margin, value, split: sign * (x[0] - x[1]) > 0,
    "drop": lambda x, sign, margin, value, split: x[0] - x[1] <= -margin,
    "equivalent": lambda x, sign, margin, value, split: abs(x[0] - x[1]) < margin,
    "trend": lambda x, sign, margin, value, split: all(sign * (b - a) > 0 for a, b in pairwise(x)),
    "interior": lambda x, sign, margin, value, split: (
        max(sign * y for y in x[1:-1]) > max(sign * x[0], sign * x[-1])
    ),
    "best_not_better": lambda x, sign, margin, value, split: (
        max(x[:split]) - max(x[split:]) < margin
    ),
    "bound": lambda x, sign, margin, value, split: sign * (x[0] - value) > 0,
}


def _numbers(
    paper: Paper, study: str, selects: Sequence[Select], variable: str
) -> tuple[float | None, ...]:
    if variable in paper.changes:
        parts = [_numbers(paper, study, selects, name) for name in paper.changes[variable]]
        return tuple(
            None if None in pair else round(pair[0] - pair[1], 6)
            for pair in zip(*parts, strict=True)
        )
    selects = [
        {k: paper.printed_under.get(k, {}).get(str(v), v) for k, v in select.items()}
        for select in selects
    ]
    by_table: dict[str, list] = {}
    for entry in paper.entries():
        if entry.variable == variable and paper.study_of(entry.table) == study:
            by_table.setdefault(entry.table.id, []).append(entry)
    tables = [
        tuple(
            next((e.value for e in entries if _same_cell(e.select, select)), None)
            for select in selects
        )
        for entries in by_table.values()
    ]
    whole = next((numbers for numbers in tables if None not in numbers), None)
    if whole or not tables:
        return whole or (None,) * len(selects)
    return tuple(
        next((value for value in column if value is not None), None)
        for column in zip(*tables, strict=True)
    )


def _same_cell(ours: Select, theirs: Select) -> bool:
    """Whether two selectors agree wherever both speak."""
    return all(ours[key] == theirs[key] for key in ours.keys() & theirs.keys())
