"""Settings of the study ``neural_operator``, and the cells that they ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from hnnlib.networks.embedding import Embedding
from hnnlib.networks.operator import OperatorDesign
from hnnlib.studies.base import Settings
from hnnlib.studies.base.settings import (
    Quantity,
    ScheduleSettings,
    Seeds,
    WithMain,
    check_memory,
)

__all__ = ["FEATURES", "TUNED", "Cell", "DataSettings", "OperatorSettings", "cells", "embedding"]

Switch = Literal[
    "main",
    "embedding",
    "features",
    "models",
    "traces",
    "loss",
    "schedule",
    "select",
    "scaling",
    "sag",
]
Milliseconds = Annotated[float, Field(ge=0.1, le=10_000)]
Share = Annotated[float, Field(ge=0.01, le=1)]
FEATURES = {
    "both": ("rheobase", "slope"),
    "slope": ("slope",),
    "rheobase": ("rheobase",),
    "three": ("rheobase", "slope", "ahp_depth"),
}
"""What an operator is told of the cell, by name of the set."""
TUNED = ("0", "25")
"""Weights lambda of the sag in the fine-tuning of the paper."""
_MODELS = ("1", "0.8", "0.6", "0.4")
"""Shares of the training cells: 50, 40, 30 and 20 of the paper's."""


class DataSettings(Settings):
    """Cells that are drawn, and what is recorded of them."""

    channels: Literal["golomb", "wang_buzsaki"] = Field("golomb", description="family of channels")
    cells: int = Field(gt=1, le=1000, description="cells of the training part")
    held_out: int = Field(gt=0, le=1000, description="cells that training never sees")
    train: int = Field(gt=1, le=10**7, description="traces of the training part")
    validation: int = Field(gt=0, le=10**6, description="traces that validate, of the same cells")
    test: int = Field(gt=0, le=10**6, description="traces to test, and as many of new cells")
    pulse: Milliseconds = Field(description="ms that the current is on")
    onset: Milliseconds = Field(description="ms in a window before the pulse")
    window: Milliseconds = Field(description="ms that an operator sees and predicts")
    shift: float = Field(
        0.0, ge=0, le=1000, description="ms in which windows of training begin at random"
    )
    dt: Annotated[float, Field(ge=0.02, le=2)] = Field(description="ms between samples")
    latent: int = Field(gt=1, le=10_000, description="pairs of features that are sampled")

    @property
    def steps(self) -> int:
        """Samples of a window."""
        return round(self.window / self.dt)

    @model_validator(mode="after")
    def _fits(self) -> DataSettings:
        if self.onset + self.pulse > self.window:
            raise ValueError("a pulse ends in its window: lower onset or pulse")
        if self.shift > 2 * self.onset:
            raise ValueError("windows begin before their pulse: shift is at most twice the onset")
        traces = self.train + self.validation + 2 * self.test
        samples = round((self.window + self.shift) / self.dt)
        check_memory(traces * samples, "traces and their samples")
        return self


class NetworkSettings(Settings):
    """Sizes of the operator."""

    layers: int = Field(gt=0, le=100, description="Fourier layers")
    width: int = Field(gt=0, le=1000, description="channels of a layer")
    modes: int = Field(gt=0, le=10_000, description="complex modes that a layer keeps")
    frequencies: int = Field(9, gt=0, le=16, description="of the embedded amplitude")

    @property
    def design(self) -> OperatorDesign:
        """As the network takes it."""
        return OperatorDesign(self.layers, self.width, self.modes)


class OperatorSchedule(ScheduleSettings):
    """How long to train, and how fast: the rate falls where the training loss comes to rest."""

    batch: int = Field(32, gt=0, le=1_000_000, description="traces a step")
    learning_rate: Quantity = Field(4e-3, description="of Adam, at the start")
    decay: Share = Field(0.4, description="of the rate, where the training loss rests")
    patience: int = Field(
        4,
        ge=0,
        le=100_000,
        description="passes without a lower training loss before the rate falls; the paper's 4 of "
        "300 by the share of passes, which is 0 in short runs",
    )


class TuningSettings(Settings):
    """Fine-tuning of the trained operator on traces without spikes."""

    epochs: int = Field(gt=0, le=100_000, description="passes over them")
    learning_rate: Quantity = Field(1e-3, description="of Adam, at the start")


