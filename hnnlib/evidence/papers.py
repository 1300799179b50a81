"""What a paper reports and claims, as data: the models of ``papers/<paper>.yaml`` and their reader.

A *selector* names a cell of a result store by its coordinates, such as ``{coding: duplicate,
training: separate}``. Selectors nest: the paper's ``defaults``, then the table's, part's or
column's, then the cell's own; the inner one wins. ``vocabulary`` lists the coordinates and values
that a selector may use, so that a slip of the pen is an error and not a cell that was "not run".
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hnnlib.errors import ConfigError

__all__ = [
    "BestNotBetter",
    "Better",
    "CellPair",
    "Cheaper",
    "Claim",
    "Context",
    "Drop",
    "Entry",
    "Equivalent",
    "Fact",
    "Group",
    "Inconsistency",
    "Pair",
    "Paper",
    "Select",
    "Series",
    "Table",
    "Trend",
    "load",
]

PAPERS = Path(__file__).parents[2] / "papers"


def _text(value: Any) -> Any:
    """YAML's true/false as stores write them; numbers and text as they are."""
    return str(value).lower() if isinstance(value, bool) else value


Value = Annotated[str | int | float, BeforeValidator(_text)]
Select = dict[str, Value]
SelectMany = dict[str, Value | list[Value]]
"""A selector in which a list stands for one cell per entry, in the list's order."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# --- tables -------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """One number of a table and the cell that reruns it."""

    table: Table
    row: str
    column: str
    select: Select
    value: float | None


class Row(_Model):
    """A row of a table."""

    label: str
    select: Select = {}


class Column(_Model):
    """A column of a table and its numbers by row label; null where the paper prints none."""

    label: str
    select: Select = {}
    values: dict[str, float | None]
    override: dict[str, Select] = Field({}, description="by row label: what else selects this cell")


class Table(_Model):
    """A table of the paper. A row that a column does not list has no network there."""

    id: str
    title: str
    dataset: str = Field(description="the paper's data set")
    unit: Literal["percent"] = "percent"
    variable: str = "test_accuracy"
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

    def entries(self, defaults: Mapping[str, Value]) -> Iterator[Entry]:
        """All numbers of the table, row by row."""
        for row, column in itertools.product(self.rows, self.columns):
            if row.label in column.values:
                own = column.override.get(row.label, {})
                select = {**defaults, **self.select, **row.select, **column.select, **own}
                yield Entry(self, row.label, column.label, select, column.values[row.label])


# --- claims -------------------------------------------------------------------------------------


class CellPair(NamedTuple):
    """Two cells to compare, left minus right.

    ``plus`` and ``minus`` name cells whose value is added to, taken from, the left one (costs).
    """

    left: Select
    right: Select
    margin: float | None = None
    plus: Select | None = None
    minus: Select | None = None


class Pair(_Model):
    """One pair, or with ``each`` one for every combination of its values."""

    each: dict[str, list[Value]] = {}
    left: Select = {}
    right: Select = {}
    margin: float | None = Field(None, gt=0, description="percentage points, by rule")
    plus: Select | None = None
    minus: Select | None = None

    def expand(self, base: Select) -> list[CellPair]:
        """The pairs meant; ``base`` is what all of their cells have in common."""

        def full(common: Select, own: Select | None) -> Select | None:
            return None if own is None else {**common, **own}

        return [
            CellPair(
                {**common, **self.left},
                {**common, **self.right},
                self.margin,
                full(common, self.plus),
                full(common, self.minus),
            )
            for common in ({**base, **chosen} for chosen in _combinations(self.each))
        ]


class _PairPart(_Model):
    where: Select = {}
    variable: str = "test_accuracy"
    pairs: tuple[Pair, ...] = Field(min_length=1)

    def items(self, defaults: Select) -> list[CellPair]:
        """All pairs of the part."""
        base = {**defaults, **self.where}
        return [found for pair in self.pairs for found in pair.expand(base)]

    def selects(self, defaults: Select) -> Iterator[Select]:
        """All selectors of the part."""
        for pair in self.items(defaults):
            yield from (s for s in (pair.left, pair.right, pair.plus, pair.minus) if s is not None)


class Better(_PairPart):
    """Left is better than right: all pairs, or any of them."""

    rule: Literal["better"]
    need: Literal["all", "any"] = "all"
    sense: Literal["higher", "lower"] = "higher"


class _MarginPart(_PairPart):
    margin: float | None = Field(None, gt=0, description="for the pairs that state none")

    def items(self, defaults: Select) -> list[CellPair]:
        """All pairs of the part, each with its margin."""
        pairs = super().items(defaults)
        return [p if p.margin is not None else p._replace(margin=self.margin) for p in pairs]

    @model_validator(mode="after")
    def _has_margins(self) -> _MarginPart:
        if self.margin is None and any(pair.margin is None for pair in self.pairs):
            raise ValueError("a margin is missing: give the part one, or each of its pairs")
        return self


class Equivalent(_MarginPart):
    """Left and right differ by less than the margin."""

    rule: Literal["equivalent"]


class Drop(_MarginPart):
    """Left lies below right by at least the margin."""

    rule: Literal["drop"]


class Cheaper(_PairPart):
    """Left costs less than right; a count, so no test."""

    rule: Literal["cheaper"]
    variable: str


class Series(_Model):
    """Cells in the order in which the variable is said to rise (or fall)."""

    label: str
    sense: Literal["rising", "falling"] = "rising"
    where: Select = {}
    cells: tuple[SelectMany, ...]

    def expand(self, base: Select) -> list[Select]:
        """The cells in their order."""
        return _expand(self.cells, {**base, **self.where})


class Trend(_Model):
    """Every series runs in its sense."""

    rule: Literal["trend"]
    where: Select = {}
    variable: str = "test_accuracy"
    series: tuple[Series, ...] = Field(min_length=1)

    def items(self, defaults: Select) -> list[tuple[Series, list[Select]]]:
        """Each series with its cells."""
        return [(one, one.expand({**defaults, **self.where})) for one in self.series]

    def selects(self, defaults: Select) -> Iterator[Select]:
        """All selectors of the part."""
        for _, cells in self.items(defaults):
            yield from cells


class Group(_Model):
    """Two sets of cells whose best members are compared."""

    label: str
    where: Select = {}
    left: tuple[SelectMany, ...] = Field(min_length=1)
    right: tuple[SelectMany, ...] = Field(min_length=1)
    margin: float = Field(gt=0, description="how much better still counts as not better")

    def expand(self, base: Select) -> tuple[list[Select], list[Select]]:
        """The cells of both sets."""
        base = {**base, **self.where}
        return _expand(self.left, base), _expand(self.right, base)


class BestNotBetter(_Model):
    """The best cell on the left is not better than the best on the right."""

    rule: Literal["best_not_better"]
    where: Select = {}
    variable: str = "test_accuracy"
    groups: tuple[Group, ...] = Field(min_length=1)

    def items(self, defaults: Select) -> list[tuple[Group, list[Select], list[Select]]]:
        """Each group with the cells of its two sides."""
        return [(one, *one.expand({**defaults, **self.where})) for one in self.groups]

    def selects(self, defaults: Select) -> Iterator[Select]:
        """All selectors of the part."""
        for _, left, right in self.items(defaults):
            yield from (*left, *right)


class Context(_PairPart):
    """Differences shown beside a claim that do not decide it."""

    note: str


Part = Annotated[
    Better | Equivalent | Drop | Cheaper | Trend | BestNotBetter, Field(discriminator="rule")
]


class Claim(_Model):
    """A statement of the paper and the rules that decide it; all parts must hold.

    P-values are corrected within a part: comparisons of one claim belong into one part.
    """

    id: str
    text: str
    paper_says: str = Field(description="where the paper says it, and its numbers")
    parts: tuple[Part, ...] = Field(min_length=1)
    context: tuple[Context, ...] = ()
    note: str = Field("", description="how the claim was read, what a referee should know")


# --- the paper ----------------------------------------------------------------------------------


class Inconsistency(_Model):
    """Something in the paper that does not agree with itself or with its public code."""

    text: str
    claims: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


class Fact(_Model):
    """A choice of the protocol that a referee needs, and the switch that reruns it otherwise."""

    subject: str
    text: str
    source: Literal["paper", "code", "derived"]
    switch: str = ""

    def __str__(self) -> str:
        return self.text


class Paper(_Model):
    """One paper: who and where, its numbers, its claims, what does not fit."""

    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    doi: str
    arxiv: str = ""
    study: str = Field(description="the study that reruns it")
    note: str = ""
    chance: float | None = Field(None, gt=0, lt=100, description="accuracy of guessing, percent")
    vocabulary: dict[str, tuple[Value, ...] | None] = Field(
        description="coordinates that selectors may use, with their values (null: any)"
    )
    names: dict[str, str] = Field({}, description="short names of values, for labels")
    defaults: Select = {}
    protocol: tuple[Fact, ...] = ()
    tables: tuple[Table, ...]
    claims: tuple[Claim, ...]
    inconsistencies: tuple[Inconsistency, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Paper:
        for kind, ids in (("table", self.tables), ("claim", self.claims)):
            names = [item.id for item in ids]
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"two {kind}s have the id {sorted(twice)[0]}")
        known = {claim.id for claim in self.claims}
        for item in self.inconsistencies:
            if unknown := set(item.claims) - known:
                raise ValueError(f"an inconsistency names the claim {sorted(unknown)[0]}: none")
        for place, select in self.selects():
            for key, value in select.items():
                self._check_word(place, key, value)
        return self

    def _check_word(self, place: str, key: str, value: Value) -> None:
        if key not in self.vocabulary:
            raise ValueError(f"{place} selects by '{key}'{_suggest(key, self.vocabulary)}")
        values = self.vocabulary[key]
        if values is not None and value not in values:
            raise ValueError(f"{place} selects {key} '{value}'{_suggest(str(value), values)}")

    def table(self, name: str) -> Table:
        """The table with an id.

        Raises:
            ConfigError: there is none.
        """
        known = {table.id: table for table in self.tables}
        if name not in known:
            raise ConfigError(f"the paper has no table '{name}'{_suggest(name, known)}")
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


# --- reading ------------------------------------------------------------------------------------


def load(stem: str, folder: str | Path | None = None) -> Paper:
    """Read ``<folder>/<stem>.yaml``; the folder defaults to the repository's ``papers``.

    Raises:
        ConfigError: no such file, not YAML, or not a paper; the message names the line.
    """
    path = Path(folder or PAPERS) / f"{stem}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.yaml"))
        raise ConfigError(f"there is no paper {path.name} in {path.parent}{_suggest(stem, known)}")
    text = path.read_text(encoding="utf-8")
    try:
        tree = yaml.compose(text, yaml.SafeLoader)
        _refuse_repeated_keys(tree, path.name)
        return Paper.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as reason:
        line = getattr(getattr(reason, "problem_mark", None), "line", 0) + 1
        raise ConfigError(f"{path.name} line {line} is not YAML: {reason.problem}") from reason
    except ValidationError as reason:
        first, *others = reason.errors()
        line = _line(tree, first["loc"]) or _line_of_word(text, first["msg"])
        where = f" line {line}" if line else ""
        place = ".".join(str(step) for step in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        more = f" (and {len(others)} more)" if others else ""
        raise ConfigError(
            f"{path.name}{where}: {place + ': ' * bool(place)}{message}{more}"
        ) from None


def _combinations(choices: Mapping[str, list[Value]]) -> list[Select]:
    return [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]


def _expand(cells: tuple[SelectMany, ...], base: Select) -> list[Select]:
    """Selectors with lists as selectors of single cells, in order."""
    return [
        {**base, **chosen}
        for cell in cells
        for chosen in _combinations({k: v if isinstance(v, list) else [v] for k, v in cell.items()})
    ]


def _suggest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, [str(k) for k in known], n=1)
    return (
        f": did you mean '{close[0]}'?" if close else f": use one of {', '.join(map(str, known))}"
    )


def _refuse_repeated_keys(node: yaml.Node | None, name: str) -> None:
    """A key given twice would silently lose the first number."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise ConfigError(f"{name} line {line}: '{key.value}' is given twice, keep one")
            seen.add(key.value)
            _refuse_repeated_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(value, name)


def _line(tree: yaml.Node, location: tuple) -> int | None:
    """Line of the innermost node of an error's path; steps that are not in the file are passed."""

    def inside(node: yaml.Node, step: Any) -> yaml.Node:
        if isinstance(node, yaml.MappingNode):
            return next((value for key, value in node.value if key.value == step), node)
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return node.value[step]
        return node

    return reduce(inside, location, tree).start_mark.line + 1 if location else None


def _line_of_word(text: str, message: str) -> int | None:
    """First line with the word that a message quotes first."""
    words = message.split("'")[1:2]
    lines = text.splitlines()
    return next((i for i, line in enumerate(lines, 1) if words and words[0] in line), None)
