"""SHD ablations: do directly connected hybrids generalise better (Ramanathan, Eberle & Varol)?

Cells are models on a data set, and arms: cells that differ from the main comparison in one thing,
so that the difference says what it was worth. Every cell is trained as a population over seeds,
cells that differ in their share of spiking units only as one population over shares and seeds;
models share, at a seed, their initial draws and the order of the data.

Learning rates: each model chooses its own on validation, with the same budget, and keeps it in all
arms. Validation holds out whole speakers. The test part is read by the chosen epoch; its accuracy
at the other epochs is recorded to say what choosing by it would have been worth, and chooses
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Literal

import numpy as np
import torch
import xarray as xr
from pydantic import Field

from hnnlib.datasets import EventData, bin_events, speakers
from hnnlib.networks.direct import MODELS, Design, DirectNetwork, Model, matched_units
from hnnlib.studies._recurrent import RegulariserSettings, TaskBase, TasksBase
from hnnlib.studies.base import Context, Settings, Study, dealt, join_cells
from hnnlib.training import loop, measurement, scoring
from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.examples import Parts, Recordings
from hnnlib.training.loop import Fit, Schedule
from hnnlib.training.objectives import BoundedSpikeCounts
from hnnlib.training.populations import in_pieces
from hnnlib.training.tasks import Classification, cross_entropy

__all__ = ["STUDY", "Cell", "ShdAblations", "cells"]

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
BATCH_SCORED = 256


class ScheduleSettings(Settings):
    """How long to train."""

    epochs: int = Field(gt=0, description="passes over the training part, on a cosine")
    batch: int = Field(256, gt=0, description="examples a step")
    clip: float = Field(1.0, gt=0, description="largest norm of a gradient")


class TuningSettings(Settings):
    """How each model chooses its learning rate; the budget is the same for all."""

    rates: tuple[float, ...] = Field(min_length=1, description="learning rates to choose from")
    seeds: tuple[int, ...] = Field((100, 101), min_length=1, description="seeds of their own")
    epochs: int = Field(gt=0, description="passes over the training part")


class TaskSettings(TaskBase):
    """One data set and what is trained on it."""

    dataset: Literal["shd", "spoken_digits", "randman_standard", "randman_hard"]
    tau_mem: float = Field(0.010, gt=0, description="membrane time constant, seconds")
    tau_syn: float = Field(0.005, gt=0, description="synaptic time constant, seconds")
    tau_out: float = Field(0.020, gt=0, description="time constant of the readout, seconds")
    models: tuple[Model, ...] = Field(MODELS, min_length=1)
    schedule: ScheduleSettings
    tuning: TuningSettings
    regulariser: RegulariserSettings = RegulariserSettings()
    validation: Literal["primary", "sensitivity", "random"] = Field(
        "primary", description="pair of training speakers that is held out, or a random tenth"
    )
    share: float = Field(
        1.0, gt=0, le=1, description="of the training part; what counts as fraction 1.0"
    )
    arms: tuple[Arm, ...] = ("main",)
    jobs: int | None = Field(
        None, gt=0, description="training jobs that share the models; one a model by default"
    )


class ShdSettings(TasksBase):
    """Section of the study in a scale file."""

    tasks: tuple[TaskSettings, ...] = Field(min_length=1)


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
    """All cells of one model; the main one comes first."""
    main = Cell(model)
    spikes = model not in ("nsn", "rnn")
    found = {
        "main": [main],
        "refit": [replace(main, trained_on="all_speakers")] * (model in CORE),
        "matched": [replace(main, model="n2n_matched")] * (model == "n2n_block"),
        "size": [replace(main, size=s) for s in SIZES if s != "full" and model in CORE],
        "fraction": [replace(main, fraction=f) for f in FRACTIONS if model in CORE],
        "ratio": [replace(main, ratio=r) for r in RATIOS if model == "hybrid"],
        "slope": [replace(main, slope=k) for k in SLOPES if spikes and model in CORE],
        "regulariser": [replace(main, regulariser="off")] * (spikes and model in CORE),
        "reset": [replace(main, reset="off")] * (model in ("nsn", "hybrid", "n2n_block")),
        "rate": [replace(main, rate=r) for r in ("authors", "equal")],
        "validation": [
            replace(main, validation=v) for v in speakers.FLAWED if model in ("snn", "hybrid")
        ],
        "constants": [replace(main, constants="authors")] * (model == "snn"),
    }
    return [replace(cell, arm=arm) for arm in found if arm in arms for cell in found[arm]]


class ShdAblations(Study):
    """See the module."""

    title = "SHD ablations"
    paper = "ramanathan_eberle_varol"
    Settings = ShdSettings

    def groups(self, settings: ShdSettings) -> dict[str, list[Model]]:
        """Training jobs: the models of one data set, dealt out."""
        found = {}
        for task in settings.tasks:
            for models in dealt(task.models, task.jobs):
                found[f"{task.dataset}_{'_and_'.join(models[:3])}"] = models
        return found

    def relevant(self, settings: ShdSettings, group: str) -> ShdSettings:
        """A job depends on its own data set's section only."""
        return settings.model_copy(update={"tasks": (settings.task(group),)})

    def datasets(self, settings: ShdSettings) -> list[str]:
        """See ``Study``."""
        return [task.dataset for task in settings.tasks]

    def train(self, group: str, settings: ShdSettings, context: Context) -> xr.Dataset:
        """Train the cells of some models as populations."""
        job = _Job(settings.task(group), settings.seeds, context)
        models = self.groups(settings)[group]
        return join_cells([part for model in models for part in job.train(model)])


