"""What pages show of a paper and its studies: runs, claims and tables as plain text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from hnnlib import store
from hnnlib.errors import counted
from hnnlib.evidence import claims
from hnnlib.evidence.claims import Judgement
from hnnlib.evidence.comparison import dataset_of
from hnnlib.evidence.ledger import Ledger
from hnnlib.evidence.papers import Claim, Paper, Table
from hnnlib.evidence.report import provenance, reproduced
from hnnlib.evidence.report.text import interval, number, once, p_value, prose, seeds, signed

__all__ = ["Run", "paper_view"]

_MARKS = ("embedded", "generated", "unofficial copy")


@dataclass(frozen=True)
class Run:
    """A run as far as one paper is concerned: its stores, and what evidence makes of them.

    Attributes:
        key: names its files and anchors, ``this`` or ``reference``.
    """

    key: str
    name: str
    stores: Mapping[str, xr.Dataset]
    judgements: Mapping[str, Judgement]
    numbers: Mapping[tuple[str, str, str], dict]

    @classmethod
    def of(
        cls, name: str, stem: str, paper: Paper, stores: Mapping[str, xr.Dataset], weighed: Ledger
    ) -> Run:
        """What a run's stores and ledger hold of a paper."""
        compared = weighed.compared.get(stem)
        records = [] if compared is None else compared.to_dict("records")
        return cls(
            name.split()[0].lower(),
            name,
            {study: stores[study] for study in paper.studies if study in stores},
            {j.claim: j for j in weighed.judged.get(stem, ())},
            {(record["table"], record["row"], record["column"]): record for record in records},
        )

    def attribute(self, name: str, *studies: str) -> str:
        """What the stores of some studies say, each answer once."""
        said = [self.stores[s].attrs.get(name, "") for s in studies if s in self.stores]
        return "; ".join(dict.fromkeys(filter(None, said)))

    def marks(self, paper: Paper, *studies: str) -> list[str]:
        """What a reader must know before comparing stores of this run with the paper."""
        found = [self.stores[study] for study in studies if study in self.stores]
        names = {name for one in found for name in one["dataset"].values.astype(str)}
        marks = ["not the paper’s data"] if names - paper.data else []
        kinds = {store.origin(source) for one in found for source in _sources(one).values()}
        return marks + [kind for kind in _MARKS if kind in kinds]

    def view(self, paper: Paper, *studies: str) -> dict:
        """The run as far as some studies are concerned."""
        commits = [commit[:10] for commit in self.attribute("git_commit", *studies).split("; ")]
        return {
            "key": self.key,
            "name": self.name,
            "commit": ", ".join(commits) or "unknown",
            "present": any(study in self.stores for study in studies),
            "scale": self.attribute("scale", *studies),
            "data": once(self.attribute("data", *studies)),
            "marks": self.marks(paper, *studies),
        }

    def tally(self) -> dict[str, int]:
        """Number of the authors' claims with each answer, without a referee's questions."""
        words = [j.answer for j in self.judgements.values() if j.asked_by == "authors"]
        return {word: words.count(word) for word in claims.ANSWERS}


def _sources(dataset: xr.Dataset) -> dict[str, dict]:
    """Where each data set of a store comes from."""
    unnamed = {"": {"official": dataset.attrs.get("data_official") == "true"}}
    return json.loads(dataset.attrs.get("data_json") or "{}") or unnamed


def paper_view(stem: str, paper: Paper, studies: Mapping[str, str], runs: list[Run]) -> dict:
    """Everything that the templates show of a paper but files: figures and links.

    Args:
        stem: name of the paper's file, for anchors.
        studies: titles of the paper's studies that have a page, by name.
        runs: what is shown beside each other.
    """
    found = [_claim(stem, paper, claim, runs, studies) for claim in paper.claims]
    return {
        "name": stem,
        "page": _summary(stem),
        "short": paper.short,
        "paper": paper,
        "runs": [run.view(paper, *paper.studies) | {"tally": run.tally()} for run in runs],
        "claims": found,
        "claims_here": [claim for claim in found if claim["page"] == _summary(stem)],
        "studies": [_study(name, title, paper, runs, found) for name, title in studies.items()],
        "summary": reproduced.summary(paper, runs),
    }


