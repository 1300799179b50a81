"""What the page shows of a study: runs, claims and tables as plain text for the templates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from hnnlib import store
from hnnlib.evidence import claims, comparison
from hnnlib.evidence.claims import Judgement
from hnnlib.evidence.papers import Claim, Paper, Table
from hnnlib.evidence.report import provenance
from hnnlib.evidence.report.text import interval, number, p_value, prose, seeds, signed

__all__ = ["VERDICTS", "Run", "study_view"]

VERDICTS = ("supported", "contradicted", "undecided")


@dataclass
class Run:
    """A result store and what evidence makes of it; empty where there is no store."""

    name: str
    path: str | Path | None
    dataset: xr.Dataset | None = None
    judgements: dict[str, Judgement] = field(default_factory=dict)
    numbers: dict[tuple[str, str, str], dict] = field(default_factory=dict)

    def read(self, paper: Paper) -> None:
        if self.path is None:
            return
        self.dataset = store.open(self.path)
        self.judgements = {j.claim: j for j in claims.judge(paper, self.dataset)}
        frame = comparison.compare(paper, self.dataset)
        self.numbers = {
            (record["table"], record["row"], record["column"]): record
            for record in frame.to_dict("records")
        }

    @property
    def present(self) -> bool:
        return self.dataset is not None

    @property
    def attributes(self) -> dict:
        return dict(self.dataset.attrs) if self.present else {}

    def marks(self, paper: Paper) -> list[str]:
        """What a reader must know before comparing this run with the paper."""
        if not self.present:
            return []
        ours = set(self.dataset["dataset"].values.astype(str))
        theirs = {table.dataset for table in paper.tables}
        marks = ["not the paper’s data"] if ours - theirs else []
        if self.attributes.get("data_official") != "true":
            marks.append("not official files")
        return marks

    def view(self, paper: Paper) -> dict:
        words = [judgement.verdict for judgement in self.judgements.values()]
        attributes = self.attributes
        return {
            "name": self.name,
            "present": self.present,
            "scale": attributes.get("scale", ""),
            "data": attributes.get("data", ""),
            "marks": self.marks(paper),
            "tally": {word: words.count(word) for word in VERDICTS},
            "config": _indented(attributes.get("config_json", "")),
        }


def study_view(name: str, paper: Paper, runs: list[Run]) -> dict:
    """Everything that the templates show of a study but files: figures and links."""
    for run in runs:
        run.read(paper)
    views = [run.view(paper) for run in runs]
    return {
        "name": name,
        "short": _short(paper),
        "paper": paper,
        "runs": views,
        "claims": [_claim(name, claim, runs) for claim in paper.claims],
        "tables": [_table(paper, table, runs) for table in paper.tables],
        "provenance": provenance.lines([run.attributes for run in runs if run.present]),
    }


def _indented(text: str) -> str:
    return json.dumps(json.loads(text), indent=2) if text else ""


def _short(paper: Paper) -> str:
    """``Muramatsu, Yu & Satoh (2023)``; from four authors on only the first."""
    names = [author.split()[-1] for author in paper.authors]
    if len(names) > 3:
        return f"{names[0]} et al. ({paper.year})"
    first = [", ".join(names[:-1])] if names[:-1] else []
    return f"{' & '.join([*first, names[-1]])} ({paper.year})"


def _claim(study: str, claim: Claim, runs: list[Run]) -> dict:
    return {
        "id": claim.id,
        "anchor": f"claim-{study}-{claim.id}",
        "text": claim.text,
        "paper_says": claim.paper_says,
        "note": claim.note,
        "verdicts": [_verdict(run, run.judgements.get(claim.id)) for run in runs],
    }


def _verdict(run: Run, found: Judgement | None) -> dict:
    if found is None:
        return {"run": run.name, "word": None, "reason": "", "grids": []}
    title = f"{run.name}: scale {run.attributes.get('scale', '')}, {found.data or 'not run'}"
    grids = [_grid(title, found.comparisons)]
    for note in dict.fromkeys(c["note"] for c in found.context):
        shown = [c for c in found.context if c["note"] == note]
        grids.append(_grid(f"{run.name}, beside the verdict: {note}", shown))
    return {"run": run.name, "word": found.verdict, "reason": prose(found.reason), "grids": grids}


def _grid(title: str, comparisons: Sequence[Mapping]) -> dict:
    rows = [_evidence(c) for c in comparisons]
    return {"title": title, "rows": rows, "margin": any(row["margin"] for row in rows)}


def _evidence(c: Mapping) -> dict:
    """One comparison as text: what was compared, the paper's number, ours, the test."""
    ran = c["outcome"] != "not run"
    ours = interval(c["difference"], c["low"], c["high"], sign=True)
    if ran and c["kind"] == "count":
        ours = " against ".join(f"{value:.3g}" for value in c["means"])
    if ran and c["kind"] == "series":
        ours = ", ".join(number(value) for value in c["means"])
    return {
        "label": c["label"],
        "paper": signed(c["paper_difference"]),
        "ours": ours if ran else "not run",
        "n": seeds(c["n"], c["left_out"]) if ran else "",
        "margin": "" if math.isnan(c["margin"]) else f"{c['margin']:g}",
        "p": "" if math.isnan(c["p_holm"]) else p_value(c["p_holm"]),
        "outcome": {"shown": "", "not run": ""}.get(c["outcome"], c["outcome"]),
    }


def _table(paper: Paper, table: Table, runs: list[Run]) -> dict:
    def row(label: str, column: str, value: float | None) -> dict:
        found = [run.numbers.get((table.id, label, column)) for run in runs]
        return {
            "label": label,
            "short": paper.names.get(label, ""),
            "paper": number(value),
            "cells": [_cell(one) for one in found],
        }

    return {
        "id": table.id,
        "printed": "_" not in table.id,  # else a name that we gave: the paper prints no table
        "title": table.title,
        "dataset": table.dataset,
        "runs": [_column(run, table) for run in runs],
        "groups": [
            {"label": c.label, "rows": [row(label, c.label, v) for label, v in c.values.items()]}
            for c in table.columns
        ],
        "notes": [table.note, *(_footnote(run, table.id, paper.names) for run in runs)],
    }


def _column(run: Run, table: Table) -> dict:
    """Heading of a run's columns in one table: which data, and what sets them apart.

    There is a column for the difference only where data are the paper's.
    """
    records = [r for key, r in run.numbers.items() if key[0] == table.id and r["cell"]]
    used = dict.fromkeys(r["dataset"] for r in records)
    names = {str(run.dataset["dataset"].sel(cell=r["cell"]).item()) for r in records}
    return {
        "name": run.name,
        "about": ", ".join([run.attributes["scale"], *used]) if run.present else "none yet",
        "marks": ["not the paper’s data"] if names - {table.dataset} else [],
        "width": 3 if table.dataset in names else 2,
    }


def _cell(record: dict | None) -> dict:
    """One of our numbers: mean, interval, seeds, difference from the paper's."""
    if record is None or not record["cell"]:
        return {"ours": "" if record is None else "not run", "n": "", "difference": "", "no": True}
    if not record["n"]:
        return {"ours": "every seed failed", "n": "0", "difference": "", "no": True}
    ours = interval(record["ours"], record["low"], record["high"])
    difference = "" if math.isnan(record["difference"]) else signed(record["difference"])
    return {"ours": ours, "n": str(record["n"]), "difference": difference, "no": False}


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
