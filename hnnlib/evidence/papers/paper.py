"""A paper: who and where, its numbers, its claims, what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from hnnlib import config
from hnnlib.datasets import registry
from hnnlib.errors import ConfigError, nearest
from hnnlib.evidence.papers.base import Model, Select, Value
from hnnlib.evidence.papers.gates import Gates, OwnNumbers
from hnnlib.evidence.papers.parts import Context, Part
from hnnlib.evidence.papers.readings import Reading
from hnnlib.evidence.papers.tables import Entry, Table

__all__ = ["Anchor", "Claim", "Edition", "Fact", "Inconsistency", "Paper"]


Year = Annotated[int, Field(ge=1600, le=2200)]


class Claim(Model):
    """A statement of the paper and the rules that decide it; all parts must hold.

    P-values are corrected within a part: comparisons of one claim belong into one part.
    """

    id: str
    text: str
    paper_says: str = Field(description="where the paper says it, and its numbers")
    study: str | None = Field(None, description="whose store decides it; default: the first")
    parts: tuple[Part, ...] = Field(min_length=1)
    context: tuple[Context, ...] = ()
    note: str = Field("", description="how the claim was read, what a referee should know")
    asked_by: Literal["authors", "referee"] = Field(
        "authors", description="a referee's question is no claim of the paper"
    )
    own_numbers: OwnNumbers | None = Field(
        None, description="the paper's own numbers, where they stand in no table that a rule reads"
    )
    pilot: bool = Field(False, description="results were seen before the rule was written")
    measured: bool = Field(
        False,
        description="its numbers are times of the machine that ran it: neither seeds nor exact",
    )


class Edition(Model):
    """Another edition of the paper, from which its numbers are."""

    authors: tuple[str, ...]
    year: Year
    venue: str


class Inconsistency(Model):
    """Something in the paper that does not agree with itself or with its public code."""

    text: str
    claims: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


class Fact(Model):
    """A choice of the protocol that a referee needs, and the switch that reruns it otherwise."""

    subject: str
    text: str
    source: Literal["paper", "code", "derived"]
    switch: str = ""

    def __str__(self) -> str:
        return self.text


class Anchor(Model):
    """A number of other work, drawn in figures for orientation; nothing is judged by it."""

    label: str = Field(description="who")
    value: float = Field(description="accuracy in percent, as published")
    spread: float | None = Field(None, description="standard deviation or error, as published")
    note: str = ""


class Paper(Model):
    """One paper: who and where, its numbers, its claims, what does not fit."""

    title: str
    authors: tuple[str, ...]
    year: Year
    venue: str
    doi: str
    arxiv: str = ""
    studies: tuple[str, ...] = Field(
        min_length=1, description="the studies that rerun it; a single one may be given as study"
    )
    note: str = ""
    numbers_from: Edition | None = Field(
        None, description="the edition whose numbers stand here, if it is another one"
    )
    pilot: bool = Field(False, description="results were seen before any rule was written")
    chance: float | dict[str, float] | None = Field(
        None, description="accuracy of guessing in percent, for all data or by data set"
    )
    datasets: tuple[str, ...] = Field((), description="the paper's data sets that no table names")
    stand_ins: dict[str, str] = Field(
        {}, description="data sets of small scales and the paper's data set that each stands for"
    )
    vocabulary: dict[str, tuple[Value, ...] | None] = Field(
        description="coordinates that selectors may use, with their values (null: any)"
    )
    own_scales: tuple[str, ...] = Field(
        ("paper",), description="scale files that hold the paper's own settings"
    )
    gates: dict[str, Gates] = Field(
        {}, description="by study; without an entry a study can answer nothing"
    )
    older_stores: dict[str, Value] = Field(
        {}, description="values of coordinates that older stores lack"
    )
    printed_under: dict[str, dict[str, Value]] = Field(
        {}, description="by coordinate: values of ours, and those that the paper's numbers stand at"
    )
    changes: dict[str, tuple[str, str]] = Field(
        {}, description="variables that are differences of two printed ones: first minus second"
    )
    kinds: dict[str, Literal["share", "count"]] = Field(
        {}, description="variables within 0 and 1, or not below 0; accuracies are shares"
    )
    outcomes: tuple[str, ...] = Field(
        (), description="variables that count what training did; a short one cannot speak for them"
    )
    readings: tuple[Reading, ...] = ()
    names: dict[str, str] = Field(
        {}, description="short names for labels: of values, of key=value pairs, of variables"
    )
    defaults: Select = {}
    protocol: tuple[Fact, ...] = ()
    tables: tuple[Table, ...] = ()
    claims: tuple[Claim, ...]
    inconsistencies: tuple[Inconsistency, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    _digests: dict[str, str] = PrivateAttr({})

    @model_validator(mode="before")
    @classmethod
    def _one_study(cls, given: Any) -> Any:
        if isinstance(given, dict) and "study" in given:
            if "studies" in given:
                raise ValueError("'study' and 'studies' are both given, keep one")
            return {k: v for k, v in given.items() if k != "study"} | {"studies": [given["study"]]}
        return given

    @field_validator("chance")
    @classmethod
    def _percent(cls, chance: Any) -> Any:
        for value in chance.values() if isinstance(chance, dict) else [chance]:
            if value is not None and not 0 < value < 100:
                raise ValueError(f"guessing is right in 0 to 100 percent of cases, not {value:g}")
        return chance

    @field_validator("own_scales")
    @classmethod
    def _scales(cls, scales: tuple[str, ...]) -> tuple[str, ...]:
        for name in scales:
            if name not in config.names():
                raise ValueError(f"there is no scale '{name}': {nearest(name, config.names())}")
        return scales

    @field_validator("stand_ins")
    @classmethod
    def _data(cls, stand_ins: dict[str, str]) -> dict[str, str]:
        for name in stand_ins:
            if name not in registry.names():
                raise ValueError(
                    f"there is no data set '{name}': {nearest(name, registry.names())}"
                )
        return stand_ins

    @model_validator(mode="after")
    def _consistent(self) -> Paper:
        for kind, items in (("table", self.tables), ("claim", self.claims)):
            names = [item.id for item in items]
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"two {kind}s have the id {sorted(twice)[0]}")
        parts = [part for claim in self.claims for part in (*claim.parts, *claim.context)]
        for item in (*self.tables, *self.claims, *parts, *self.readings):
            if item.study is not None and item.study not in self.studies:
                raise ValueError(
                    f"there is no study '{item.study}': {nearest(item.study, self.studies)}"
                )
        for study in self.gates:
            if study not in self.studies:
                raise ValueError(f"gates of a study '{study}': {nearest(study, self.studies)}")
        known = [claim.id for claim in self.claims]
        for item in (*self.readings, *self.inconsistencies):
            for unknown in sorted(set(item.claims) - {*known}):
                raise ValueError(f"there is no claim '{unknown}': {nearest(unknown, known)}")
        for place, select in self._all_selects():
            for key, value in select.items():
                self._check_word(place, key, value)
        return self

    def _check_word(self, place: str, key: str, value: Value) -> None:
        if key not in self.vocabulary:
            raise ValueError(f"{place} selects by '{key}': {nearest(key, self.vocabulary)}")
        values = self.vocabulary[key]
        if values is not None and value not in values:
            raise ValueError(f"{place} selects {key} '{value}': {nearest(str(value), values)}")

    def registered(self, digests: dict[str, str]) -> Paper:
        """The paper with the digest of each of its claims, see :mod:`hnnlib.registration`."""
        self._digests.update(digests)
        return self

    @property
    def digests(self) -> dict[str, str]:
        """Digest of each claim as the file has it today; empty for a paper made without a file."""
        return dict(self._digests)

    @property
    def short(self) -> str:
        """``Muramatsu, Yu & Satoh (2023)``; from four authors on only the first."""
        names = [author.split()[-1] for author in self.authors]
        if len(names) > 3:
            return f"{names[0]} et al. ({self.year})"
        first = [", ".join(names[:-1])] if names[:-1] else []
        return f"{' & '.join([*first, names[-1]])} ({self.year})"

    @property
    def study(self) -> str:
        """The first study, whose store decides what names no other."""
        return self.studies[0]

    @property
    def data(self) -> set[str]:
        """All data sets of the paper."""
        printed = {name for table in self.tables for name in table.datasets}
        return printed | {*self.datasets, *self.stand_ins.values()}

    def study_of(self, *items: Table | Claim | Part | Context | Reading) -> str:
        """The study that the innermost item names; items are given from outside in."""
        return next((item.study for item in reversed(items) if item.study), self.study)

    def studies_of(self, claim: Claim) -> tuple[str, ...]:
        """The studies whose stores decide a claim."""
        return tuple(dict.fromkeys(self.study_of(claim, part) for part in claim.parts))

    def table(self, name: str) -> Table:
        """The table with an id.

        Raises:
            ConfigError: there is none.
        """
        known = {table.id: table for table in self.tables}
        if name not in known:
            raise ConfigError(f"the paper has no table '{name}': {nearest(name, known)}")
        return known[name]

    def entries(self) -> Iterator[Entry]:
        """Every number of every table."""
        for table in self.tables:
            yield from table.entries(self.defaults)

    def selects(self) -> Iterator[tuple[str, Select]]:
        """Every selector of the file and where it stands."""
        for entry in self.entries():
            yield f"table {entry.table.id}", entry.select
        for claim in self.claims:
            for part in (*claim.parts, *claim.context):
                for select in part.selects(self.defaults):
                    yield f"claim {claim.id}", select

    def _all_selects(self) -> Iterator[tuple[str, Select]]:
        """Those, and what readings and gates select by."""
        yield from self.selects()
        for reading in self.readings:
            for select in reading.selects():
                yield f"reading '{reading.label}'", select
        for study, gates in self.gates.items():
            for item in (*gates.baselines, *gates.faults):
                yield f"gates of {study}", item.where