def _summary(stem: str) -> str:
    """File of a paper's page, where claims stand that no study's page shows: those of studies that
    were not run, and of a second paper of a study.
    """
    return f"paper-{stem}.html"


def _page(study: str) -> str:
    """File of a study's page."""
    return f"study-{study}.html"


def _study(name: str, title: str, paper: Paper, runs: list[Run], found: list[dict]) -> dict:
    tables = [table for table in paper.tables if paper.study_of(table) == name]
    views = [
        run.view(paper, name) | {"config": _indented(run.attribute("config_json", name))}
        for run in runs
    ]
    own = {claim.id for claim in paper.claims if name in paper.studies_of(claim)}
    return {
        "name": name,
        "page": _page(name),
        "title": title,
        "runs": views,
        "claims": [claim for claim in found if claim["id"] in own],
        "tables": [_table(name, paper, table, runs) for table in tables],
        "provenance": provenance.lines(
            [dict(run.stores[name].attrs) for run in runs if name in run.stores]
        ),
    }


def _indented(text: str) -> str:
    return json.dumps(json.loads(text), indent=2) if text else ""


def _claim(stem: str, paper: Paper, claim: Claim, runs: list[Run], shown: Iterable[str]) -> dict:
    pages = [_page(name) for name in paper.studies_of(claim) if name in shown]
    return {
        "page": pages[0] if pages else _summary(stem),
        "id": claim.id,
        "anchor": f"claim-{stem}-{claim.id}",
        "studies": paper.studies_of(claim) if len(paper.studies) > 1 else (),
        "text": claim.text,
        "asked_by": claim.asked_by,
        "answers": " ".join(
            run.judgements[claim.id].answer.replace(" ", "-")
            for run in runs
            if claim.id in run.judgements
        ),
        "paper_says": claim.paper_says,
        "own_numbers": next(
            (
                prose(f"{found.own_numbers}: {found.own_numbers_reason}")
                for run in runs
                if (found := run.judgements.get(claim.id))
            ),
            "",
        ),
        "note": claim.note,
        "verdicts": [
            _verdict(run, run.judgements.get(claim.id), paper.studies_of(claim)) for run in runs
        ],
    }


def _verdict(run: Run, found: Judgement | None, studies: Sequence[str]) -> dict:
    if found is None:
        return dict.fromkeys(("scale", "reason", "about", "details", "grids"), "") | {
            "run": run.name,
            "word": None,
        }
    scale = run.attribute("scale", *studies)
    title = f"{run.name}: scale {scale}, {found.data}"
    grids = [_grid(title, found.comparisons)] if found.comparisons else []
    for note in dict.fromkeys(c["note"] for c in found.context):
        shown = [c for c in found.context if c["note"] == note]
        grids.append(_grid(f"{run.name}, beside the answer: {note}", shown))
    return {
        "run": run.name,
        "word": found.answer,
        "scale": found.scale,
        "reason": prose(found.reason),
        "about": [prose(text) for text in _about(found)],
        "details": [prose(text) for text in _details(found)],
        "grids": grids,
    }


def _about(found: Judgement) -> list[str]:
    """What a claim's answer comes with, one sentence each."""
    said = (
        "" if found.direction == found.answer else found.direction,
        found.reach,
        f"about {counted(found.seeds_needed, 'seed')} would decide" if found.seeds_needed else "",
    )
    return [f"{text[0].upper()}{text[1:]}." for text in said if text]


def _details(found: Judgement) -> list[str]:
    """What a referee asks of it besides."""
    said = (f"Number: {found.number}", f"Rule: {found.registration}")
    return [f"{text}." for text in (*said, *map(_dead, found.dead_outputs))]


def _dead(one: Mapping) -> str:
    """Outputs of one cell that never answer, by seed."""
    by_seed = ", ".join("failed" if many is None else str(many) for many in one["outputs"])
    ties = "" if math.isnan(one["tie_rate"]) else f"; {one['tie_rate']:.1f} % of examples tie"
    return f"Outputs that never answer, by seed, {one['cell']}: {by_seed}{ties}"


def _grid(title: str, comparisons: Sequence[Mapping]) -> dict:
    rows = [_evidence(c) for c in comparisons]
    some = {key: any(row[key] for row in rows) for key in ("margin", "dead")}
    return {"title": title, "rows": rows} | some


