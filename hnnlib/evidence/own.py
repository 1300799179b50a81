"""A reader's own networks in a paper's table, and tested against its cells seed by seed."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from hnnlib import store as stores
from hnnlib.analysis import statistics
from hnnlib.errors import ConfigError, DataError, nearest
from hnnlib.evidence import comparison, papers
from hnnlib.evidence.papers import Paper, Table

__all__ = ["Beside", "compare", "read"]

COLUMNS = ("name", "seed", "accuracy")
REFERENCE = papers.PAPERS.parent / "results/reference"


@dataclass(frozen=True)
class Beside:
    """A table with own rows, and what tells them from the cells of the table.

    Attributes:
        table: rows of the paper and of the reader; accuracies in percent, with their 95 % interval.
        tests: own minus cell over the seeds that both have: mean, interval, seeds, p of no
            difference, and p corrected over all of these tests (Holm); empty without own networks.
        note: which data and scale the cells are from, and what that means for the tests.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    note: str


def read(path: str | Path) -> dict[str, dict[int, float]]:
    """Accuracies in percent by name and seed, from a CSV file: columns name, seed, accuracy.

    Raises:
        DataError: no such file, or a line that is not understood; one sentence with the line.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.DictReader(stream)
            head = [one.strip() for one in lines.fieldnames or []]
            if missing := [one for one in COLUMNS if one not in head]:
                raise DataError(
                    f"{path} line 1: no column {missing[0]}; the first line is {','.join(COLUMNS)}"
                )
            lines.fieldnames = head
            rows = [(lines.line_num, line) for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as reason:
        why = "no text in UTF-8" if isinstance(reason, UnicodeDecodeError) else str(reason)
        why = getattr(reason, "strerror", None) or why
        raise DataError(f"{path} cannot be read: {why}") from None
    found: dict[str, dict[int, float]] = {}
    for number, line in rows:
        name, seed, accuracy = _row(f"{path} line {number}", line)
        if seed in found.setdefault(name, {}):
            raise DataError(f"{path} line {number}: {name} has the seed {seed} twice")
        found[name][seed] = accuracy
    if not found:
        raise DataError(f"{path} holds no run: give a line a run, such as mine,0,97.8")
    if all(value <= 1 for runs in found.values() for value in runs.values()):
        raise DataError(f"{path}: no accuracy is above 1; give percent, 97.8 and not 0.978")
    return found


def _row(where: str, line: dict[str, str | None]) -> tuple[str, int, float]:
    name, seed, accuracy = (str(line[column] or "").strip() for column in COLUMNS)
    if not name:
        raise DataError(f"{where}: the name is empty")
    try:
        number = int(seed)
    except ValueError:
        raise DataError(f"{where}: the seed '{seed}' is no whole number") from None
    try:
        value = float(accuracy)
    except ValueError:
        raise DataError(f"{where}: the accuracy '{accuracy}' is no number") from None
    if not (math.isnan(value) or 0 <= value <= 100):
        raise DataError(f"{where}: the accuracy {accuracy} is not within 0 and 100 (percent)")
    return name, number, value


def compare(
    csv_file: str | Path | None = None,
    table: str = "1a",
    paper: str | None = None,
    store: str | Path | None = None,
) -> Beside:
    """A paper's table beside our runs, and own accuracies in it.

    Args:
        csv_file: columns name, seed, accuracy (percent; ``nan`` for a run that diverged).
        table: as the paper's file names it.
        paper: name of the paper's file, where several have such a table.
        store: result store with the table's cells; the reference store by default.

    Raises:
        DataError: the CSV file is not understood.
        ConfigError: there is no such table, or it has no accuracies.
        StoreError: the store cannot be read.
    """
    own = {} if csv_file is None else read(csv_file)
    found, of = _table(table, paper)
    if own and not of.variable.endswith("_accuracy"):
        raise ConfigError(f"table {table} has no accuracies but {of.variable}: choose another")
    study = found.study_of(of)
    data = stores.open(store or REFERENCE / f"{study}.nc")
    numbers = comparison.compare(found, {study: data})
    numbers = numbers[numbers["table"] == of.id]
    laid = comparison.pivot(numbers, of)
    for name, runs in own.items():
        values = statistics.mean_interval(np.array(list(runs.values())) / 100, kind="share")
        laid.loc[name] = _own_row(laid.columns, values)
    tests = _tests(found, of, data, numbers, own)
    used = ", ".join(dict.fromkeys(numbers["dataset"][numbers["dataset"] != ""])) or "no data"
    note = f"Our cells: scale {data.attrs.get('scale', 'unknown')}, {used}."
    if own:
        note += (
            " Tests pair equal seeds; they mean something only if yours read the same data with "
            "the same splits."
        )
        if not tests["seeds"].any():
            ours = ", ".join(map(str, data["seed"].values))
            note += f" Ours are {ours}: none of yours is among them."
    return Beside(laid, tests, note)


def _table(name: str, stem: str | None) -> tuple[Paper, Table]:
    """A table by its name; of all papers, the only one that has it."""
    stems = [stem] if stem else sorted(path.stem for path in papers.PAPERS.glob("[!.]*.yaml"))
    every = [(one, table) for one in map(papers.load, stems) for table in one.tables]
    found = [(one, table) for one, table in every if table.id == name]
    if not found:
        known = dict.fromkeys(table.id for _, table in every)
        raise ConfigError(f"there is no table '{name}': {nearest(name, known)}")
    if len(found) > 1:
        raise ConfigError(f"{len(found)} papers have a table {name}: name one with --paper")
    return found[0]


def _own_row(columns: pd.MultiIndex, values: statistics.Mean) -> list[str]:
    """An own network under every column of ours: it has no number of the paper's."""
    ours = f"{100 * values.mean:.2f}"
    if not math.isnan(values.low):
        ours += f" [{100 * values.low:.2f}, {100 * values.high:.2f}]"
    known = {"paper": "", "difference": "", "n": str(values.n)}
    return [known.get(part, ours) for _, part in columns]


def _tests(
    paper: Paper,
    table: Table,
    data: xr.Dataset,
    numbers: pd.DataFrame,
    own: dict[str, dict[int, float]],
) -> pd.DataFrame:
    ready = comparison.prepare(paper, data)
    seeds = ready["seed"].values.tolist()
    columns = [column.label for column in table.columns if column.variable is None]
    comparable = numbers[(numbers["cell"] != "") & numbers["column"].isin(columns)]
    rows = []
    for name, runs in own.items():
        mine = np.array([runs.get(seed, math.nan) for seed in seeds])
        for one in comparable.itertuples():
            theirs = comparison.values_of(ready, one.cell, table.variable)
            overlap = comparison.overlap_of(ready, one.cell)
            found = statistics.paired_difference(mine, theirs, overlap=overlap)
            against = f"{one.row}, {one.column}"
            rows.append([name, against, found.mean, found.low, found.high, found.n, found.p])
    tests = pd.DataFrame(rows, columns=["own", "against", "points", "low", "high", "seeds", "p"])
    known = tests["p"].notna()
    tests["p_holm"] = np.nan
    tests.loc[known, "p_holm"] = statistics.holm(tests["p"][known].tolist())
    return tests
