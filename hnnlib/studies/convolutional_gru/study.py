"""Trains the cells of the study ``convolutional_gru``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from hnnlib.datasets import speakers, splits
from hnnlib.datasets.eventdata import EventData, bin_events
from hnnlib.datasets.imagedata import ImageData
from hnnlib.networks.gated import GatedNetwork
from hnnlib.randomness import MemberNoise, torch_generator
from hnnlib.studies.base import Context, Study, join_cells, join_seeds, split_into_jobs
from hnnlib.studies.base.selection import selection
from hnnlib.studies.base.settings import limits
from hnnlib.studies.convolutional_gru.cells import (
    FRONT,
    Cell,
    GatedSettings,
    GatedTask,
    Model,
    cells,
    design,
)
from hnnlib.training import loop, measurement, scoring
from hnnlib.training.examples import Examples, Images, Parts, Recordings
from hnnlib.training.loop import Fit, Schedule
from hnnlib.training.populations import in_pieces
from hnnlib.variables import Variable, of_cell

__all__ = ["STUDY", "ConvolutionalGru"]

_BATCH = 256  # examples that are scored at once
_LOOKED_AT = 64  # test examples whose currents are looked at
_TRACED = {"r": "memory", "z": "update", "i": "current", "v": "potential", "s": "output"}


class ConvolutionalGru(Study):
    """See the package."""

    title = "Convolutional GRU"
    paper = "abdennadher_cicciarella_rossi"
    Settings = GatedSettings

    def groups(self, settings: GatedSettings) -> dict[str, list[Model]]:
        """Training jobs: the models of one data set, shared out."""
        return {
            f"{task.dataset}_{'_and_'.join(models[:3])}": models
            for task in settings.tasks
            for models in split_into_jobs(task.models, task.jobs)
        }

    def relevant(self, settings: GatedSettings, group: str) -> GatedSettings:
        """A job depends on its own data set's section only."""
        return settings.model_copy(update={"tasks": (settings.task(group),)})

    def datasets(self, settings: GatedSettings) -> list[str]:
        """See ``Study``."""
        return [task.dataset for task in settings.tasks]

    def train(self, group: str, settings: GatedSettings, context: Context) -> xr.Dataset:
        """Train the cells of some models, seeds as populations."""
        job = _Job(settings.task(group), settings.seeds, context)
        models = self.groups(settings)[group]
        return join_cells([part for model in models for part in job.train(model)])


