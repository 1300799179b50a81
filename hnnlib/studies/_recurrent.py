"""What the two studies of directly connected hybrids share: parts of their settings."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from hnnlib.studies.base import Settings

__all__ = ["RegulariserSettings", "TaskBase", "TasksBase"]


class RegulariserSettings(Settings):
    """Bounds on spike counts while training, of spiking units only."""

    lower: float = Field(15.0, ge=0, description="strength against silent units")
    least: float = Field(1e-3, ge=0, description="spikes of a unit below which it counts as silent")
    upper: float = Field(0.06, ge=0, description="strength against a loud layer")
    most: float = Field(15.0, ge=0, description="mean spikes of a unit above which it is loud")


class TaskBase(Settings):
    """One data set, the arms that are run on it, and how its recordings are cut into steps."""

    dataset: str
    steps: int = Field(100, gt=1, description="time steps T")
    window: float = Field(1.0, gt=0, description="seconds from the start of a recording")
    units: int = Field(gt=3, description="hidden units of size `full`")
    arms: tuple[str, ...] = ("main",)

    @field_validator("arms")
    @classmethod
    def _with_main(cls, arms: tuple[str, ...]) -> tuple[str, ...]:
        if "main" not in arms:
            raise ValueError("arms are compared with the main cells: add 'main'")
        return arms


class TasksBase(Settings):
    """Section of a scale file that holds several data sets."""

    seeds: tuple[int, ...] = Field(min_length=1)
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
