"""Settings of the study ``delays``, and the cells that they ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from hnnlib.datasets import registry
from hnnlib.networks.delays import Arm, Init, Kind
from hnnlib.studies.base.recordings import TaskBase
from hnnlib.studies.base.settings import (
    Quantity,
    ScheduleSettings,
    TasksBase,
    WithMain,
    check_memory,
)

__all__ = ["Cell", "DelaySettings", "DelayTask", "cells"]

Switch = Literal[
    "main", "neuron", "init", "trained", "width", "mask_axis", "draw", "dcls", "legendre"
]
Size = Literal["tiny", "small", "large", "huge"]
Order = Annotated[int, Field(ge=1, le=1000)]


class DelaySchedule(ScheduleSettings):
    """How long to train, on a cosine, and how fast."""

    batch: int = Field(64, gt=0, le=1_000_000, description="examples a step")
    learning_rate: Quantity = Field(0.01, description="of Adam, at the start")


class DelayTask(TaskBase):
    """One data set and what is trained on it."""

    dataset: Literal["shd", "spoken_digits", "randman_standard"]
    units: dict[Size, Annotated[int, Field(gt=3, le=10_000)]] = Field(
        min_length=1, description="hidden units of each of two layers, by name of the size"
    )
    pooled: int = Field(1, gt=0, le=1000, description="neighbouring channels that are summed")
    orders: tuple[Order, ...] = Field((25,), min_length=1, description="taps n of the delay line")
    controls: tuple[Order, ...] = Field(
        (25,), min_length=1, description="taps of other lines; arms have the largest"
    )
    lines: tuple[Literal["gain", "norm", "gain_norm", "gain_rms"], ...] = Field(
        ("gain", "norm", "gain_norm", "gain_rms"), description="beside none and delay"
    )
    schedule: DelaySchedule
    dropout: float = Field(0.0, ge=0, le=0.95, description="share of spikes left out in training")
    validation: Literal["primary", "sensitivity", "random"] = Field(
        "primary", description="pair of training speakers that is held out, or a random tenth"
    )
    share: float = Field(1.0, ge=0.001, le=1, description="of the training part")
    arms: WithMain[tuple[Switch, ...]] = ("main",)

    @model_validator(mode="after")
    def _fits(self) -> DelayTask:
        batch = min(self.schedule.batch, registry.get(self.dataset).n_examples)
        units = max(self.units.values())
        check_memory(self.steps * batch * units, "steps, examples of a batch and units")
        if len(set(self.units.values())) < len(self.units):
            raise ValueError("two sizes with the same number of units are one: name one only")
        channels = registry.get(self.dataset).shape[0]
        if self.pooled > channels:
            raise ValueError(f"pooled {self.pooled}: {self.dataset} has {channels} channels only")
        longest = max(*self.orders, *self.controls)
        if longest > self.steps:
            raise ValueError(f"a line of {longest} taps sees no more than {self.steps} steps")
        return self


class DelaySettings(TasksBase):
    """Section of the study in a scale file."""

    tasks: tuple[DelayTask, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Cell:
    """One configuration: what a unit sees, and what is done otherwise than in the main comparison.

    Attributes:
        size: name of the hidden size; ``width`` is ``matched`` where another size is taken that has
            as many parameters as the line.
        line, order, init, trained, draw: see ``hnnlib.networks.delays.Arm``.
        mask_axis: ``none`` without augmentation, else what the mask over time runs along.
    """

    size: str
    arm: str = "main"
    line: Kind = "none"
    order: int = 0
    neuron: str = "lif"
    init: Init = "rand"
    trained: str = "yes"
    width: str = "own"
    mask_axis: str = "none"
    draw: str = "keyed"

    @property
    def name(self) -> str:
        """Unique within a data set: size, arm, and what is not as in a network without a line."""
        plain = Cell(self.size, self.arm)
        changes = [str(v) for k, v in asdict(self).items() if v != getattr(plain, k)]
        return "/".join([self.size, self.arm, *changes])

    @property
    def member(self) -> Arm:
        """The cell as its network knows it."""
        return Arm(self.line, self.order, self.init, self.trained == "yes", self.draw)

    @property
    def population(self) -> Cell:
        """Equal for cells that are trained together."""
        line = self.line if self.line == "dcls" else "none"
        own = {"neuron": self.neuron, "width": self.width, "mask_axis": self.mask_axis}
        return Cell(self.size, "", line, self.order, **own)


def cells(task: DelayTask) -> list[Cell]:
    """All cells, the main ones of each size first; the smallest size has the arms, too."""
    found = []
    for size in task.units:
        none, order = Cell(size), max(task.controls)
        line = Cell(size, line="delay", order=order)
        controls = [replace(line, line=kind) for kind in task.lines]
        arms = {
            "main": [none, *(replace(line, order=n) for n in task.orders)]
            + [replace(c, order=n) for n in task.controls for c in controls],
            "neuron": [
                replace(c, neuron="adlif")
                for c in (none, line, *controls)
                if c.line not in ("gain", "gain_rms")
            ],
            "init": [replace(line, init=i) for i in ("ones", "decay_exp", "decay_lin")],
            "trained": [replace(line, trained="no")],
            "width": [replace(none, width="matched")],
            "mask_axis": [replace(line, mask_axis=axis) for axis in ("time", "batch")],
            "draw": [replace(line, draw="global")],
            "dcls": [replace(line, line="dcls", width=width) for width in ("own", "matched")],
            "legendre": [replace(line, line="legendre")],
        }
        asked = [arm for arm in arms if arm in task.arms]
        if size != min(task.units, key=task.units.get):
            asked = ["main"]
        found += [replace(c, arm=arm) for arm in asked for c in arms[arm]]
    return found