class _Job:
    """Trains models on one data set."""

    def __init__(self, task: GatedTask, seeds: tuple[int, ...], context: Context) -> None:
        self.task, self.seeds, self.context = task, seeds, context
        self.data: ImageData | EventData = context.data(task.dataset)
        self.in_shape = (1, math.isqrt(task.channels), math.isqrt(task.channels))
        if task.images:
            self.data = pooled(self.data, task.pool)
            self.in_shape = tuple(self.data.images.shape[1:])
        self.examples = cache(self._examples)

    def train(self, model: Model) -> Iterator[xr.Dataset]:
        """One dataset a cell; the main cell's comes first."""
        rate, tuning = self._tune(model)
        todo = cells(model, self.task)
        for number, cell in enumerate(todo, start=1):
            say = f"[{number}/{len(todo)}] {self.task.dataset}/{cell.name}"

            def build(part: slice, cell: Cell = cell) -> GatedNetwork:
                return self._network(cell, self.seeds[part])

            size = len(self.seeds), self.task.schedule.batch
            pieces = [
                self._measure(cell, piece.network, rate, f"{say}: ")
                for piece in in_pieces(build, *size, self.context.device)
            ]
            whole = join_seeds(pieces)
            yield whole.assign(tuning)

    def _tune(self, model: Model) -> tuple[float, dict[str, Any]]:
        """The learning rate with the smallest validation loss, mean over the tuning seeds."""
        tuning, task = self.task.tuning, self.task
        cell = cells(model, task)[0]
        tried = {
            "tried_rate": of_cell(("rate",), tuning.rates, "learning rates to choose from"),
            "rate": ("rate", np.arange(len(tuning.rates))),  # tasks may have more or fewer
        }
        if len(tuning.rates) == 1:
            return tuning.rates[0], tried
        members = [(rate, seed) for rate in tuning.rates for seed in tuning.seeds]
        network = self._network(cell, tuple(seed for _, seed in members))
        rates = tuple(rate for rate, _ in members)
        schedule = Schedule(tuning.epochs, task.schedule.batch, rates)
        fit = self._fit(replace(cell, arm="tuning"), network, schedule, f"{model}, rates: ")
        best = fit.validation_loss.nan_to_num(float("inf")).amin(0)
        losses = best.view(len(tuning.rates), len(tuning.seeds)).mean(1)
        chosen = tuning.rates[int(losses.argmin())]
        self.context.say(f"{model}: learning rate {chosen:g}")
        return chosen, tried

    def _fit(self, cell: Cell, network: GatedNetwork, schedule: Schedule, say: str) -> Fit:
        parts = self._parts(cell, network.seeds)
        return loop.fit(
            network,
            self.examples(cell.events, cell.front),
            parts,
            schedule,
            self.context.checkpoint(cell.name, cell, network.seeds, schedule),
            lambda line: self.context.say(say + line),
            watch=parts.test if cell.arm == "main" else None,
        )

    def _measure(self, cell: Cell, network: GatedNetwork, rate: float, say: str) -> xr.Dataset:
        """Everything that is stored of a cell, once it is trained."""
        chosen = self.task.schedule
        fit = self._fit(cell, network, Schedule(chosen.epochs, chosen.batch, rate), say)
        examples = self.examples(cell.events, cell.front)
        parts = self._parts(cell, network.seeds)
        labels = asdict(cell) | {"dataset": self.data.name, "units": str(network.design.hidden)}
        name = f"{self.task.dataset}/{cell.name}"
        found = measurement.measure(name, labels, network, examples, parts, fit, _BATCH)
        plan = network.design
        rates = found["spikes"].values[0] / (plan.neurons * plan.share * plan.steps or math.nan)
        found["spikes_per_neuron_step"] = of_cell(
            ("seed",), rates, "spikes of a neuron in a step, of those that spike"
        )
        for key, value, text in (
            ("neurons", plan.neurons, "of the cell"),
            ("products", network.products(), "multiply-accumulates a sample, zeros, too"),
            ("learning_rate", rate, "of Adam"),
            ("train_examples", parts.train.shape[1], "training examples of a member"),
        ):
            found[key] = of_cell((), value, text)
        found.update(self._by_speaker(network, examples, parts, fit) | selection(fit))
        return found.merge(self._looked_at(network, examples, parts))

    def _by_speaker(
        self, network: GatedNetwork, examples: Examples, parts: Parts, fit: Fit
    ) -> dict[str, Variable]:
        """Test accuracy on speakers that training has, and on others; NaN where nobody speaks."""
        right = np.full((len(network.seeds), parts.test.shape[1]), np.nan)
        new = np.zeros(parts.test.shape[1], bool)
        if isinstance(self.data, EventData):
            given = scoring.answers(network, examples, parts.test, batch=_BATCH)
            right = (given == examples.labels(parts.test)).double().cpu().numpy()
            right[fit.diverged.cpu().numpy()] = np.nan
            rows = parts.test[0].cpu().numpy()
            new = np.isin(self.data.speakers[rows], speakers.unseen(self.data))
        found = {"seen": ~new, "unseen": new}
        return {
            f"{who}_accuracy": of_cell(
                ("seed",),
                right[:, keep].mean(1) if keep.any() else np.full(len(right), np.nan),
                f"test accuracy, speakers that training has {who}",
            )
            for who, keep in found.items()
        }

    @torch.no_grad()
    def _looked_at(self, network: GatedNetwork, examples: Examples, parts: Parts) -> xr.Dataset:
        """The largest current of any unit, and the states of one unit of the first member in one
        example: of that whose outputs come nearest to a third of the steps.
        """
        rows = parts.test[:, :_LOOKED_AT]
        noise = MemberNoise(network.seeds, "coding", "look", device=rows.device)
        states = network.states(examples.inputs(rows), noise)
        largest = states.current.abs().amax((0, 2, 3, 4, 5))
        sent = states.output[:, 0].abs().sum(0)
        least = (sent - network.design.steps / 3).abs().argmin()
        place = np.unravel_index(int(least), sent.shape)
        traced = [
            getattr(states, key).expand_as(states.output)[(slice(None), 0, *place)].cpu().numpy()
            for key in _TRACED.values()
        ]
        text = "of a unit that is active a third of the time, in a test example of the first seed"
        variables = {
            "largest_current": of_cell(
                ("seed",), largest.cpu().numpy(), "largest |i| of any unit, step and test example"
            ),
            "trace": of_cell(("state", "step"), traced, f"states {text}"),
        }
        return xr.Dataset(variables, {"state": list(_TRACED), "step": np.arange(len(traced[0]))})

    def _network(self, cell: Cell, seeds: tuple[int, ...]) -> GatedNetwork:
        """A population over seeds."""
        plan = design(cell, self.in_shape, self.data.n_classes, self.task.hidden, self.task.steps)
        order = None
        if cell.layout.endswith("shuffled"):
            inputs = math.prod(self.in_shape)
            order = torch.stack(
                [torch.randperm(inputs, generator=torch_generator(s, "layout")) for s in seeds]
            )
        compiled = self.context.engine.name == "cpu"
        return GatedNetwork(plan, seeds, order, compiled).to(self.context.device)

    def _examples(self, events: str, front: str) -> Examples:
        """Images, or recordings cut into steps."""
        task, device = self.task, self.context.device
        if task.images:
            return Images(self.data, device)
        data = folded(self.data) if front == "strided" else grouped(self.data, task.channels)
        binned = bin_events(data, task.steps, task.window / task.steps, binary=events == "binary")
        return Recordings(binned, self.data.labels, device)

    def _parts(self, cell: Cell, seeds: tuple[int, ...]) -> Parts:
        """Rows of every seed's training, validation and test part."""
        task = self.task
        if task.images:
            drawn = [splits.of_images(self.data, s, limits(task.samples)) for s in seeds]
        else:
            rule = "random" if cell.validation == "random" else "primary"
            drawn = [speakers.draw(self.data, s, rule, task.share) for s in seeds]
        return Parts.of(drawn, self.context.device)


def grouped(data: EventData, channels: int) -> EventData:
    """Recordings with neighbouring channels merged, to so many."""
    units = data.units.astype(np.int64) * channels // data.channels
    return replace(data, units=units.astype(np.int32), channels=channels)


def folded(data: EventData) -> EventData:
    """Recordings with channels in reversed order, merged to as many as a first convolution reads.

    The public code also leaves out channel 0, so that one place of its fold is empty.
    """
    turned = replace(data, units=data.channels - 1 - data.units)
    return grouped(turned, math.prod(FRONT))


def pooled(data: ImageData, window: int) -> ImageData:
    """Images averaged over windows of so many pixels in each direction, in [0, 1]."""
    if window == 1:
        return data
    pixels: Tensor = torch.from_numpy(data.pixels(slice(None)))
    images = functional.avg_pool2d(pixels, window).numpy()
    return replace(data, images=images, scale=1.0)


STUDY = ConvolutionalGru()
