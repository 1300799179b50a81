"""The paper's tables beside ours: the two never share a column, and every row says which data ours
was made with.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import xarray as xr

from hnnlib import store
from hnnlib.analysis import statistics
from hnnlib.errors import counted
from hnnlib.evidence.comparison.cells import at, dataset_of, interval_of, locate
from hnnlib.evidence.comparison.labels import number_format
from hnnlib.evidence.comparison.stores import Stores, by_study
from hnnlib.evidence.papers import Entry, Paper, Table

__all__ = ["compare", "data_label", "pivot"]


def compare(paper: Paper, stores: Stores) -> pd.DataFrame:
    """Every number of the paper's tables beside ours, one row a number; accuracies in percent.

    Columns: study, table, row, column, cell, dataset (really used, marked where the copy is not the
    official one), scale, printed (the paper's number), ours (mean over seeds), low, high (95 %
    interval), n (seeds), difference (ours minus printed; only on the paper's data at the paper's
    own scale), unit, note. Of a single store, the tables of its study.
    """
    found, asked = by_study(paper, stores)
    columns = (
        "study table row column cell dataset scale printed ours low high n difference unit note"
    )
    rows = [
        {"study": study} | _row(paper, entry, found.get(study))
        for entry in paper.entries()
        if (study := paper.study_of(entry.table)) in asked
    ]
    return pd.DataFrame(rows, columns=columns.split())


def pivot(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """One table of :func:`compare` laid out to be read: paper, ours on named data, n, difference.

    Args:
        frame: from :func:`compare`.
        table: the paper's table, such as ``paper.table("1a")``.
    """
    records = frame[frame["table"] == table.id].to_dict("records")
    some = {(record["row"], record["column"]): record for record in records}
    rows = [row.label for row in table.rows]
    laid = pd.DataFrame(index=pd.Index(rows, name="row"))
    for column in table.columns:
        found = [some.get((row, column.label)) for row in rows]
        used = dict.fromkeys(one["dataset"] for one in found if one and one["dataset"])
        names = ("paper", f"ours on {', '.join(used)}" if used else "ours", "n", "difference")
        for name, texts in zip(names, zip(*map(_texts, found), strict=True), strict=True):
            laid[column.label, name] = texts
    laid.columns = pd.MultiIndex.from_tuples(laid.columns, names=["column", ""])
    return laid


def data_label(dataset: xr.Dataset, name: str) -> str:
    """``mnist``, ``digits (embedded)``, ``mnist (unofficial copy)``: marked where not official."""
    kind, _ = _source(dataset, name)
    return name if kind == "official" else f"{name} ({kind})"


def _row(paper: Paper, entry: Entry, dataset: xr.Dataset | None) -> dict:
    printed = np.nan if entry.value is None else entry.value
    row = {"table": entry.table.id, "row": entry.row, "column": entry.column, "printed": printed}
    row["unit"] = entry.unit
    row["scale"] = "" if dataset is None else dataset.attrs.get("scale", "")
    cell = None if dataset is None else locate(dataset, entry.select)
    if cell is None:
        empty = dict.fromkeys(("ours", "low", "high", "difference"), np.nan)
        return row | empty | {"cell": "", "dataset": "", "n": 0, "note": "not run at this scale"}
    name = dataset_of(dataset, cell)
    ours = interval_of(dataset, cell, entry.variable)
    same = name == entry.dataset and row["scale"] in paper.own_scales
    return row | {
        "cell": cell,
        "dataset": data_label(dataset, name),
        "ours": ours.mean,
        "low": ours.low,
        "high": ours.high,
        "n": ours.n,
        "difference": ours.mean - printed if same else np.nan,
        "note": "; ".join(_notes(entry, dataset, cell, name, ours, same)),
    }


def _notes(
    entry: Entry,
    dataset: xr.Dataset,
    cell: str,
    name: str,
    ours: statistics.Mean,
    own_scale: bool,
) -> list[str]:
    """What a reader of the row must know."""
    kind, source = _source(dataset, name)
    built = str(at(dataset, cell, dataset.variables["network"])) if "network" in dataset else ""
    notes = []
    if name != entry.dataset:
        notes.append(f"other data (the paper: {entry.dataset})")
    elif not own_scale:
        notes.append("another scale than the paper's, no difference is given")
    if kind != "official":
        notes.append(source or {"unofficial copy": "not the official files"}.get(kind, kind))
    if built and built != str(entry.select.get("architecture", built)):
        notes.append(f"built as {built}")
    if ours.left_out:
        every = counted(ours.n + ours.left_out, "seed")
        notes.append(f"{ours.left_out} of {every} without a result")
    if 0 < ours.n < statistics.SEEDS_NEEDED["interval"]:
        notes.append("too few seeds for an interval")
    return notes


def _source(dataset: xr.Dataset, name: str) -> tuple[str, str]:
    """What kind of data a data set is (:func:`hnnlib.store.origin`), and the note on it."""
    sources = json.loads(dataset.attrs.get("data_json") or "{}")
    known = {"official": dataset.attrs.get("data_official") == "true"} | sources.get(name, {})
    return store.origin(known), str(known.get("note", ""))


def _texts(one: dict | None) -> tuple[str, str, str, str]:
    """Paper, ours, n and difference of one row of :func:`compare` as text."""
    if one is None:
        return "", "", "", ""
    paper, ours, low, high, difference = (
        _number(one[key], one["unit"]) for key in ("printed", "ours", "low", "high", "difference")
    )
    if not one["cell"]:
        return paper, "not run", "0", difference
    interval = "" if np.isnan(one["low"]) else f" [{low}, {high}]"
    sign = "+" if one["difference"] >= 0 else ""
    return paper, ours + interval, str(one["n"]), sign + difference


def _number(value: float, unit: str) -> str:
    return "–" if np.isnan(value) else format(value, number_format(value, unit))
