"""Trains the cells of the study ``shd_ablations``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby

import numpy as np
import torch
import xarray as xr

from hnnlib.datasets import speakers
from hnnlib.datasets.eventdata import EventData
from hnnlib.networks.direct import Design, DirectNetwork, Model, matched_units
from hnnlib.studies.base import Context, Study, join_cells, split_into_jobs
from hnnlib.studies.base.recordings import recordings
from hnnlib.studies.base.speakers import by_speaker
from hnnlib.studies.shd_ablations.cells import (
    AUTHORS_CONSTANTS,
    AUTHORS_RATES,
    EQUAL_RATE,
    SIZES,
    AblationTask,
    Cell,
    ShdSettings,
    cells,
)
from hnnlib.studies.shd_ablations.measures import gaps
from hnnlib.training import loop, measurement, scoring
from hnnlib.training.examples import Parts
from hnnlib.training.loop import Fit, Schedule
from hnnlib.training.populations import in_pieces
from hnnlib.training.tasks import Classification, cross_entropy
from hnnlib.variables import of_cell

__all__ = ["STUDY", "ShdAblations"]

BATCH_SCORED = 256


class ShdAblations(Study):
    """See the package."""

    title = "SHD ablations"
    paper = "ramanathan_eberle_varol"
    Settings = ShdSettings

    def groups(self, settings: ShdSettings) -> dict[str, list[Model]]:
        """Training jobs: the models of one data set, shared out."""
        found = {}
        for task in settings.tasks:
            for models in split_into_jobs(task.models, task.jobs):
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

    def __init__(self, task: AblationTask, seeds: tuple[int, ...], context: Context) -> None:
        self.task, self.seeds, self.context = task, seeds, context
        self.data: EventData = context.data(task.dataset)
        self.recordings = recordings(task, self.data, context)

    def train(self, model: Model) -> Iterator[xr.Dataset]:
        """One dataset a cell; the main cell's comes first."""
        rate, tuning = self._tune(model)
        todo = cells(model, self.task.arms)
        beside = next((cell for cell in todo if cell.arm == "choose"), None)
        trained = [cell for cell in todo if cell is not beside]
        epochs, done = None, 0
        for together, population in self._populations(trained):
            done += len(together)
            say = f"[{done}/{len(trained)}] {_names(together)}"
            keep = epochs if together[0].trained_on == "all_speakers" else None
            also = beside if together[0].arm == "main" else None
            for cell, measured, fit in self._cells(together, population, rate, say, keep, also):
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
        text = "best validation loss while the rate was tuned"
        table = xr.Dataset(
            {"tuning_loss": of_cell(("choice", "tuning_seed"), losses, text, "nat")},
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
        beside: Cell | None = None,
    ) -> Iterator[tuple[Cell, xr.Dataset, Fit]]:
        """Train cells as one population, and look at each as if it had been trained alone.

        Args:
            beside: a cell that is the same training, but for the epoch that validation chooses.
        """
        first, count = together[0], len(self.seeds)
        own = self._parts(first, self.seeds)
        parts = Parts(*(rows.repeat(len(together), 1) for rows in own))
        watch = parts.test if first.arm == "main" else None
        rate = self._rate(first, tuned)
        schedule = self._schedule(rate)
        fit = self._fit(together, population, parts, schedule, say, watch, keep, beside)
        weights = population.state_dict()
        for place, cell in enumerate(together):
            members = slice(place * count, (place + 1) * count)
            network = self._network([cell], self.seeds)
            network.load_state_dict({name: w[members] for name, w in weights.items()})
            its = fit.of(members)
            yield cell, self._measure(cell, network, own, its, rate), its
            if beside:
                network.load_state_dict(its.beside.parameters)
                its = replace(its, best_epoch=its.beside.epoch)
                yield beside, self._measure(beside, network, own, its, rate), its

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
        if cell.trained_on == "all_speakers":  # it has seen the answers: nothing may choose by them
            measured["validation_accuracy"][:] = np.nan
        examples = parts.train.shape[1]
        measured["learning_rate"] = of_cell((), rate, "learning rate at the start")
        measured["train_examples"] = of_cell((), examples, "training examples of a member")
        given = scoring.answers(network, self.recordings, parts.test, batch=BATCH_SCORED)
        right = (given == self.recordings.labels(parts.test)).double().cpu().numpy()
        right[fit.diverged.cpu().numpy()] = np.nan
        measured.update(by_speaker(self.data, parts.test[0].cpu().numpy(), right))
        measured.update(gaps(fit, measured))
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
            reset_gradient=cell.reset_gradient,
        )
        engine = self.context.engine
        members = seeds * len(together)
        network = DirectNetwork(self.data.channels, self.data.n_classes, design, members, engine)
        return network.to(self.context.device)

    def _schedule(self, rate: float | tuple[float, ...]) -> Schedule:
        chosen = self.task.schedule
        return Schedule(chosen.epochs, chosen.batch, rate, cosine=True, clip=chosen.clip)

    def _fit(
        self,
        together: Sequence[Cell],
        network: DirectNetwork,
        parts: Parts,
        schedule: Schedule,
        say: str,
        watch: torch.Tensor | None = None,
        keep: torch.Tensor | None = None,
        beside: Cell | None = None,
    ) -> Fit:
        objective = cross_entropy
        if together[0].regulariser == "on":
            objective = self.task.regulariser.objective(network.spiking)
        return loop.fit(
            network,
            self.recordings,
            parts,
            schedule,
            # all of the cells: how many are together depends on the memory at hand
            self.context.checkpoint(together[0].name, together, schedule, beside),
            lambda line: self.context.say(f"{say}: {line}"),
            Classification(objective, choose=together[0].choose),
            watch=watch,
            keep=keep,
            beside=beside and Classification(objective, choose=beside.choose),
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


def _names(together: Sequence[Cell]) -> str:
    """Names of cells for a line of progress."""
    return f"{together[0].name} and {len(together) - 1} more" if together[1:] else together[0].name


STUDY = ShdAblations()
