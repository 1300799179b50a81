"""Verdicts: every claim of a paper judged by the rules that its file names.

Supported: all parts are. Contradicted: any part is. Anything else, missing cells and too few seeds
included, is undecided. What a claim shows as context never decides it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd
import xarray as xr

from hnnlib.evidence.comparison import Comparison, by_study, data_label, dataset_of, show
from hnnlib.evidence.comparison.stores import Stores
from hnnlib.evidence.papers import Claim, Paper, Part, Select
from hnnlib.evidence.rules import PartVerdict, Verdict, apply

__all__ = ["Judgement", "judge", "to_frame"]


@dataclass(frozen=True)
class Judgement:
    """One claim, its verdict and the numbers behind it.

    ``comparisons`` decide, ``context`` is shown beside them (each with a ``note``). Both are lists
    of :class:`~hnnlib.evidence.comparison.Comparison` as dictionaries, with ``paper``, the paper's
    numbers of the same cells, and ``paper_difference`` (of a single cell its number), NaN where it
    prints none. ``n_seeds`` is the smallest number of seeds behind any comparison that was run.
    ``data`` names the data really used, ``study`` the studies whose stores decide.
    """

    study: str
    claim: str
    text: str
    verdict: Verdict
    reason: str
    n_seeds: int
    data: str
    comparisons: list[dict]
    context: list[dict]
    paper_says: str
    note: str


def judge(paper: Paper, stores: Stores) -> list[Judgement]:
    """Judge every claim of the paper on the stores of its studies, in the paper's order.

    Of a single store, only claims that its study has a part in. Where a study has no store, what
    rests on it is undecided.

    Raises:
        ConfigError: a selector means several cells of the store, or uses a coordinate it lacks.
        StoreError: the store lacks a variable that a claim compares.
    """
    found, asked = by_study(paper, stores)
    claims = [claim for claim in paper.claims if set(asked) & set(paper.studies_of(claim))]
    return [_judge(paper, claim, found) for claim in claims]


def to_frame(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """One row a claim, for ``claims.csv``; comparisons and context as JSON."""
    rows = []
    for judgement in judgements:
        row = asdict(judgement)
        for key in ("comparisons", "context"):
            row[key] = json.dumps(_without_nan(row[key]), ensure_ascii=False)
        rows.append(row)
    columns = list(Judgement.__dataclass_fields__)
    return pd.DataFrame(rows, columns=columns)


def _judge(paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset]) -> Judgement:
    parts, decided, data = [], [], {}
    for part in claim.parts:
        study = paper.study_of(claim, part)
        found = _part(paper, part, study, stores)
        parts.append(found)
        decided += [_record(paper, study, c) for c in found.comparisons]
        if study in stores:
            data |= dict.fromkeys(_data(paper, stores[study], found.comparisons))
    verdict = _verdict(parts)
    return Judgement(
        study=", ".join(paper.studies_of(claim)),
        claim=claim.id,
        text=claim.text,
        verdict=verdict,
        reason=_reason(parts, verdict),
        n_seeds=min((c["n"] for c in decided if c["outcome"] != "not run"), default=0),
        data=", ".join(data),
        comparisons=decided,
        context=_context(paper, claim, stores),
        paper_says=claim.paper_says,
        note=claim.note,
    )


def _part(paper: Paper, part: Part, study: str, stores: Mapping[str, xr.Dataset]) -> PartVerdict:
    if study not in stores:
        return PartVerdict("undecided", f"not run at this scale: study {study}", ())
    return apply(stores[study], part, paper.defaults, paper.names)


def _context(paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset]) -> list[dict]:
    """What is shown beside the verdict, from the studies that were run."""
    shown = []
    for one in claim.context:
        study = paper.study_of(claim, one)
        if study in stores:
            pairs = one.items(paper.defaults)
            found = show(stores[study], pairs, one.variable, paper.names)
            shown += [{"note": one.note} | _record(paper, study, c) for c in found]
    return shown


def _verdict(parts: Sequence[PartVerdict]) -> Verdict:
    verdicts = [part.verdict for part in parts]
    if "contradicted" in verdicts:
        return "contradicted"
    return "undecided" if "undecided" in verdicts else "supported"


def _reason(parts: Sequence[PartVerdict], verdict: Verdict) -> str:
    """The reasons of the parts that made the verdict, each once, as one sentence."""
    text = "; and ".join(dict.fromkeys(p.reason for p in parts if p.verdict == verdict))
    return f"{text[:1].upper()}{text[1:]}."


def _data(paper: Paper, dataset: xr.Dataset, decided: Sequence[Comparison]) -> list[str]:
    """Data sets behind the comparisons, marked where not official or not the paper's."""
    cells = [name for c in decided for name in (c.left, c.right) if name and c.outcome != "not run"]
    used = dict.fromkeys(dataset_of(dataset, cell) for cell in cells)
    return [
        data_label(dataset, name) + ("" if name in paper.data else " (not the paper's data)")
        for name in used
    ]


# --- the paper's own numbers --------------------------------------------------------------------


def _record(paper: Paper, study: str, c: Comparison) -> dict:
    """A comparison as a dictionary, with the paper's numbers of the same cells."""
    numbers = _paper_numbers(paper, study, c)
    difference = math.nan
    if c.kind in ("value", "number") and numbers and numbers[0] is not None:
        difference = numbers[0]
    elif c.kind != "correlation" and len(numbers) > 1 and None not in numbers:
        first, last = numbers[0], numbers[-1]
        difference = round(last - first if c.kind == "series" else first - last, 6)
    return asdict(c) | {"paper": numbers, "paper_difference": difference}


def _paper_numbers(paper: Paper, study: str, c: Comparison) -> tuple[float | None, ...]:
    """The printed number of each cell; from one table where one has them all."""
    by_table: dict[str, list] = {}
    for entry in paper.entries():
        if entry.variable == c.variable and paper.study_of(entry.table) == study:
            by_table.setdefault(entry.table.id, []).append(entry)
    tables = [
        tuple(
            next((e.value for e in entries if _same_cell(e.select, select)), None)
            for select in c.selects
        )
        for entries in by_table.values()
    ]
    whole = next((numbers for numbers in tables if None not in numbers), None)
    if whole:
        return whole
    return tuple(
        next((value for value in column if value is not None), None)
        for column in zip(*tables, strict=True)
    )


def _same_cell(ours: Select, theirs: Select) -> bool:
    """Whether two selectors agree wherever both speak."""
    return all(ours[key] == theirs[key] for key in ours.keys() & theirs.keys())


def _without_nan(value):
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
