"""Trains and measures the cells of the study ``loss_landscape``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Literal, NamedTuple

import numpy as np
import torch
import xarray as xr
from pydantic import Field, model_validator

from hnnlib.analysis import landscape
from hnnlib.datasets import speakers
from hnnlib.datasets.eventdata import EventData
from hnnlib.errors import nearest
from hnnlib.networks.direct import GRADED, Design, DirectNetwork
from hnnlib.randomness import numpy_generator
from hnnlib.studies.base import Context, Study, join_cells
from hnnlib.studies.base.recordings import (
    RecordingSchedule,
    RegulariserSettings,
    TaskBase,
    recordings,
)
from hnnlib.studies.base.settings import Quantity, TasksBase, WithMain
from hnnlib.studies.loss_landscape import measures
from hnnlib.studies.loss_landscape.measures import Measured, MeasureSettings, TrainLoss
from hnnlib.training import loop, measurement
from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.examples import Parts
from hnnlib.training.loop import Schedule
from hnnlib.training.tasks import Classification, cross_entropy
from hnnlib.variables import variable

__all__ = ["STUDY", "Cell", "LandscapeSettings", "LossLandscape", "cells"]

Model = Literal["snn", "nsn", "hybrid", "n2n_block", "rnn"]
MODELS: tuple[Model, ...] = ("snn", "nsn", "hybrid", "n2n_block", "rnn")
Arm = Literal["main", "sam", "ratio", "reset_gradient"]
RATIOS = ("0.1", "0.25", "0.75", "0.9")
RHOS = ("0.02", "0.05", "0.1")
SHARPENED = ("snn", "hybrid", "nsn")
"""Models of the arm on sharpness-aware training, which takes twice the time."""


class LandscapeSchedule(RecordingSchedule):
    """How long and how fast to train."""

    learning_rate: Quantity = Field(description="of Adam")
    rates: dict[Model, Quantity] = Field(
        {}, description="learning rates of models that need another"
    )


class LandscapeTask(TaskBase):
    """One data set and what is trained and measured on it."""

    dataset: Literal["randman_500_parameters", "randman_standard", "spoken_digits", "shd"]
    models: tuple[Model, ...] = Field(MODELS, min_length=1)
    schedule: LandscapeSchedule
    regulariser: RegulariserSettings | None = None
    validation: Literal["primary", "sensitivity", "random"] = Field(
        "primary", description="pair of training speakers that is held out, or a random share"
    )
    validation_share: float = Field(
        0.1, ge=0.001, lt=1, description="the share, where it is random"
    )
    fraction: float = Field(1.0, ge=0.001, le=1, description="share of the training part, by seed")
    arms: WithMain[tuple[Arm, ...]] = ("main",)
    measures: MeasureSettings

    @model_validator(mode="after")
    def _rates_of_models(self) -> LandscapeTask:
        for model in self.schedule.rates:
            if model not in self.models:
                raise ValueError(f"a rate of {model}: {nearest(model, self.models)}")
        return self


class LandscapeSettings(TasksBase):
    """Section of the study in a scale file."""

    tasks: tuple[LandscapeTask, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Cell:
    """One configuration."""

    model: str
    arm: str = "main"
    ratio: str = "0.5"
    rho: str = "0"
    reset_gradient: str = "stopped"

    @property
    def name(self) -> str:
        """Unique within a data set: model, arm, and what the arm changes."""
        changed = {"ratio": [self.ratio], "sam": [self.rho]}.get(self.arm, [])
        return "/".join([self.model, self.arm, *changed])


def cells(models: tuple[str, ...], arm: str) -> list[Cell]:
    """All cells of one arm. Ratios 0, 0.5 and 1 are main cells: nsn, hybrid and snn."""
    if arm == "sam":
        return [Cell(m, arm, rho=rho) for m in SHARPENED if m in models for rho in RHOS]
    if arm == "ratio":
        return [Cell("hybrid", arm, ratio=ratio) for ratio in RATIOS]
    if arm == "reset_gradient":
        return [Cell(m, arm, reset_gradient="through") for m in GRADED if m in models]
    return [Cell(model) for model in models]


class LossLandscape(Study):
    """See the package."""

    title = "Loss landscapes"
    paper = "ramanathan_eberle_varol"
    Settings = LandscapeSettings

    def groups(self, settings: LandscapeSettings) -> dict[str, list[Cell]]:
        """Training jobs: the arms of each data set."""
        return {
            f"{task.dataset}_{arm}": cells(task.models, arm)
            for task in settings.tasks
            for arm in task.arms
        }

    def relevant(self, settings: LandscapeSettings, group: str) -> LandscapeSettings:
        """A job depends on its own data set's section, and no arm on which others there are."""
        task = settings.task(group).model_copy(update={"arms": ("main",)})
        return settings.model_copy(update={"tasks": (task,)})

    def datasets(self, settings: LandscapeSettings) -> list[str]:
        """See ``Study``."""
        return [task.dataset for task in settings.tasks]

    def train(self, group: str, settings: LandscapeSettings, context: Context) -> xr.Dataset:
        """Train and measure the cells of one arm, each as a population over the seeds."""
        task = settings.task(group)
        arm = group.removeprefix(f"{task.dataset}_")
        return _Job(task, arm, settings.seeds, context).run()


class _Trained(NamedTuple):
    """A trained cell: what training tells of it, its weights, and the loss to look at."""

    cell: Cell
    measured: xr.Dataset
    parameters: landscape.Parameters
    loss: TrainLoss