class _Job:
    """Trains models on one data set."""

    def __init__(self, task: TaskSettings, seeds: tuple[int, ...], context: Context) -> None:
        self.task, self.seeds, self.context = task, seeds, context
        self.data: EventData = context.data(task.dataset)
        binned = bin_events(self.data, task.steps, task.window / task.steps)
        self.recordings = Recordings(binned, self.data.labels, context.device)

    def train(self, model: Model) -> Iterator[xr.Dataset]:
        """One dataset a cell; the main cell's comes first."""
        rate, tuning = self._tune(model)
        todo = cells(model, self.task.arms)
        epochs, done = None, 0
        for together, population in self._populations(todo):
            done += len(together)
            say = f"[{done}/{len(todo)}] {_names(together)}"
            keep = epochs if together[0].trained_on == "all_speakers" else None
            for cell, measured, fit in self._cells(together, population, rate, say, keep):
                if cell.arm == "main":
                    epochs = fit.best_epoch
                    measured = measured.merge(tuning)
                yield measured

    def _populations(self, todo: list[Cell]) -> Iterator[tuple[list[Cell], DirectNetwork]]:
        """Cells to train together: neighbours that differ in their ratio only, in pieces where
        memory is short.
        """
        for _, alike in groupby(todo, key=lambda cell: replace(cell, ratio="any")):
            found = list(alike)

            def build(part: slice, found: list[Cell] = found) -> DirectNetwork:
                return self._network(found[part], self.seeds)

            size = len(found), self.task.schedule.batch
            for piece in in_pieces(build, *size, self.context.device):
                yield found[piece.part], piece.network

    def _tune(self, model: Model) -> tuple[float, xr.Dataset]:
        """The learning rate with the smallest validation loss over the tuning seeds, and all
        losses.
        """
        tuning = self.task.tuning
        rates, seeds = tuning.rates, tuning.seeds
        members = [(rate, seed) for rate in rates for seed in seeds]
        cell = Cell(model, "tuning")
        network = self._network([cell], tuple(seed for _, seed in members))
        schedule = replace(self._schedule(tuple(rate for rate, _ in members)), epochs=tuning.epochs)
        parts = self._parts(cell, network.seeds)
        fit = self._fit([cell], network, parts, schedule, f"{model}: learning rates")
        # a member that diverged is as bad as can be
        best = fit.validation_loss.nan_to_num(float("inf")).amin(0)
        losses = best.view(len(rates), len(seeds)).cpu().numpy()
        kind = {"units": "nat", "long_name": "best validation loss while the rate was tuned"}
        table = xr.Dataset(
            {"tuning_loss": (("cell", "choice", "tuning_seed"), losses[None], kind)},
            {"cell": [f"{self.data.name}/{Cell(model).name}"], "tuning_seed": list(seeds)}
            | {"tried_rate": ("choice", list(rates))},
        )
        return rates[int(losses.mean(1).argmin())], table

    def _rate(self, cell: Cell, tuned: float) -> float:
        if cell.rate == "equal":
            return EQUAL_RATE
        return AUTHORS_RATES[cell.model] if cell.rate == "authors" else tuned

    def _cells(
        self,
        together: Sequence[Cell],
        population: DirectNetwork,
        tuned: float,
        say: str,
        keep: torch.Tensor | None,
    ) -> Iterator[tuple[Cell, xr.Dataset, Fit]]:
        """Train cells as one population, and look at each as if it had been trained alone."""
        first, count = together[0], len(self.seeds)
        own = self._parts(first, self.seeds)
        parts = Parts(*(rows.repeat(len(together), 1) for rows in own))
        watch = parts.test if first.arm == "main" else None
        rate = self._rate(first, tuned)
        fit = self._fit(together, population, parts, self._schedule(rate), say, watch, keep)
        weights = population.state_dict()
        for place, cell in enumerate(together):
            members = slice(place * count, (place + 1) * count)
            network = self._network([cell], self.seeds)
            network.load_state_dict({name: w[members] for name, w in weights.items()})
            its = fit.of(members)
            yield cell, self._measure(cell, network, own, its, rate), its

    def _measure(
        self,
        cell: Cell,
        network: DirectNetwork,
        parts: Parts,
        fit: Fit,
        rate: float,
    ) -> xr.Dataset:
        """Everything that is stored of one trained cell."""
        labels = asdict(cell) | {"dataset": self.data.name, "units": str(network.design.units)}
        name = f"{self.data.name}/{cell.name}"
        measured = measurement.measure(
            name, labels, network, self.recordings, parts, fit, BATCH_SCORED
        )
        facts = {
            "learning_rate": (rate, "learning rate at the start", "1"),
            "train_examples": (parts.train.shape[1], "training examples of a member", "1"),
        }
        for key, (value, text, unit) in facts.items():
            measured[key] = ("cell",), [value], {"long_name": text, "units": unit}
        measured.update(self._by_speaker(network, parts.test, fit.diverged))
        measured.update(_gaps(fit, measured))
        return measured

    def _network(self, together: Sequence[Cell], seeds: tuple[int, ...]) -> DirectNetwork:
        """A population of cells that differ in their ratio only: the seeds of the first, then
        those of the next.
        """
        task, cell = self.task, together[0]
        model = cell.model.replace("n2n_matched", "n2n_block")
        units = max(4, round(task.units * SIZES[cell.size]))
        if cell.model == "n2n_matched":
            units, _ = matched_units(model, units, self.data.channels, self.data.n_classes)
        constants = (task.tau_mem, task.tau_syn, task.tau_out)
        if cell.constants == "authors":
            constants = AUTHORS_CONSTANTS
        ratios = tuple(float(one.ratio) for one in together for _ in seeds)
        design = Design(
            model,
            units,
            task.steps,
            ratios,
            task.window / task.steps,
            *constants,
            slope=float(cell.slope),
            reset_graded=cell.reset == "on",
        )
        engine = self.context.engine
        members = seeds * len(together)
        network = DirectNetwork(self.data.channels, self.data.n_classes, design, members, engine)
        return network.to(self.context.device)

    def _schedule(self, rate: float | tuple[float, ...]) -> Schedule:
        chosen = self.task.schedule
        return Schedule(chosen.epochs, chosen.batch, rate, cosine=True, clip=chosen.clip)

    def _fit(self, together, network, parts, schedule, say, watch=None, keep=None) -> Fit:
        # all of the cells make the identity: how many are together depends on the memory at hand
        checkpoint = Checkpoint(
            self.context.checkpoints / f"{together[0].name.replace('/', '-')}.npz",
            f"{self.context.identity} {together} {schedule} {self.data.source.sha256}",
        )
        objective = cross_entropy
        if together[0].regulariser == "on":
            bounds = self.task.regulariser.model_dump()
            objective = BoundedSpikeCounts(network.spiking, **bounds)
        return loop.fit(
            network,
            self.recordings,
            parts,
            schedule,
            checkpoint,
            lambda line: self.context.say(f"{say}: {line}"),
            Classification(objective, choose="loss"),
            watch=watch,
            keep=keep,
        )

    def _parts(self, cell: Cell, seeds: tuple[int, ...]) -> Parts:
        """Rows of every seed's training, validation and test part."""
        rule = self.task.validation if cell.validation == "speakers" else cell.validation
        fraction = self.task.share * float(cell.fraction)
        drawn = [speakers.draw(self.data, s, rule, fraction) for s in seeds]
        if cell.trained_on == "all_speakers":  # those of validation, too
            everything = np.flatnonzero(~self.data.test)
            drawn = [replace(split, train=everything) for split in drawn]
        return Parts.of(drawn, self.context.device)

    def _by_speaker(
        self, network: DirectNetwork, rows: torch.Tensor, diverged: torch.Tensor
    ) -> dict[str, tuple]:
        """Test accuracy by speaker, and on speakers that the training part lacks or has.

        Two of those that it has only validate, unless the cell is trained on all.
        """
        given = scoring.answers(network, self.recordings, rows, batch=BATCH_SCORED)
        right = (given == self.recordings.labels(rows)).double().cpu().numpy()
        right[diverged.cpu().numpy()] = np.nan
        who = self.data.speakers[rows[0].cpu().numpy()]
        everyone = np.unique(self.data.speakers)
        new = speakers.unseen(self.data)
        unseen = np.isin(who, new)

        def mean(keep: np.ndarray) -> np.ndarray:
            return right[:, keep].mean(1) if keep.any() else np.full(len(right), np.nan)

        def variable(values: np.ndarray, text: str, *more: str) -> tuple:
            return (("cell", "seed", *more), values[None], {"long_name": text, "units": "1"})

        by_one = np.stack([mean(who == one) for one in everyone], 1)
        counts = np.array([[(who == one).sum() for one in everyone]])
        numbers, flags = "test recordings by speaker", "1 for speakers that training never had"
        per_speaker = ("cell", "speaker")
        return {
            "speaker": ("speaker", everyone),
            "speaker_recordings": (per_speaker, counts, {"long_name": numbers, "units": "1"}),
            "speaker_unseen": (
                per_speaker,
                np.isin(everyone, new)[None].astype(float),
                {"long_name": flags, "units": "1"},
            ),
            "speaker_accuracy": variable(by_one, "test accuracy by speaker", "speaker"),
            "unseen_accuracy": variable(mean(unseen), "test accuracy, unseen speakers"),
            "seen_accuracy": variable(mean(~unseen), "test accuracy, training part's speakers"),
        }


