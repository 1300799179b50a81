"""Settings of the study ``coding_comparison``, and the cells that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from hnnlib.studies.base import Settings
from hnnlib.studies.base.settings import (
    ImageSettings,
    PartSizes,
    Quantity,
    ScheduleSettings,
    Seeds,
    WithMain,
)

__all__ = ["ARCHITECTURES", "Cell", "CodingSettings", "FamilySettings", "ScheduleChange", "cells"]

Arm = Literal[
    "main",
    "input_mode",
    "split",
    "head",
    "poisson_p",
    "boundary_act",
    "gaussian",
    "train_filter",
    "bit_planes",
]
TableCoding = Literal["duplicate", "gaussian", "poisson"]
Phase = Literal["simultaneous", "separate", "pretrained", "gaussian", "poisson"]

MlpRow = Literal["S784-S500-S10", "A784-S500-S10", "A784-A500-S10", "A784-A500-A10"]
CnnRow = Literal[
    "S32C3-S32C3-S64C3-P2-S64C3-P2-S512-S10",
    "A32C3-S32C3-S64C3-P2-S64C3-P2-S512-S10",
    "A32C3-A32C3-A64C3-P2-S64C3-P2-S512-S10",
    "A32C3-A32C3-A64C3-P2-A64C3-P2-S512-S10",
    "A32C3-A32C3-A64C3-P2-A64C3-P2-A512-A10",
]
ARCHITECTURES = {"mlp": get_args(MlpRow), "cnn": get_args(CnnRow)}
"""Rows of the paper's tables, from purely spiking to purely artificial."""
Epoch = Annotated[int, Field(gt=0, le=100_000)]


class CodingSchedule(ScheduleSettings):
    """How long and how fast to train."""

    learning_rate: Quantity = Field(description="of Adam")
    milestones: tuple[Epoch, ...] = Field(
        (), description="epochs at which the learning rate falls tenfold"
    )

    @model_validator(mode="after")
    def _reached(self) -> CodingSchedule:
        if self.milestones and max(self.milestones) >= self.epochs:
            raise ValueError(
                f"training of {self.epochs} epochs never comes to the milestone "
                f"{max(self.milestones)}: lower it"
            )
        return self


class ScheduleChange(Settings):
    """What one phase does otherwise."""

    epochs: Epoch | None = None
    batch: int | None = Field(None, gt=0, le=1_000_000)
    learning_rate: Quantity | None = None
    milestones: tuple[Epoch, ...] | None = None


class FamilySettings(ImageSettings):
    """One half of the paper: the MLPs on MNIST or the CNNs on CIFAR-10, at some size and on some
    data.
    """

    dataset: Literal["mnist", "cifar10", "digits", "cluttered_digits"]
    width: float = Field(
        1.0, ge=0.001, le=4, description="factor on the hidden layers' units or channels"
    )
    steps: int = Field(25, gt=0, le=10_000, description="time steps T")
    samples: PartSizes | None = Field(
        None, description="the parts are drawn 6:2:2 from the whole data set first"
    )
    schedule: CodingSchedule
    phases: dict[Phase, ScheduleChange] = {}
    train_filter: bool = Field(
        False, description="train the synaptic filters in the cells of the tables"
    )
    arms: WithMain[tuple[Arm, ...]] = Field(
        ("main",), description="cells of the paper's tables, and forensic arms beside them"
    )
    codings: tuple[TableCoding, ...] = Field(
        get_args(TableCoding), min_length=1, description="codings whose columns are run"
    )
    jobs: int | None = Field(
        None,
        gt=0,
        le=10_000,
        description="training jobs that share the cells; one a column by default",
    )


class MlpSettings(FamilySettings):
    """The MLPs of Tables 1a, 2a and 3a."""

    rows: tuple[MlpRow, ...] = Field(
        ARCHITECTURES["mlp"], min_length=1, description="rows of the tables to run"
    )


