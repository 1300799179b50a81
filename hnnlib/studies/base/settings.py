"""Settings that sections of several studies have."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from hnnlib.studies.base import Settings

__all__ = ["PartSizes", "ScheduleSettings", "WithMain", "limits"]

_Arms = TypeVar("_Arms")


class ScheduleSettings(Settings):
    """How long to train; studies add how fast, and give defaults."""

    epochs: int = Field(gt=0, description="passes over the training part")
    batch: int = Field(gt=0, description="examples a step")


class PartSizes(Settings):
    """At most so many examples of each part."""

    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)


def limits(sizes: PartSizes | None) -> dict[str, int] | None:
    """Part sizes as ``hnnlib.datasets.splits`` takes them; None where every example is used."""
    return None if sizes is None else sizes.model_dump()


def _with_main(arms: _Arms) -> _Arms:
    if "main" not in arms:
        raise ValueError("arms are compared with the main cells: add 'main'")
    return arms


WithMain = Annotated[_Arms, AfterValidator(_with_main)]
"""Names of arms, the main one among them."""