def _names(together: Sequence[Cell]) -> str:
    """Names of cells for a line of progress."""
    return f"{together[0].name} and {len(together) - 1} more" if together[1:] else together[0].name


def _gaps(fit: Fit, measured: xr.Dataset) -> dict[str, xr.DataArray]:
    """Differences of accuracies that claims are about."""
    chosen = fit.watched_curve.gather(0, fit.best_epoch.clamp(min=0)[None])[0]
    premium = fit.watched_curve.nan_to_num(-1.0).amax(0) - chosen

    def named(values: xr.DataArray, text: str) -> xr.DataArray:
        return values.assign_attrs({"long_name": text, "units": "1"})

    like = measured.test_accuracy
    gaps = {
        "generalisation_gap": (measured.train_accuracy - like, "training minus test accuracy"),
        "speaker_gap": (
            measured.seen_accuracy - measured.unseen_accuracy,
            "test accuracy, seen minus unseen speakers",
        ),
        "validation_gap": (
            measured.validation_accuracy - measured.unseen_accuracy,
            "validation accuracy minus test accuracy on unseen speakers",
        ),
        "selection_premium": (
            like.copy(data=premium.cpu().numpy()[None]),
            "test accuracy of the epoch best on the test part minus that of the chosen one",
        ),
    }
    return {name: named(values, text) for name, (values, text) in gaps.items()}


STUDY = ShdAblations()
