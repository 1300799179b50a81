"""Settings of the study ``quadratic_neuron``, and the cells that they ask for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor

from hnnlib.analysis import moments
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.quadratic import QuadraticIF
from hnnlib.studies.base import Settings
from hnnlib.studies.base.settings import ImageSettings, Quantity, ScheduleSettings, TasksBase
from hnnlib.surrogates import Gaussian
from hnnlib.surrogates.rectangle import Rectangle

__all__ = [
    "CHOICES",
    "Cell",
    "QuadraticSettings",
    "TaskSettings",
    "cells",
    "neurons",
]

Rule = Literal["two_step", "sigma", "twice"]
Choice = Literal["reading", "clamp", "u2", "window", "height", "tracked", "first", "loss", "steps"]


class QuadraticSchedule(ScheduleSettings):
    """How long and how fast to train."""

    learning_rate: Quantity = Field(description="of Adam, which falls along half a cosine")


class PlaneSettings(Settings):
    """Leaks and spreads of the drive at which one kind of neuron is trained."""

    leaks: tuple[Annotated[float, Field(gt=0, le=4)], ...] = Field(
        min_length=1, max_length=20, description="a of the quadratic neuron, decay of the LIF"
    )
    sigmas: tuple[Annotated[float, Field(ge=0.01, le=10)], ...] = Field(
        min_length=1, max_length=20, description="alpha of tdBN: standard deviations of the drive"
    )

    @field_validator("leaks", "sigmas")
    @classmethod
    def _told_apart(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if len({f"{value:g}" for value in values}) < len(values):
            raise ValueError("cells are named by six digits: two of these numbers have the same")
        return values


class TaskSettings(ImageSettings):
    """One network on one data set."""

    dataset: Literal["mnist", "cifar10", "digits", "cluttered_digits"]
    convolutions: int = Field(3, gt=0, le=20, description="layers of neurons")
    stride: int = Field(1, gt=0, le=4, description="of the first; the others have 2")
    width: float = Field(1.0, ge=0.001, le=16, description="factor on 16 channels, then 32 each")
    steps: int = Field(4, gt=0, le=10_000, description="time steps T")
    schedule: QuadraticSchedule
    lif: PlaneSettings
    qif: PlaneSettings
    windows: tuple[Rule | Annotated[float, Field(ge=0.01, le=100)], ...] = Field(
        ("two_step",), min_length=1, description="rules, or half-widths, of every point"
    )
    arms: tuple[Choice, ...] = Field((), description="choices to change, one at a time")
    jobs: int | None = Field(
        None, gt=0, le=10_000, description="training jobs that share the populations"
    )

    @field_validator("windows")
    @classmethod
    def _with_the_computed(cls, windows: tuple[Rule | float, ...]) -> tuple[Rule | float, ...]:
        if "two_step" not in windows:
            raise ValueError("windows and choices are compared with the computed one: add two_step")
        return windows


class QuadraticSettings(TasksBase):
    """Section of the study in a scale file."""

    tasks: tuple[TaskSettings, ...] = Field(min_length=1, max_length=20)


@dataclass(frozen=True)
class Cell:
    """One neuron, drive and window, and what else may differ; the defaults are the paper's figure,
    and for a LIF a decay of a half.

    Attributes:
        leak: a of a quadratic neuron, decay of a LIF.
        sigma: standard deviation of the drive at the start.
        window: rule for the half-width of the surrogate, see ``hnnlib.analysis.moments.window``.
        track: ``initial``, or ``tracked``: the rule is applied to the spread of every epoch.
        first: ``normalised``, or ``plain``: the first drive is the convolution itself.
        loss: ``mean``, of the logits over time, or ``tet``, the mean loss over time.
        steps: T, 0 for the task's.
    """

    neuron: Literal["lif", "qif"]
    leak: float
    sigma: float = 0.5
    window: str = "two_step"
    reading: str = "euler"
    clamp: str = "off"
    u2: float = 0.5
    height: str = "area_1"
    track: str = "initial"
    first: str = "normalised"
    loss: str = "mean"
    steps: int = 0
    arm: str = "plane"

    @property
    def name(self) -> str:
        """Unique on one data set."""
        own = (f"{self.leak:g}", f"{self.sigma:g}", self.window)
        changed = (
            self.reading if self.reading != "euler" else "",
            "clamp" if self.clamp == "on" else "",
            f"u2_{self.u2:g}" if self.u2 != 0.5 else "",
            self.height if self.height != "area_1" else "",
            self.track if self.track != "initial" else "",
            self.first if self.first != "normalised" else "",
            self.loss if self.loss != "mean" else "",
            f"T{self.steps}" if self.steps else "",
        )
        return "/".join((self.neuron, *own, *filter(None, changed)))

    def labels(self) -> dict[str, str]:
        """Coordinates of the cell, as text."""
        own = {k: f"{v:g}" if isinstance(v, float) else str(v) for k, v in asdict(self).items()}
        return own | {"network": "stack"}

    @property
    def together(self) -> tuple[str | int | bool, ...]:
        """What cells share that are trained as one population."""
        keys = ("neuron", "reading", "clamp", "height", "track", "first", "loss", "steps")
        return (*(getattr(self, key) for key in keys), self.window == "gaussian")


CHOICES: dict[Choice, tuple[dict[str, object], ...]] = {
    "reading": ({"reading": "product"},),
    "clamp": ({"clamp": "on"},),
    "u2": ({"u2": 1.0},),
    "window": tuple({"window": rule} for rule in ("sigma", "twice", "0.5", *moments.SHAPED)),
    "height": ({"height": "height_1"},),
    "tracked": ({"track": "tracked"},),
    "first": ({"first": "plain"},),
    "loss": ({"loss": "tet"},),
    "steps": ({"steps": 2},),
}
"""What each arm changes."""
_OF_THE_MAP = ("reading", "clamp", "u2")
_MAIN = {"qif": 0.25, "lif": 0.5}


def cells(task: TaskSettings) -> list[Cell]:
    """All cells of a task: planes, then choices at the default point, for every window where they
    are about the window's height.
    """
    found = {}
    for neuron, main in _MAIN.items():
        plane: PlaneSettings = getattr(task, neuron)
        points = [(main, Cell.sigma), *itertools.product(plane.leaks, plane.sigmas)]
        for (leak, sigma), window in itertools.product(dict.fromkeys(points), task.windows):
            cell = Cell(neuron, leak, sigma, _written(window))
            found[cell.name] = cell
        start = Cell(neuron, main)
        for arm in task.arms:
            if neuron == "lif" and arm in _OF_THE_MAP:
                continue
            windows = task.windows if arm == "height" else ("two_step",)
            for window, change in itertools.product(windows, CHOICES[arm]):
                cell = replace(start, **{"window": _written(window), "arm": arm} | change)
                found.setdefault(cell.name, cell)
    return list(found.values())


def _written(window: Rule | float) -> str:
    return window if isinstance(window, str) else f"{window:g}"


def neurons(together: Sequence[Cell], sigma: Tensor) -> LIF | QuadraticIF:
    """The neurons of cells that are trained as one population, each cell a member.

    Args:
        sigma: (cell,) of the drive.
    """

    def by_member(values: Sequence[float] | Tensor) -> Tensor:
        return torch.as_tensor(values).to(sigma).view(-1, 1, 1, 1, 1)

    first, leaks = together[0], by_member([cell.leak for cell in together])
    if first.neuron == "lif":
        f, neuron = moments.leak(leaks), LIF(leaks, hard_reset=True)
    else:
        u2, clamp = by_member([cell.u2 for cell in together]), first.clamp == "on"
        neuron = QuadraticIF(leaks, 0.0, u2, reading=first.reading, clamp=clamp)
        f = neuron.map
    rules = [cell.window for cell in together]
    widths = {rule: moments.window(f, by_member(sigma), rule) for rule in set(rules)}
    width = torch.stack([widths[rule][k] for k, rule in enumerate(rules)])
    if first.window == "gaussian":
        return replace(neuron, surrogate=Gaussian(width))
    centres = {rule: moments.centre(f, by_member(sigma), rule) for rule in set(rules)}
    centre = torch.stack([centres[rule][k] for k, rule in enumerate(rules)])
    return replace(neuron, surrogate=Rectangle(width, first.height, centre))