def _evidence(c: Mapping) -> dict:
    """One comparison as text: what was compared, the paper's number, ours, the test."""
    ran = c["outcome"] != "not run"
    unit, plain = c["unit"], c["kind"] in ("value", "number")
    ours = interval(c["difference"], c["low"], c["high"], unit, sign=not plain)
    if ran and c["kind"] == "count":
        ours = " against ".join(f"{value:.3g}" for value in c["means"])
    if ran and c["kind"] == "series":
        ours = ", ".join(number(value, unit=unit) for value in c["means"])
    return {
        "label": c["label"],
        "paper": (number if plain else signed)(c["paper_difference"], unit=unit),
        "ours": ours if ran else "not run",
        "n": seeds(c["n"], c["left_out"]) if ran else "",
        "dead": str(c["dead_seeds"] or ""),
        "margin": "" if math.isnan(c["margin"]) else f"{c['margin']:g}",
        "p": "" if math.isnan(c["p_holm"]) else p_value(c["p_holm"]),
        "outcome": {"shown": "", "not run": ""}.get(c["outcome"], c["outcome"]),
    }


def _table(study: str, paper: Paper, table: Table, runs: list[Run]) -> dict:
    groups: dict[str, dict] = {}
    for entry in table.entries({}):
        unit = "" if entry.unit == table.unit else entry.unit
        group = groups.setdefault(entry.column, {"label": entry.column, "unit": unit, "rows": []})
        found = [run.numbers.get((table.id, entry.row, entry.column)) for run in runs]
        group["rows"].append(
            {
                "label": entry.row,
                "short": paper.names.get(entry.row, ""),
                "paper": number(entry.value, unit=entry.unit),
                "cells": [_cell(one) for one in found],
            }
        )
    return {
        "id": table.id,
        "printed": "_" not in table.id,  # else a name that we gave: the paper prints no table
        "title": table.title,
        "dataset": ", ".join(table.datasets),
        "runs": [_column(study, run, table) for run in runs],
        "groups": list(groups.values()),
        "notes": [table.note, *(_footnote(run, table.id, paper.names) for run in runs)],
    }


def _column(study: str, run: Run, table: Table) -> dict:
    """Heading of a run's columns in one table: which data, and what sets them apart.

    There is a column for the difference only where there is one: on the paper's data, at its scale.
    """
    records = [r for key, r in run.numbers.items() if key[0] == table.id and r["cell"]]
    used = dict.fromkeys(r["dataset"] for r in records)
    names = {dataset_of(run.stores[study], r["cell"]) for r in records}
    present = study in run.stores
    return {
        "name": run.name,
        "about": ", ".join([run.attribute("scale", study), *used]) if present else "none yet",
        "marks": ["not the paper’s data"] if names - {*table.datasets} else [],
        "width": 2 if all(math.isnan(r["difference"]) for r in records) else 3,
    }


def _cell(record: dict | None) -> dict:
    """One of our numbers: mean, interval, seeds, difference from the paper's."""
    if record is None or not record["cell"]:
        return {"ours": "" if record is None else "not run", "n": "", "difference": "", "no": True}
    if not record["n"]:
        return {"ours": "every seed failed", "n": "0", "difference": "", "no": True}
    unit, difference = record["unit"], record["difference"]
    return {
        "ours": interval(record["ours"], record["low"], record["high"], unit),
        "n": str(record["n"]),
        "difference": "" if math.isnan(difference) else signed(difference, unit),
        "no": False,
    }


def _footnote(run: Run, table: str, names: Mapping[str, str]) -> str:
    """What the notes on single numbers say, each once, with its rows unless it holds for all."""
    records = [r for key, r in run.numbers.items() if key[0] == table and r["cell"]]
    rows: dict[str, dict[str, None]] = {}
    for record in records:
        for note in filter(None, record["note"].split("; ")):
            rows.setdefault(note, {})[names.get(record["row"], record["row"])] = None
    total = len({record["row"] for record in records})
    said = [n if len(r) == total else f"{n} ({', '.join(r)})" for n, r in rows.items()]
    return f"{run.name}: {'; '.join(said)}." if said else ""
