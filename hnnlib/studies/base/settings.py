"""Settings that sections of several studies have."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

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
    "check_memory",
    "limits",
]

_Arms = TypeVar("_Arms")
Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=2**32)], ...], Field(min_length=1, max_length=1000)
]
"""Seeds of repetitions, each once: a seed that stood twice would count as two."""
LARGEST_MEMBER = 64 << 30  # bytes
Quantity = Annotated[float, Field(ge=1e-9, le=1e6)]
"""A positive number that is neither as good as zero nor beyond what single precision carries."""
Seconds = Annotated[float, Field(ge=1e-5, le=3600)]
"""A duration; the finest recordings here have steps of 0.5 ms."""


class ScheduleSettings(Settings):
    """How long to train; studies add how fast, and give defaults."""

    epochs: int = Field(gt=0, le=100_000, description="passes over the training part")
    batch: int = Field(gt=0, le=1_000_000, description="examples a step")


def check_memory(numbers: int, what: str) -> None:
    """ValueError where so many numbers of 4 bytes, which one member holds at once, fit nowhere."""
    if 4 * numbers > LARGEST_MEMBER:
        raise ValueError(
            f"{what} take {4 * numbers / 2**30:,.0f} GiB for each network and no more than "
            f"{LARGEST_MEMBER >> 30} GiB can be meant: lower one of them"
        )


class PartSizes(Settings):
    """At most so many examples of each part."""

    train: int = Field(gt=0, le=10**8)
    validation: int = Field(gt=0, le=10**8)
    test: int = Field(gt=0, le=10**8)


class ImageSettings(Settings):
    """What is trained on a data set of images, whole or in part."""

    dataset: Any
    samples: PartSizes | None = None

    @property
    def batch(self) -> int:
        """Examples a step."""
        return self.schedule.batch

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

    @model_validator(mode="after")
    def _fits(self) -> ImageSettings:
        entry = registry.get(self.dataset)
        batch = min(self.batch, entry.n_examples)
        values = max(math.prod(entry.shape), 500) * math.ceil(self.width)
        check_memory(self.steps * batch * values, "steps and examples of a batch")
        return self


class TasksBase(Settings):
    """Section of a scale file that holds several data sets."""

    seeds: Seeds
    tasks: tuple[Any, ...] = Field(min_length=1)

    @field_validator("tasks")
    @classmethod
    def _once(cls, tasks: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [task.dataset for task in tasks]
        if len(set(names)) < len(names):
            raise ValueError("a data set stands in one task only")
        return tasks

    def task(self, group: str) -> Any:
        """The task of a training job, whose name begins with the data set's."""
        return next(task for task in self.tasks if group.startswith(f"{task.dataset}_"))


def limits(sizes: PartSizes | None) -> dict[str, int] | None:
    """Part sizes as ``hnnlib.datasets.splits`` takes them; None where every example is used."""
    return None if sizes is None else sizes.model_dump()


def _with_main(arms: _Arms) -> _Arms:
    if "main" not in arms:
        raise ValueError("arms are compared with the main cells: add 'main'")
    return arms


WithMain = Annotated[_Arms, AfterValidator(_with_main)]
"""Names of arms, the main one among them."""