class CnnSettings(FamilySettings):
    """The CNNs of Tables 1b, 2b and 3b."""

    rows: tuple[CnnRow, ...] = Field(
        ARCHITECTURES["cnn"], min_length=1, description="rows of the tables to run"
    )


class CodingSettings(Settings):
    """Section of the study in a scale file."""

    seeds: Seeds
    mlp: MlpSettings | None = None
    cnn: CnnSettings | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> CodingSettings:
        if self.mlp is None and self.cnn is None:
            raise ValueError("there is nothing to train: add a section mlp or cnn")
        return self


@dataclass(frozen=True)
class Cell:
    """One configuration: a row (architecture), a column (coding, training) and its switches.

    ``head`` is where the spiking rest of separate training starts from: fresh draws, or, coupled,
    those of the layers that the frozen network had in its place and was trained with.
    """

    family: str
    architecture: str
    coding: str
    training: str
    train_filter: bool
    arm: str = "main"
    boundary_act: str = "sigmoid"
    input_mode: str = "axon"
    poisson_p: str = "sigmoid"
    gaussian: str = "code"
    split_mode: str = "shared"
    head: str = "fresh"

    @property
    def name(self) -> str:
        """Unique name: family, row, column, arm."""
        row = "".join(label[0] for label in self.architecture.split("-") if label[0] != "P")
        return f"{self.family}/{row}/{self.coding}/{self.training}/{self.arm}"

    @property
    def phase(self) -> str:
        """Whose schedule it follows."""
        if self.training == "pretrained":
            return "pretrained"
        return self.coding if self.coding in ("gaussian", "poisson") else self.training


def cells(family: str, train_filter: bool) -> dict[str, list[Cell]]:
    """All cells of one family, by training job; a frozen network stands before the cells that read
    it.
    """
    pure_s, *hybrids, pure_a = ARCHITECTURES[family]

    def cell(architecture: str, coding: str, how: str, **switches: Any) -> Cell:
        return Cell(
            family, architecture, coding, how, **({"train_filter": train_filter} | switches)
        )

    ann = cell(pure_a, "none", "pretrained")
    sigmoid_ann = cell(pure_a, "poisson", "pretrained")
    separate = [cell(row, "duplicate", "separate") for row in hybrids]
    simultaneous = [cell(row, "duplicate", "simultaneous") for row in hybrids]
    gaussian = [cell(row, "gaussian", "simultaneous") for row in hybrids]
    poisson = [cell(row, "poisson", "separate") for row in hybrids]
    spiking = cell(pure_s, "duplicate", "simultaneous")
    direct = [replace(spiking, arm="input_mode", input_mode="direct")] if family == "mlp" else []
    other_filter = {"arm": "train_filter", "train_filter": not train_filter}
    coupled = {"arm": "head", "head": "coupled"}
    relu = {"arm": "boundary_act", "boundary_act": "relu"}
    return {
        "pure": [spiking, cell(pure_a, "none", "simultaneous"), *direct],
        "simultaneous": [*simultaneous, *(replace(c, **relu) for c in simultaneous)],
        "separate": [
            ann,
            *separate,
            *(replace(c, **change) for change in (relu, coupled, other_filter) for c in separate),
        ],
        "split": [replace(c, arm="split", split_mode="per_model") for c in (ann, *separate)],
        "gaussian": [
            *gaussian,
            *(replace(c, arm="gaussian", gaussian="ln_sigma") for c in gaussian),
        ],
        "poisson": [
            cell(pure_s, "poisson", "simultaneous"),
            sigmoid_ann,
            *poisson,
            *(replace(c, arm="poisson_p", poisson_p="code255") for c in poisson),
            *(replace(c, **coupled) for c in poisson),
        ],
        "filter": [replace(c, **other_filter) for c in (spiking, *simultaneous)],
        "bit_planes": [
            replace(c, coding="bit_planes", arm="bit_planes")
            for c in simultaneous
            if family == "mlp"
        ],
    }
