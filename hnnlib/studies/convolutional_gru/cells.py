"""Settings of the study ``convolutional_gru``, and the cells that they ask for."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from hnnlib.datasets import registry
from hnnlib.networks.gated import Design, matched_units
from hnnlib.studies.base import Settings
from hnnlib.studies.base.settings import (
    ImageSettings,
    Quantity,
    ScheduleSettings,
    Seconds,
    Seeds,
    TasksBase,
    WithMain,
)

__all__ = ["FRONT", "MATCHES", "Cell", "GatedSettings", "GatedTask", "Model", "cells", "design"]

Model = Literal["cs_gru", "conv_gru", "mixed", "spik_gru", "spik_gru_two_gates", "cuba_lif", "gru"]
Arm = Literal[
    "main", "match", "layout", "minus", "share", "init", "readout", "validation", "events", "front"
]
Layout = Literal["line", "shuffled", "line_shuffled"]
_DENSE = {"form": "dense", "memory": "alpha", "update": "input"}
MODELS: dict[Model, dict[str, Any]] = {
    "cs_gru": {},
    "conv_gru": {"share": 0.0},
    "mixed": {"share": 0.5},
    "spik_gru": _DENSE,
    "spik_gru_two_gates": _DENSE | {"reset": True},
    "cuba_lif": _DENSE | {"update": "constant"},
    "gru": _DENSE | {"memory": "gate", "share": 0.0},
}
"""Published cells, as they differ from the convolutional spiking one."""
_MINUS: dict[str, dict[str, Any]] = {
    "none": {},
    "convolution": {"form": "dense"},
    "gate": {"memory": "alpha"},
    "current": {"update": "input"},
    "leak": {"over_time": "mean"},
}
"""The four changes against SpikGRU, each taken back."""
FRONT = (7, 10, 10)
"""Channels of a recording as the public code folds them for SHD."""
MATCHES = ("parameters", "neurons", "channels", "products")


class TuningSettings(Settings):
    """How each model chooses its learning rate; the budget is the same for all."""

    rates: tuple[Quantity, ...] = Field(min_length=1, description="learning rates to choose from")
    seeds: Seeds = Field((100,), description="seeds of their own")
    epochs: int = Field(gt=0, le=100_000, description="passes over the training part")


class GatedTask(ImageSettings):
    """One data set and what is trained on it."""

    dataset: Literal["spoken_digits", "shd", "ntidigits", "mnist", "digits"]
    steps: int = Field(gt=1, le=10_000, description="time steps T")
    window: Seconds = Field(1.0, description="seconds from the start of a recording")
    channels: int = Field(
        64, gt=3, le=1024, description="groups of neighbouring channels of a recording, a square"
    )
    pool: int = Field(1, gt=0, le=8, description="edge of the windows that images are averaged in")
    hidden: int = Field(gt=0, le=10_000, description="channels of the convolutional cell")
    readout: Literal["flat", "mean"] = Field(
        "flat", description="reads every unit, or the mean of each channel"
    )
    models: tuple[Model, ...] = Field(get_args(Model), min_length=1)
    arms: WithMain[tuple[Arm, ...]] = ("main",)
    layouts: tuple[Layout, ...] = Field(get_args(Layout), description="of the arm `layout`")
    share: float = Field(1.0, ge=0.001, le=1, description="of the training recordings")
    schedule: ScheduleSettings
    tuning: TuningSettings
    jobs: int | None = Field(
        None,
        gt=0,
        le=10_000,
        description="training jobs that share the models; one a model by default",
    )

    @field_validator("channels")
    @classmethod
    def _square(cls, channels: int) -> int:
        if math.isqrt(channels) ** 2 != channels:
            raise ValueError(f"channels make a square, unlike {channels}")
        return channels

    @model_validator(mode="after")
    def _window_fits(self) -> GatedTask:
        edge = registry.get(self.dataset).shape[-1] if self.images else 1
        if self.pool > edge:
            raise ValueError(
                f"pool {self.pool}: {self.dataset} has {edge} pixels an edge, take less"
            )
        return self

    @property
    def width(self) -> float:
        """See ``ImageSettings``: units for each number of the input."""
        return self.hidden

    @property
    def images(self) -> bool:
        """Whether these are images, not recordings."""
        return len(registry.get(self.dataset).shape) == 3


class GatedSettings(TasksBase):
    """Section of the study in a scale file."""

    tasks: tuple[GatedTask, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _tuned_apart(self) -> GatedSettings:
        for task in self.tasks:
            if shared := set(task.tuning.seeds) & set(self.seeds):
                raise ValueError(
                    f"rates are chosen at seeds of their own, unlike {sorted(shared)} of "
                    f"{task.dataset}"
                )
        return self


@dataclass(frozen=True)
class Cell:
    """One configuration: a model and what is done otherwise than in the main comparison."""

    model: str
    arm: str = "main"
    match: str = "none"
    layout: str = "raster"
    minus: str = "none"
    share: str = "1"
    init: str = "coded"
    readout: str = "flat"
    validation: str = "speakers"
    events: str = "binary"
    front: str = "none"

    @property
    def name(self) -> str:
        """Unique within a data set: model, arm, and what the arm changes."""
        plain = asdict(_main(self.model, self.readout if self.arm != "readout" else ""))
        changes = [v for k, v in asdict(self).items() if v != plain[k] and k != "arm"]
        return "/".join([self.model, self.arm, *changes])


def _main(model: str, readout: str) -> Cell:
    dense = MODELS[model].get("form") == "dense"
    return Cell(
        model,
        match="parameters" if dense else "none",
        layout="dense" if dense else "raster",
        share=f"{MODELS[model].get('share', 1):g}",
        readout=readout,
    )


def cells(model: Model, task: GatedTask) -> list[Cell]:
    """All cells of one model, the main one first."""
    main = _main(model, task.readout)
    other = {"flat": "mean", "mean": "flat"}[task.readout]
    full = model == "cs_gru"
    # by recordings only: images have no speakers, and pixels are drawn at every step
    heard = full and not task.images
    found = {
        "main": [main],
        "match": [replace(main, match=m) for m in MATCHES[1:] if model == "spik_gru"],
        "layout": [replace(main, layout=name) for name in task.layouts if full],
        "minus": [
            replace(main, minus=name, **_dense(name)) for name in _MINUS if full and name != "none"
        ],
        "share": [replace(main, share=s) for s in ("0.25", "0.75") if model == "mixed"],
        "init": [replace(main, init="fan_in")] * (model in ("cs_gru", "spik_gru", "conv_gru")),
        "readout": [replace(main, readout=other)] * (model in ("cs_gru", "conv_gru")),
        "validation": [replace(main, validation="random")] * heard,
        "events": [replace(main, events="counted")] * heard,
        "front": [replace(main, front="strided")] * heard,
    }
    return [replace(cell, arm=arm) for arm in found if arm in task.arms for cell in found[arm]]


def _dense(minus: str) -> dict[str, str]:
    return {"layout": "dense", "match": "parameters"} if minus == "convolution" else {}


def design(
    cell: Cell, in_shape: tuple[int, int, int], classes: int, hidden: int, steps: int
) -> Design:
    """The cell of a network; a dense one with as many units as ``match`` gives it."""
    full = Design(hidden, classes, in_shape, steps, readout=cell.readout, init=cell.init)
    changes = MODELS[cell.model] | _MINUS[cell.minus] | {"share": float(cell.share)}
    if cell.layout.startswith("line"):
        changes = changes | {"form": "line"}
    found = replace(full, **changes)
    if cell.front == "strided":
        return replace(found, in_shape=FRONT).behind_front()
    if found.form != "dense":
        return found
    return replace(found, hidden=matched_units(full, found, cell.match))
