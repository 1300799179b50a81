"""Selectors, and what all models of a paper's file have in common."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = ["Model", "Select", "SelectMany", "Value", "combinations", "expand"]


def _text(value: Any) -> Any:
    """YAML's true/false as stores write them; numbers and text as they are."""
    return str(value).lower() if isinstance(value, bool) else value


Value = Annotated[str | int | float, BeforeValidator(_text)]
Select = dict[str, Value]
SelectMany = dict[str, Value | list[Value]]
"""A selector in which a list stands for one cell per entry, in the list's order."""


class Model(BaseModel):
    """Base of all models: unknown keys are refused, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def combinations(choices: Mapping[str, list[Value]]) -> list[Select]:
    """One selector for every combination of the values."""
    return [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]


def expand(cells: Sequence[SelectMany], base: Select) -> list[Select]:
    """Selectors with lists as selectors of single cells, in order."""
    return [
        {**base, **chosen}
        for cell in cells
        for chosen in combinations({k: v if isinstance(v, list) else [v] for k, v in cell.items()})
    ]
