"""Tables of a paper: every printed number, and the cell that reruns it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import Field, model_validator

from hnnlib.evidence.papers.base import Model, Select, Value

__all__ = ["Column", "Entry", "Row", "Table"]


class Entry(NamedTuple):
    """One number of a table and the cell and variable that rerun it."""

    table: Table
    row: str
    column: str
    select: Select
    value: float | None
    dataset: str
    variable: str
    unit: str


class Row(Model):
    """A row of a table."""

    label: str
    select: Select = {}
    dataset: str | None = Field(None, description="the paper's data set, if not the table's")


class Column(Model):
    """A column of a table and its numbers by row label; null where the paper prints none."""

    label: str
    select: Select = {}
    variable: str | None = Field(None, description="what is compared, if not the table's variable")
    unit: str | None = Field(None, description="if not the table's unit")
    values: dict[str, float | None]
    override: dict[str, Select] = Field({}, description="by row label: what else selects this cell")


class Table(Model):
    """A table of the paper. A row that a column does not list has no network there."""

    id: str
    title: str
    study: str | None = Field(None, description="the study that reruns it; default: the first")
    dataset: str = Field(description="the paper's data set")
    unit: str = Field("percent", description="of the numbers, as printed")
    variable: str = Field("test_accuracy", description="variable of the store that they rerun")
    select: Select = {}
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    note: str = ""

    @model_validator(mode="after")
    def _rows_exist(self) -> Table:
        labels = [row.label for row in self.rows]
        for column in self.columns:
            for name in (*column.values, *column.override):
                if name not in labels:
                    raise ValueError(f"column '{column.label}' names '{name}', no row of the table")
        return self

    @property
    def datasets(self) -> tuple[str, ...]:
        """The paper's data sets behind the rows."""
        return tuple(dict.fromkeys(row.dataset or self.dataset for row in self.rows))

    def entries(self, defaults: Mapping[str, Value]) -> Iterator[Entry]:
        """All numbers of the table, row by row."""
        for row, column in itertools.product(self.rows, self.columns):
            if row.label in column.values:
                own = column.override.get(row.label, {})
                yield Entry(
                    self,
                    row.label,
                    column.label,
                    {**defaults, **self.select, **row.select, **column.select, **own},
                    column.values[row.label],
                    row.dataset or self.dataset,
                    column.variable or self.variable,
                    column.unit or self.unit,
                )
