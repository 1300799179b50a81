"""Parts of a claim: which cells are compared, one model for each rule of hnnlib.evidence.rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from hnnlib.evidence.papers.base import Model, Select, SelectMany, Value, combinations, expand
from hnnlib.evidence.papers.gates import Waived

__all__ = [
    "BestNotBetter",
    "Better",
    "Bound",
    "CellPair",
    "Cheaper",
    "Context",
    "Correlated",
    "Drop",
    "Equivalent",
    "Group",
    "Interior",
    "Line",
    "NotMeasured",
    "Pair",
    "Part",
    "Series",
    "Trend",
]


class CellPair(NamedTuple):
    """Two cells to compare, left minus right.

    ``plus`` and ``minus`` name cells whose value is added to, taken from, the left one (costs).
    """

    left: Select
    right: Select
    margin: float | None = None
    plus: Select | None = None
    minus: Select | None = None


class Pair(Model):
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
            for common in ({**base, **chosen} for chosen in combinations(self.each))
        ]


class _Part(Model):
    study: str | None = Field(None, description="whose store is judged; default: the claim's")
    where: Select = {}
    variable: str = "test_accuracy"
    clause: str = Field("", description="the words of the claim that this part is about")
    effect: float | None = Field(
        None,
        gt=0,
        description="size that the claim is worth where the paper prints none: percentage points, "
        "or the variable's unit, beyond the rule's bound",
    )
    spread: float | None = Field(
        None, gt=0, description="over seeds, for planning where no run has shown it"
    )
    waived: Waived = Field({}, description="gates that are not asked here, with the reason")
    fixed: str = Field("", description="why no run could change the outcome, if that is so")


class _PairPart(_Part):
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
    """Left and right differ by less than the margin: all pairs, or any of them."""

    rule: Literal["equivalent"]
    need: Literal["all", "any"] = "all"


class Drop(_MarginPart):
    """Left lies below right by at least the margin."""

    rule: Literal["drop"]


class Cheaper(_PairPart):
    """Left costs less than right; a count, so no test."""

    rule: Literal["cheaper"]
    variable: str


class Line(Model):
    """Cells with a name, in an order."""

    label: str
    where: Select = {}
    cells: tuple[SelectMany, ...] = Field(min_length=1)

    def expand(self, base: Select) -> list[Select]:
        """The cells in their order."""
        return expand(self.cells, {**base, **self.where})


class Series(Line):
    """Cells in the order in which the variable is said to rise (or fall)."""

    sense: Literal["rising", "falling"] = "rising"


class _SeriesPart(_Part):
    series: tuple[Line, ...] = Field(min_length=1)

    def items(self, defaults: Select) -> list[tuple[Line, list[Select]]]:
        """Each series with its cells."""
        return [(one, one.expand({**defaults, **self.where})) for one in self.series]

    def selects(self, defaults: Select) -> Iterator[Select]:
        """All selectors of the part."""
        for _, cells in self.items(defaults):
            yield from cells


class Trend(_SeriesPart):
    """Every series runs in its sense."""

    rule: Literal["trend"]
    series: tuple[Series, ...] = Field(min_length=1)


class Interior(_SeriesPart):
    """The best cell of every series lies inside it, not at an end."""

    rule: Literal["interior"]
    sense: Literal["higher", "lower"] = "higher"

    @model_validator(mode="after")
    def _has_inside(self) -> Interior:
        for line in self.series:
            if len(line.expand({})) < 3:
                raise ValueError(f"series '{line.label}' has two ends and nothing inside")
        return self


class Correlated(_SeriesPart):
    """Two variables go together over seeds, within the cells of every series together."""

    rule: Literal["correlated"]
    other: str = Field(description="the second variable")
    sense: Literal["positive", "negative"] = "positive"
    given: tuple[str, ...] = Field((), description="variables to hold fixed")


class Bound(_Part):
    """The variable of the cells lies above (or below) a value: of all of them, or of any."""

    rule: Literal["bound"]
    value: float = Field(description="in percent for accuracies, else in the variable's unit")
    sense: Literal["above", "below"] = "above"
    need: Literal["all", "any"] = "all"
    cells: tuple[SelectMany, ...] = Field(min_length=1)
    every: bool = Field(
        False, description="of all cells of the store that fit, however many a selector means"
    )

    def items(self, defaults: Select) -> list[Select]:
        """The cells."""
        return expand(self.cells, {**defaults, **self.where})

    def selects(self, defaults: Select) -> Iterator[Select]:
        """All selectors of the part."""
        yield from self.items(defaults)


class Group(Model):
    """Two sets of cells whose best members are compared."""

    label: str
    where: Select = {}
    left: tuple[SelectMany, ...] = Field(min_length=1)
    right: tuple[SelectMany, ...] = Field(min_length=1)
    margin: float = Field(gt=0, description="how much better still counts as not better")

    def expand(self, base: Select) -> tuple[list[Select], list[Select]]:
        """The cells of both sets."""
        base = {**base, **self.where}
        return expand(self.left, base), expand(self.right, base)


class BestNotBetter(_Part):
    """The best cell on the left is not better than the best on the right."""

    rule: Literal["best_not_better"]
    groups: tuple[Group, ...] = Field(min_length=1)

    def items(self, defaults: Select) -> list[tuple[Group, list[Select], list[Select]]]:
        """Each group with the cells of its two sides."""
        return [(one, *one.expand({**defaults, **self.where})) for one in self.groups]

    def selects(self, defaults: Select) -> Iterator[Select]:
        """All selectors of the part."""
        for _, left, right in self.items(defaults):
            yield from (*left, *right)


class NotMeasured(_Part):
    """A clause of the claim that no stored number can speak about."""

    rule: Literal["not_measured"]
    clause: str
    why: str

    def items(self, defaults: Select) -> str:
        """The reason."""
        return self.why

    def selects(self, defaults: Select) -> Iterator[Select]:
        """None."""
        yield from ()


class Context(_PairPart):
    """Differences shown beside a claim that do not decide it."""

    note: str


Part = Annotated[
    Better
    | Equivalent
    | Drop
    | Cheaper
    | Trend
    | BestNotBetter
    | Interior
    | Correlated
    | Bound
    | NotMeasured,
    Field(discriminator="rule"),
]
