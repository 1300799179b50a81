"""Settings of the study ``shd_ablations``, and the cells that they ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

from pydantic import Field, model_validator

from hnnlib.datasets import speakers
from hnnlib.networks.direct import GRADED, MODELS, Model
from hnnlib.studies.base import Settings
from hnnlib.studies.base.recordings import (
    RecordingSchedule,
    RegulariserSettings,
    TaskBase,
)
from hnnlib.studies.base.settings import Quantity, Seconds, Seeds, TasksBase, WithMain

__all__ = [
    "AUTHORS_CONSTANTS",
    "AUTHORS_RATES",
    "CORE",
    "EQUAL_RATE",
    "SIZES",
    "Cell",
    "ShdSettings",
    "AblationTask",
    "cells",
]

Arm = Literal[
    "main",
    "refit",
    "matched",
    "size",
    "fraction",
    "ratio",
    "slope",
    "regulariser",
    "reset",
    "reset_gradient",
    "choose",
    "rate",
    "validation",
    "constants",
]
SIZES = {"full": 1.0, "half": 0.5, "quarter": 0.25}
FRACTIONS = ("0.5", "0.25", "0.1")
RATIOS = ("0.1", "0.25", "0.75", "0.9")
SLOPES = ("5", "20", "50")
AUTHORS_RATES = {
    "snn": 1e-3,
    "nsn": 2e-4,
    "rnn": 2e-4,
    "hybrid": 5e-4,
    "hybrid_rnn": 5e-4,
    "n2n_block": 1e-3,
    "n2n_rnn": 1e-3,
    "hstnn_1layer": 1e-3,
}
"""Learning rates of the public code; it has no HSTNN, which takes that of network to network."""
EQUAL_RATE = 1e-3
AUTHORS_CONSTANTS = (0.010, 0.005, 0.020)
"""Time constants of the public code: membrane, synapse, readout, in seconds; its steps are 2 ms."""
CORE = ("snn", "nsn", "hybrid", "n2n_block", "rnn")
"""Models of the arms on size and amount of data."""


class TuningSettings(Settings):
    """How each model chooses its learning rate; the budget is the same for all."""

    rates: tuple[Quantity, ...] = Field(min_length=1, description="learning rates to choose from")
    seeds: Seeds = Field((100, 101), description="seeds of their own")
    epochs: int = Field(gt=0, le=100_000, description="passes over the training part")


class AblationTask(TaskBase):
    """One data set and what is trained on it."""

    dataset: Literal["shd", "spoken_digits", "randman_standard", "randman_hard"]
    tau_mem: Seconds = Field(0.010, description="membrane time constant, seconds")
    tau_syn: Seconds = Field(0.005, description="synaptic time constant, seconds")
    tau_out: Seconds = Field(0.020, description="time constant of the readout, seconds")
    models: tuple[Model, ...] = Field(MODELS, min_length=1)
    schedule: RecordingSchedule
    tuning: TuningSettings
    regulariser: RegulariserSettings = RegulariserSettings()
    validation: Literal["primary", "sensitivity", "random"] = Field(
        "primary", description="pair of training speakers that is held out, or a random tenth"
    )
    share: float = Field(
        1.0, ge=0.001, le=1, description="of the training part; what counts as fraction 1.0"
    )
    arms: WithMain[tuple[Arm, ...]] = ("main",)
    jobs: int | None = Field(
        None,
        gt=0,
        le=10_000,
        description="training jobs that share the models; one a model by default",
    )


class ShdSettings(TasksBase):
    """Section of the study in a scale file."""

    tasks: tuple[AblationTask, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _tuned_apart(self) -> ShdSettings:
        for task in self.tasks:
            shared = set(task.tuning.seeds) & set(self.seeds)
            if shared:
                raise ValueError(
                    f"rates are chosen at seeds of their own: {task.dataset} is tuned at "
                    f"{', '.join(map(str, sorted(shared)))}, which the cells have, too"
                )
        return self


@dataclass(frozen=True)
class Cell:
    """One configuration: a model and what is done otherwise than in the main comparison."""

    model: str
    arm: str = "main"
    size: str = "full"
    fraction: str = "1.0"
    ratio: str = "0.5"
    slope: str = "10"
    regulariser: str = "on"
    reset: str = "on"
    reset_gradient: str = "stopped"
    choose: str = "loss"
    rate: str = "tuned"
    validation: str = "speakers"
    trained_on: str = "held_out"
    constants: str = "chosen"

    @property
    def name(self) -> str:
        """Unique within a data set: model, arm, and what the arm changes."""
        plain = Cell(self.model, self.arm)
        changes = [v for k, v in asdict(self).items() if v != getattr(plain, k)]
        return "/".join([self.model, self.arm, *changes])


def cells(model: str, arms: tuple[str, ...]) -> list[Cell]:
    """All cells of one model; the main one comes first, and what is read off its training next."""
    main = Cell(model)
    spikes = model not in ("nsn", "rnn")
    found = {
        "main": [main],
        "choose": [replace(main, choose="accuracy")],
        "refit": [replace(main, trained_on="all_speakers")] * (model in CORE),
        "matched": [replace(main, model="n2n_matched")] * (model == "n2n_block"),
        "size": [replace(main, size=s) for s in SIZES if s != "full" and model in CORE],
        "fraction": [replace(main, fraction=f) for f in FRACTIONS if model in CORE],
        "ratio": [replace(main, ratio=r) for r in RATIOS if model == "hybrid"],
        "slope": [replace(main, slope=k) for k in SLOPES if spikes and model in CORE],
        "regulariser": [replace(main, regulariser="off")] * (spikes and model in CORE),
        "reset": [replace(main, reset="off")] * (model in GRADED),
        "reset_gradient": [replace(main, reset_gradient="through")] * (model in GRADED),
        "rate": [replace(main, rate=r) for r in ("authors", "equal")],
        "validation": [
            replace(main, validation=v) for v in speakers.FLAWED if model in ("snn", "hybrid")
        ],
        "constants": [replace(main, constants="authors")] * (model == "snn"),
    }
    return [replace(cell, arm=arm) for arm in found if arm in arms for cell in found[arm]]
