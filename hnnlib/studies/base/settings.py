"""Settings that sections of several studies have."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, model_validator

from hnnlib.datasets import registry, splits
from hnnlib.studies.base import Settings

__all__ = [
    "ImageSettings",
    "PartSizes",
    "Quantity",
    "ScheduleSettings",
    "Seconds",
    "Seeds",
    "WithMain",
    "limits",
]

_Arms = TypeVar("_Arms")
Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=2**32)], ...], Field(min_length=1, max_length=1000)
]
"""Seeds of repetitions, each once: a seed that stood twice would count as two."""
Quantity = Annotated[float, Field(ge=1e-9, le=1e6)]
"""A positive number that is neither as good as zero nor beyond what single precision carries."""
Seconds = Annotated[float, Field(ge=1e-5, le=3600)]
"""A duration; the finest recordings here have steps of 0.5 ms."""


class ScheduleSettings(Settings):
    """How long to train; studies add how fast, and give defaults."""

    epochs: int = Field(gt=0, le=100_000, description="passes over the training part")
    batch: int = Field(gt=0, le=1_000_000, description="examples a step")


class PartSizes(Settings):
    """At most so many examples of each part."""

    train: int = Field(gt=0, le=10**8)
    validation: int = Field(gt=0, le=10**8)
    test: int = Field(gt=0, le=10**8)


class ImageSettings(Settings):
    """What is trained on a data set of images, whole or in part."""

    dataset: Any
    samples: PartSizes | None = None

    @model_validator(mode="after")
    def _enough_images(self) -> ImageSettings:
        there = splits.largest(registry.get(self.dataset))
        for part, wanted in (limits(self.samples) or {}).items():
            if wanted > there[part]:
                raise ValueError(
                    f"{part}: {wanted} asks for more than the {there[part]} {part} images of "
                    f"{self.dataset}"
                )
        return self


def limits(sizes: PartSizes | None) -> dict[str, int] | None:
    """Part sizes as ``hnnlib.datasets.splits`` takes them; None where every example is used."""
    return None if sizes is None else sizes.model_dump()


def _with_main(arms: _Arms) -> _Arms:
    if "main" not in arms:
        raise ValueError("arms are compared with the main cells: add 'main'")
    return arms


WithMain = Annotated[_Arms, AfterValidator(_with_main)]
"""Names of arms, the main one among them."""