class _Job:
    """Trains and measures the cells of one arm on one data set."""

    def __init__(
        self, task: LandscapeTask, arm: str, seeds: tuple[int, ...], context: Context
    ) -> None:
        self.task, self.arm, self.seeds, self.context = task, arm, seeds, context
        self.data: EventData = context.data(task.dataset)
        self.recordings = recordings(task, self.data, context)
        drawn = [
            speakers.draw(
                self.data, seed, task.validation, task.fraction, share=task.validation_share
            )
            for seed in seeds
        ]
        self.parts = Parts.of(drawn, context.device)
        rows = self._examples()
        self.inputs, self.labels = self.recordings.inputs(rows), self.recordings.labels(rows)[0]

    def _examples(self) -> torch.Tensor:
        """Rows (1, example) of the examples whose loss is measured: every seed trained on them."""
        shared = reduce(np.intersect1d, self.parts.train.cpu().numpy())
        draw = numpy_generator(0, "landscape examples")
        count = min(self.task.measures.examples, len(shared))
        rows = np.sort(draw.choice(shared, count, replace=False))
        return torch.from_numpy(rows)[None].to(self.context.device)

    def run(self) -> xr.Dataset:
        """All cells: training first, because principal directions need the weights of all."""
        todo = cells(self.task.models, self.arm)
        trained = [self._train(cell, f"[{k + 1}/{len(todo)}]") for k, cell in enumerate(todo)]
        shared = self._shared(trained) if self.arm == "main" else None
        found = [self._look(one, shared, f"[{k + 1}/{len(todo)}]") for k, one in enumerate(trained)]
        return join_cells(found)

    def _design(self, cell: Cell) -> Design:
        task = self.task
        return Design(
            cell.model,
            task.units,
            task.steps,
            float(cell.ratio),
            task.window / task.steps,
            reset_gradient=cell.reset_gradient,
        )

    def _train(self, cell: Cell, place: str) -> _Trained:
        task, design, engine = self.task, self._design(cell), self.context.engine
        network = DirectNetwork(
            self.data.channels, self.data.n_classes, design, self.seeds, engine
        ).to(self.context.device)
        chosen = task.schedule
        schedule = Schedule(
            chosen.epochs,
            chosen.batch,
            chosen.rates.get(cell.model, chosen.learning_rate),
            cosine=True,
            clip=chosen.clip,
            sharpness=float(cell.rho),
        )
        regulariser = task.regulariser
        objective = regulariser.objective(network.spiking) if regulariser else cross_entropy
        fit = loop.fit(
            network,
            self.recordings,
            self.parts,
            schedule,
            self._checkpoint(cell, "fit"),
            lambda line: self.context.say(f"{place} {cell.name}: {line}"),
            Classification(objective, choose="loss"),
        )
        labels = asdict(cell) | {"dataset": self.data.name, "units": str(task.units)}
        name = f"{self.data.name}/{cell.name}"
        measured = measurement.measure(name, labels, network, self.recordings, self.parts, fit)
        parameters = {name: p.detach().clone() for name, p in network.named_parameters()}
        loss = TrainLoss(design, self.inputs, self.labels, self.data.n_classes, engine)
        return _Trained(cell, measured, parameters, loss)

    def _shared(self, trained: list[_Trained]) -> list[landscape.Parameters]:
        """The authors' directions: principal components of the weights of all runs."""
        runs = torch.cat([landscape.flatten(one.parameters) for one in trained])
        return landscape.principal_directions(runs, trained[0].parameters)

    def _look(
        self, one: _Trained, shared: list[landscape.Parameters] | None, place: str
    ) -> xr.Dataset:
        """Everything about one trained cell; measured once, also if interrupted later."""
        checkpoint = self._checkpoint(one.cell, "measures")
        stored = checkpoint.load()
        if stored is None:
            found = self._measure(one, shared, f"{place} {one.cell.name}")
            tensors = {name: torch.from_numpy(array) for name, array in found.arrays.items()}
            checkpoint.save(tensors, {"rest": json.dumps([found.dimensions, found.coordinates])})
        else:
            arrays = {name: tensor.numpy() for name, tensor in stored[0].items()}
            found = Measured(arrays, *json.loads(stored[1]["rest"]))
        return one.measured.merge(_dataset(found, one.measured))

    def _measure(
        self, one: _Trained, shared: list[landscape.Parameters] | None, place: str
    ) -> Measured:
        chosen = self.task.measures
        at = one.loss, one.parameters
        main = self.arm == "main"
        found = measures.measure(
            *at, self.seeds, chosen, main, lambda line: self.context.say(f"{place}: {line}")
        )
        if shared is not None:
            found.update(measures.shared_plane(*at, shared, chosen.finest))
            own = [landscape.random_direction(one.parameters, self.seeds, k) for k in range(2)]
            planes = {"filter": own, "pca": shared}
            found.update(measures.maps(*at, planes, chosen.map_points))
            if chosen.box:
                found.update(measures.box(*at, self.seeds, chosen.box))
        return found

    def _checkpoint(self, cell: Cell, what: str) -> Checkpoint:
        return self.context.checkpoint(f"{cell.name}-{what}", cell, self.task)


def _dataset(found: Measured, run: xr.Dataset) -> xr.Dataset:
    """Measures as variables of one cell; NaN for seeds that diverged."""
    lost = run["diverged"].values[0].astype(bool)
    variables = {}
    for name, array in found.arrays.items():
        first = () if name.startswith("map_") else ("seed",)
        if first:
            array = array.copy()
            array[lost] = np.nan
        dimensions = ("cell", *first, *found.dimensions.get(name, ()))
        variables[name] = variable(dimensions, array[None], *measures.TEXTS[name])
    return xr.Dataset(variables, {"cell": run["cell"], "seed": run["seed"]} | found.coordinates)


STUDY = LossLandscape()
