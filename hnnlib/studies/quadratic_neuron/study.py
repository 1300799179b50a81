"""Trains the cells of the study ``quadratic_neuron``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
import xarray as xr

from hnnlib.datasets import splits
from hnnlib.networks.classifier import ImageDesign
from hnnlib.networks.stack import NormalisedStack
from hnnlib.studies.base import Context, Study, join_cells, split_into_jobs
from hnnlib.studies.base.settings import limits
from hnnlib.studies.quadratic_neuron import exact
from hnnlib.studies.quadratic_neuron.cells import (
    Cell,
    QuadraticSettings,
    TaskSettings,
    cells,
    neurons,
)
from hnnlib.training import loop, measurement
from hnnlib.training.examples import Images, Parts
from hnnlib.training.loop import Fit, Schedule
from hnnlib.training.objectives import EveryStep
from hnnlib.training.populations import in_pieces
from hnnlib.training.tasks import Classification, cross_entropy
from hnnlib.variables import of_cell

__all__ = ["STUDY", "QuadraticNeuron"]

_EXACT = "exact"


class QuadraticNeuron(Study):
    """See the package."""

    title = "Quadratic neuron"
    paper = "jahns"
    Settings = QuadraticSettings

    def groups(self, settings: QuadraticSettings) -> dict[str, list[list[Cell]]]:
        """Training jobs: the populations of each data set, shared out; and what needs no training,
        without one.
        """
        found = {_EXACT: []}
        for task in settings.tasks:
            jobs = split_into_jobs(_populations(task), task.jobs)
            found |= {f"{task.dataset}_{k}": some for k, some in enumerate(jobs, start=1)}
        return found

    def relevant(self, settings: QuadraticSettings, group: str) -> QuadraticSettings:
        """A job depends on its own data set's section only."""
        tasks = () if group == _EXACT else (_task(settings, group),)
        return settings.model_copy(update={"tasks": tasks})

    def datasets(self, settings: QuadraticSettings) -> list[str]:
        """See ``Study``."""
        return [task.dataset for task in settings.tasks]

    def train(self, group: str, settings: QuadraticSettings, context: Context) -> xr.Dataset:
        """Train the populations of one job."""
        if group == _EXACT:
            return exact.facts()
        job = _Job(_task(settings, group), settings.seeds, context)
        populations = self.groups(settings)[group]
        return join_cells([part for together in populations for part in job.train(together)])


def _task(settings: QuadraticSettings, group: str) -> TaskSettings:
    name = group.rpartition("_")[0]
    return next(task for task in settings.tasks if task.dataset == name)


def _populations(task: TaskSettings) -> list[list[Cell]]:
    """Cells that are trained together."""
    ordered = sorted(cells(task), key=lambda cell: cell.together)
    return [list(some) for _, some in groupby(ordered, key=lambda cell: cell.together)]


class _Job:
    """Trains populations on one data set."""

    def __init__(self, task: TaskSettings, seeds: tuple[int, ...], context: Context) -> None:
        self.task, self.seeds, self.context = task, seeds, context
        self.data = context.data(task.dataset)
        self.images = Images(self.data, context.device)
        drawn = [splits.of_images(self.data, seed, limits(task.samples)) for seed in seeds]
        self.parts = Parts.of(drawn, context.device)

    def train(self, together: Sequence[Cell]) -> Iterator[xr.Dataset]:
        """One dataset a cell."""
        schedule = Schedule(**self.task.schedule.model_dump(), cosine=True)
        objective = EveryStep() if together[0].loss == "tet" else cross_entropy

        def build(part: slice) -> NormalisedStack:
            return self._network(together[part])

        pieces = in_pieces(build, len(together), schedule.batch, self.context.device)
        for network, part, name in pieces:
            some = together[part]
            label = f"{'-'.join(map(str, some[0].together))}-{name}"
            fit = loop.fit(
                network,
                self.images,
                Parts(*(rows.repeat(len(some), 1) for rows in self.parts)),
                schedule,
                self.context.checkpoint(label, some),
                lambda line, label=label: self.context.say(f"{label}: {line}"),
                Classification(objective),
            )
            yield from self._cells(some, network, fit)

    def _network(self, together: Sequence[Cell]) -> NormalisedStack:
        """A population: the seeds of the first cell, then those of the next."""
        task, cell = self.task, together[0]
        members = [one for one in together for _ in self.seeds]
        design = ImageDesign(
            self.images.in_shape,
            self.data.n_classes,
            task.width,
            cell.steps or task.steps,
            each_step=cell.loss == "tet",
        )
        return NormalisedStack(
            design,
            self.seeds * len(together),
            self.context.engine,
            [16, *[32] * (task.convolutions - 1)],
            [one.sigma for one in members],
            lambda sigma: neurons(members, sigma),
            task.stride,
            cell.track == "tracked",
            cell.first == "plain",
            task.schedule.epochs,
        ).to(self.context.device)

    def _cells(
        self, together: Sequence[Cell], network: NormalisedStack, fit: Fit
    ) -> Iterator[xr.Dataset]:
        """Each cell as if it had been trained alone."""
        weights, count = network.state_dict(), len(self.seeds)
        for place, cell in enumerate(together):
            members = slice(place * count, (place + 1) * count)
            one = self._network([cell])
            one.load_state_dict({name: values[members] for name, values in weights.items()})
            steps = str(cell.steps or self.task.steps)
            labels = cell.labels() | {"dataset": self.data.name, "steps": steps}
            name = f"{self.data.name}/{cell.name}"
            measured = measurement.measure(
                name, labels, one, self.images, self.parts, fit.of(members)
            )
            yield measured.assign(_own(cell, one))


def _own(cell: Cell, network: NormalisedStack) -> dict[str, object]:
    """What only networks of this study have."""
    drift = torch.cat([network.drift, network.sigma()[:, None]], 1).cpu().numpy()
    surrogate = neurons([cell], torch.tensor([cell.sigma])).surrogate
    width = surrogate.sigma if cell.window == "gaussian" else surrogate.half_width
    return {
        "look": np.arange(drift.shape[1]),
        "layer": np.arange(drift.shape[2]),
        "sigma_by_layer": of_cell(
            ("seed", "look", "layer"),
            np.where(drift > 0, drift, np.nan),
            "deviation of each layer's drive at the start of each epoch until the one that was "
            "chosen, and, at the last place, of the network as chosen",
        ),
        "half_width": of_cell((), width.item(), "half-width of the window"),
    }


STUDY = QuadraticNeuron()