class SpeedSettings(Settings):
    """What is timed."""

    traces: int = Field(gt=0, le=10**6, description="that every method answers in a round")
    rounds: int = Field(gt=0, le=1000, description="of all methods in turn")
    batch: int = Field(100, gt=0, le=10**6, description="traces of a large batch")


class OperatorSettings(Settings):
    """Section of the study in a scale file."""

    seeds: Seeds
    data: DataSettings
    network: NetworkSettings
    schedule: OperatorSchedule
    tuning: TuningSettings | None = Field(None, description="needed by the arm sag")
    embeddings: tuple[
        Literal["frequency", "amplitude_scaled", "constant", "no_cell", "no_amplitude", "none"], ...
    ] = Field(("frequency", "none"), min_length=1, description="of the arm embedding")
    shares: tuple[Share, ...] = Field(
        (), max_length=20, description="of the training traces, in the arm traces"
    )
    arms: WithMain[tuple[Switch, ...]] = ("main",)
    speed: SpeedSettings
    jobs: int | None = Field(None, gt=0, le=1000, description="training jobs that share the cells")

    @model_validator(mode="after")
    def _fits(self) -> OperatorSettings:
        if 2 * self.network.modes > self.data.steps:
            raise ValueError(f"modes are at most half of the {self.data.steps} samples of a window")
        if "sag" in self.arms and self.tuning is None:
            raise ValueError("the arm sag needs the section tuning")
        batch = min(self.schedule.batch, self.data.train)
        check_memory(
            batch * self.data.steps * self.network.width * self.network.layers,
            "traces of a batch, samples, channels and layers",
        )
        return self


@dataclass(frozen=True)
class Cell:
    """One operator and how it is trained; defaults are the main one.

    Attributes:
        embedding: how amplitude and features are shown, or which of them are left out.
        features: name of the set.
        models, traces: shares of the training cells and of the training traces.
        loss: relative L4 or L2.
        schedule: the rate falls on a plateau of the training loss, or along half a cosine.
        select: what chooses the epoch.
        scaling: of the features, by those of the training cells, or of all.
        sag: lambda of the fine-tuning; ``none`` without.
    """

    arm: str = "main"
    embedding: str = "frequency"
    features: str = "both"
    models: str = "1"
    traces: str = "1"
    loss: str = "l4"
    schedule: str = "plateau"
    select: str = "validation"
    scaling: str = "train"
    sag: str = "none"

    @property
    def name(self) -> str:
        """Unique: the arm, and what is not as in the main cell."""
        plain = Cell(self.arm)
        return "/".join([self.arm, *(v for k, v in asdict(self).items() if v != getattr(plain, k))])


def cells(settings: OperatorSettings) -> list[Cell]:
    """All cells but those that are fine-tuned, the main one first."""
    main = Cell()
    few = f"{min(map(float, _MODELS)):g}"
    arms = {
        "main": [main],
        "embedding": [
            replace(main, embedding=e) for e in settings.embeddings if e != main.embedding
        ],
        "features": [replace(main, features=f) for f in FEATURES if f != main.features],
        "models": [replace(main, models=share, traces=few) for share in _MODELS],
        "traces": [replace(main, traces=f"{share:g}") for share in settings.shares if share < 1],
        "loss": [replace(main, loss="l2")],
        "schedule": [replace(main, schedule="cosine")],
        "select": [replace(main, select="test")],
        "scaling": [replace(main, scaling="all")],
    }
    asked = [replace(c, arm=arm) for arm in arms if arm in settings.arms for c in arms[arm]]
    # of two arms that share a cell the first has it
    return list({replace(c, arm=""): c for c in reversed(asked)}.values())[::-1]


def embedding(cell: Cell, data: DataSettings, frequencies: int) -> Embedding:
    """What a cell shows its operator."""
    kinds = ("amplitude_scaled", "constant")
    return Embedding(
        data.pulse,
        data.dt,
        len(FEATURES[cell.features]),
        cell.embedding if cell.embedding in kinds else "frequency",
        cell.embedding not in ("no_amplitude", "none"),
        cell.embedding not in ("no_cell", "none"),
        frequencies,
    )
