"""Readings: a claim's rule once more, on cells that differ in one switch, reference or measure."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from hnnlib.evidence.papers.base import Model, Select

__all__ = ["Reading"]


class Reading(Model):
    """One other way to ask: cells that match ``where`` are replaced, or another variable is read.

    Cells that have no partner with the new values, such as a network without the switch, stay.
    """

    label: str = Field(description="what differs, as words after 'with'")
    study: str | None = Field(None, description="whose cells it changes; default: the first")
    claims: tuple[str, ...] = Field((), description="that it is a reading of; default: all")
    where: Select = {}
    set: Select = Field({}, description="what the cells have instead")
    variables: dict[str, str] = Field({}, description="what is read, and what instead")

    @model_validator(mode="after")
    def _changes(self) -> Reading:
        if not self.set and not self.variables:
            raise ValueError(f"the reading '{self.label}' changes nothing: give set or variables")
        return self

    def changed(self, select: Select) -> Select:
        """The selector under this reading."""
        fits = all(select.get(key) == value for key, value in self.where.items())
        return {**select, **self.set} if fits else select

    def selects(self) -> list[dict[str, Any]]:
        """Selectors of the file, to be checked."""
        return [self.where, self.set]
