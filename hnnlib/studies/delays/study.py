"""Trains the cells of the study ``delays``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial

import xarray as xr

from hnnlib.datasets import speakers
from hnnlib.datasets.eventdata import EventData
from hnnlib.networks.delays import Arm, DelayDesign, DelayNetwork, parameters
from hnnlib.studies.base import Context, Study, join_cells
from hnnlib.studies.base.recordings import recordings
from hnnlib.studies.base.selection import selection
from hnnlib.studies.base.speakers import by_speaker
from hnnlib.studies.delays.cells import Cell, DelaySettings, DelayTask, cells
from hnnlib.studies.delays.measures import lines, registers, step_seconds
from hnnlib.training import loop, measurement, scoring
from hnnlib.training.augment import MixAndMask
from hnnlib.training.examples import Parts
from hnnlib.training.loop import Fit, Schedule
from hnnlib.training.populations import in_pieces
from hnnlib.variables import of_cell

__all__ = ["STUDY", "Delays"]

BATCH_SCORED = 256


class Delays(Study):
    """See the package."""

    title = "Delays as state"
    paper = "karilanova"
    Settings = DelaySettings

    def groups(self, settings: DelaySettings) -> dict[str, str]:
        """Training jobs: one a data set and hidden size, which is the value."""
        return {f"{t.dataset}_{size}": size for t in settings.tasks for size in t.units}

    def relevant(self, settings: DelaySettings, group: str) -> DelaySettings:
        """A job depends on its data set's section and its size; the smallest one has the arms."""
        task, size = settings.task(group), self.groups(settings)[group]
        arms = task.arms if size == min(task.units, key=task.units.get) else ("main",)
        own = task.model_copy(update={"units": {size: task.units[size]}, "arms": arms})
        return settings.model_copy(update={"tasks": (own,)})

    def datasets(self, settings: DelaySettings) -> list[str]:
        """See ``Study``."""
        return [task.dataset for task in settings.tasks]

    def train(self, group: str, settings: DelaySettings, context: Context) -> xr.Dataset:
        """Train the cells of one size as populations."""
        own = self.relevant(settings, group)
        return join_cells(list(_Job(own.tasks[0], own.seeds, context).train()))


class _Job:
    """Trains the cells of one data set and size."""

    def __init__(self, task: DelayTask, seeds: tuple[int, ...], context: Context) -> None:
        self.task, self.seeds, self.context = task, seeds, context
        data: EventData = context.data(task.dataset)
        together = -(-data.channels // task.pooled)
        self.data = replace(data, units=data.units // task.pooled, channels=together)
        self.recordings = recordings(task, self.data, context)
        drawn = [speakers.draw(data, s, task.validation, task.share) for s in seeds]
        self.parts = Parts.of(drawn, context.device)
        batches = -(-self.parts.train.shape[1] // task.schedule.batch)
        self.settle = max(1, batches * task.schedule.epochs // 2)

    def train(self) -> Iterator[xr.Dataset]:
        """One dataset a cell."""
        populations: dict[Cell, list[Cell]] = {}
        for cell in cells(self.task):
            populations.setdefault(cell.population, []).append(cell)
        for together in populations.values():

            def build(part: slice, together: list[Cell] = together) -> DelayNetwork:
                return self._network(together[part])

            size = len(together), self.task.schedule.batch
            for piece in in_pieces(build, *size, self.context.device):
                yield from self._cells(together[piece.part], piece.network)

    def _cells(self, together: Sequence[Cell], population: DelayNetwork) -> Iterator[xr.Dataset]:
        """Train cells as one population, and look at each as if it had been trained alone."""
        first, chosen, count = together[0], self.task.schedule, len(self.seeds)
        schedule = Schedule(chosen.epochs, chosen.batch, chosen.learning_rate, cosine=True)
        parts = Parts(*(rows.repeat(len(together), 1) for rows in self.parts))
        masked = first.mask_axis != "none"
        fit = loop.fit(
            population,
            self.recordings,
            parts,
            schedule,
            self.context.checkpoint(first.name, together, schedule),
            lambda line: self.context.say(f"{first.name} and {len(together) - 1} more: {line}"),
            augment=MixAndMask(self.data.n_classes, first.mask_axis) if masked else None,
            watch=parts.test,
        )
        weights = population.state_dict()
        for place, cell in enumerate(together):
            members = slice(place * count, (place + 1) * count)
            network = self._network([cell])
            network.load_state_dict({name: w[members] for name, w in weights.items()})
            yield self._measure(cell, network, fit.of(members))

    def _measure(self, cell: Cell, network: DelayNetwork, fit: Fit) -> xr.Dataset:
        """Everything that is stored of one trained cell."""
        labels = asdict(cell) | {"dataset": self.data.name, "units": str(network.design.units)}
        name, parts = f"{self.data.name}/{cell.name}", self.parts
        measured = measurement.measure(
            name, labels, network, self.recordings, parts, fit, BATCH_SCORED
        )
        given = scoring.answers(network, self.recordings, parts.test, batch=BATCH_SCORED)
        right = (given == self.recordings.labels(parts.test)).double().cpu().numpy()
        right[fit.diverged.cpu().numpy()] = float("nan")
        neurons = 2 * network.design.units * self.task.steps
        states = network.arms[0].lags + (1 if cell.neuron == "lif" else 2)
        rate = measured.spikes.values[0] / neurons
        away = registers(network, self.context.engine)
        some = parts.train[:, : self.task.schedule.batch]
        return measured.assign(
            by_speaker(self.data, parts.test[0].cpu().numpy(), right)
            | selection(fit)
            | lines(network)
            | {
                "firing_rate": of_cell(("seed",), rate, "spikes of a hidden unit a step"),
                "states": of_cell((), states, "state variables of a hidden unit"),
                "largest_difference": of_cell((), away, "state variables minus their product"),
                "train_examples": of_cell((), parts.train.shape[1], "training examples"),
                "step_seconds": step_seconds(network, self.recordings, some),
            }
        )

    def _network(self, together: Sequence[Cell]) -> DelayNetwork:
        """A population of cells: the seeds of the first, then those of the next."""
        task, first, classes = self.task, together[0], self.data.n_classes
        units = task.units[first.size]
        if first.width == "matched":
            count = partial(parameters, self.data.channels, classes)
            wanted = count(units, Arm("delay", max(task.controls)))
            sizes = range(1, 4 * units)
            units = min(sizes, key=lambda n: abs(count(n, first.member) - wanted))
        design = DelayDesign(units, task.steps, first.neuron, task.dropout, self.settle)
        arms = [cell.member for cell in together for _ in self.seeds]
        seeds = self.seeds * len(together)
        network = DelayNetwork(
            self.data.channels, classes, design, arms, seeds, self.context.engine
        )
        return network.to(self.context.device)


STUDY = Delays()
