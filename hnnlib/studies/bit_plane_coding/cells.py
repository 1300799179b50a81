"""Settings of the study ``bit_plane_coding``, and the cells that they ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

import xarray as xr
from pydantic import Field, model_validator

from hnnlib.codings.bit_planes import BitPlanes
from hnnlib.datasets import registry
from hnnlib.networks.fusion import Branches, FusionDesign, matched_width
from hnnlib.studies.base import Settings
from hnnlib.studies.base.settings import (
    ImageSettings,
    PartSizes,
    Quantity,
    ScheduleSettings,
    TasksBase,
)
from hnnlib.surrogates.bits import BITS, BitDerivative

__all__ = ["SWITCHES", "BitPlaneSettings", "Cell", "TaskSettings", "cells", "labelled"]

Switch = Literal[
    "order", "rounding", "range", "sample", "head_gradient", "state", "momentum", "public"
]
Control = Literal["graded", "graded_wide", "spiking_wide"]
SWITCHES: dict[str, dict[str, str]] = {
    "order": {"order": "public"},
    "rounding": {"rounding": "off"},
    "range": {"range": "batch"},
    "sample": {"range": "sample"},
    "head_gradient": {"head_gradient": "mixed"},
    "state": {"state": "carried"},
    "momentum": {"momentum": "0.316"},
}
"""What each switch sets: but for ``sample``, a way to mend ``range``, as in the public code."""
SWITCHES["public"] = {
    k: v for name, one in SWITCHES.items() if name != "sample" for k, v in one.items()
}


class BitPlaneSchedule(ScheduleSettings):
    """How long and how fast to train."""

    learning_rate: Quantity = Field(1e-3, description="of Adam")
    cosine: bool = Field(False, description="the learning rate falls along half a cosine")


class AblationSettings(Settings):
    """Derivatives of the encoder to train with."""

    plain: tuple[BitDerivative, ...] = Field((), description="as they are")
    rescaled: tuple[BitDerivative, ...] = Field((), description="with order-aware rescaling")
    switches: tuple[Switch, ...] = Field(
        (), description="to turn, each by itself, with the authors' derivative"
    )


class TaskSettings(ImageSettings):
    """One data set and the networks that are trained on it."""

    dataset: Literal["mnist", "cifar10", "digits"]
    base: int = Field(16, gt=0, le=512, description="first channels for each of the image")
    depth: int = Field(gt=0, le=6, description="convolutional blocks; each halves the edge")
    head: tuple[Annotated[int, Field(gt=0, le=100_000)], ...] = Field(
        (), max_length=2, description="units of the dense layers behind them"
    )
    samples: PartSizes | None = None
    schedule: BitPlaneSchedule
    controls: tuple[Control, ...] = ("graded",)
    serial: AblationSettings = AblationSettings()
    fusion: AblationSettings = AblationSettings()
    residual: tuple[Branches, ...] = Field(
        (), description="of residual networks, whose first stage has twice `base` channels"
    )
    jobs: int = Field(1, gt=0, le=1000, description="training jobs that share the cells")

    @property
    def steps(self) -> int:
        """Bit planes, for ``ImageSettings``."""
        return BITS

    @property
    def width(self) -> int:
        """Times the image's channels the first block's, for ``ImageSettings``."""
        return self.base

    @model_validator(mode="after")
    def _deep_enough(self) -> TaskSettings:
        edge = min(registry.get(self.dataset).shape[1:])
        if edge < 2**self.depth:
            raise ValueError(f"{self.depth} blocks halve an edge of {edge} pixels away: take fewer")
        return self


class BitPlaneSettings(TasksBase):
    """Section of the study in a scale file."""

    tasks: tuple[TaskSettings, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Cell:
    """One configuration: branches, derivative of the encoder, and its switches."""

    branches: Branches
    derivative: str = "none"
    rescale: str = "off"
    arm: str = "main"
    order: str = "corrected"
    rounding: str = "on"
    range: str = "clip"
    head_gradient: str = "own"
    state: str = "reset"
    momentum: str = "0.1"

    @property
    def name(self) -> str:
        """Unique in its task."""
        if self.arm == "coding":
            return f"coding/{self.order}/rounding_{self.rounding}"
        return f"{self.branches}/{self.derivative}/rescale_{self.rescale}/{self.arm}"

    def coding(self) -> BitPlanes:
        """The code between its layers; without an encoder, any."""
        switches = {k: v for k, v in asdict(self).items() if k in BitPlanes.__dataclass_fields__}
        switches["rescale"] = self.rescale == "on"
        if self.derivative == "none":
            switches["derivative"] = "blocked"
        return BitPlanes(**switches)

    def design(self, task: TaskSettings, classes: int) -> FusionDesign:
        """The network of a task."""
        residual = self.arm == "residual"
        # the public code writes the square root of 0.1
        momentum = 0.1**0.5 if self.momentum == "0.316" else 0.1
        shape = registry.get(task.dataset).shape
        design = FusionDesign(
            shape,
            classes,
            2 * task.base if residual else task.base,
            task.depth,
            task.head,
            self.branches,
            coding=self.coding(),
            state=self.state,
            momentum=momentum,
        )
        return replace(design, width=matched_width(design)) if self.arm == "wide" else design


def cells(task: TaskSettings) -> list[Cell]:
    """All cells of a task."""
    authors = {"derivative": "fourier_half", "rescale": "on"}
    known = {
        "graded": Cell("graded"),
        "graded_wide": Cell("graded", arm="wide"),
        "spiking_wide": Cell("spiking", arm="wide", **authors),
    }
    found = [known[name] for name in task.controls]
    for branches, asked in (("spiking", task.serial), ("fusion", task.fusion)):
        found += [Cell(branches, name) for name in asked.plain]
        found += [Cell(branches, name, "on") for name in asked.rescaled]
        found += [Cell(branches, **authors, arm=s, **SWITCHES[s]) for s in asked.switches]
    for branches in task.residual:
        found.append(Cell(branches, **(authors if branches != "graded" else {}), arm="residual"))
    return found


def labelled(found: xr.Dataset, cell: Cell, dataset: str) -> xr.Dataset:
    """With the coordinates of its cell."""
    labels = asdict(cell) | {"dataset": dataset}
    named = {"cell": [f"{dataset}/{cell.name}"]} | {k: ("cell", [v]) for k, v in labels.items()}
    return found.assign_coords(named)
