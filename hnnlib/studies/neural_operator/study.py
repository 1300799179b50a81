"""Trains the operators of the study ``neural_operator``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

import xarray as xr

from hnnlib.networks.operator import TraceOperator
from hnnlib.studies.base import Context, Study, join_cells, join_seeds, split_into_jobs
from hnnlib.studies.neural_operator import facts, measures
from hnnlib.studies.neural_operator.cells import (
    TUNED,
    Cell,
    OperatorSchedule,
    OperatorSettings,
    cells,
    embedding,
)
from hnnlib.studies.neural_operator.recordings import record
from hnnlib.training import loop
from hnnlib.training.examples import Parts
from hnnlib.training.loop import Fit, Schedule
from hnnlib.training.plateau import Plateau
from hnnlib.training.populations import in_pieces
from hnnlib.training.traces import (
    CountedSpikes,
    RandomStart,
    RelativeLoss,
    SagLoss,
    Traces,
    without_spikes,
)

__all__ = ["STUDY", "NeuralOperator", "schedule_of"]

_FACTS = "facts"


class NeuralOperator(Study):
    """See the package."""

    title = "Neural operator"
    paper = "ghafourpour"
    Settings = OperatorSettings

    def groups(self, settings: OperatorSettings) -> dict[str, list[Cell]]:
        """Training jobs, which share out the cells; and one for what needs no training."""
        jobs = split_into_jobs(cells(settings), settings.jobs)
        return {_FACTS: []} | {f"operators_{k}": some for k, some in enumerate(jobs, start=1)}

    def train(self, group: str, settings: OperatorSettings, context: Context) -> xr.Dataset:
        """Train one population of seeds for each cell."""
        if group == _FACTS:
            return facts.facts(settings, context)
        job = _Job(settings, context)
        return join_cells([one for cell in self.groups(settings)[group] for one in job.train(cell)])


class _Job:
    """Trains operators on one ensemble of cells."""

    def __init__(self, settings: OperatorSettings, context: Context) -> None:
        self.settings, self.context = settings, context
        self.recorded = record(settings.data, context)
        self.tests = measures.Tests(self.recorded, settings.seeds)

    def train(self, cell: Cell) -> Iterator[xr.Dataset]:
        """The cell; behind the main one, those that go on from it."""
        schedule = schedule_of(cell, self.settings.schedule)
        tuned = TUNED if cell.arm == "main" and "sag" in self.settings.arms else ()
        if tuned:
            own = self.settings.tuning
            tuning = replace(schedule, epochs=own.epochs, learning_rate=own.learning_rate)
        found: dict[Cell, list[xr.Dataset]] = {}
        for piece in in_pieces(
            lambda part: self._network(cell, self.settings.seeds[part]),
            len(self.settings.seeds),
            schedule.batch,
            self.context.device,
        ):
            network, parts = piece.network, self._parts(cell, piece.network.seeds)
            fit = self._fit(cell, network, parts, schedule, piece.name)
            found.setdefault(cell, []).append(self._measure(cell, network, parts, fit))
            for sag in tuned:
                one = replace(cell, arm="sag", sag=sag)
                again, own = deepcopy(network), without_spikes(self._examples(cell), parts)
                fit = self._fit(one, again, own, tuning, piece.name)
                found.setdefault(one, []).append(self._measure(one, again, parts, fit))
        for parts in found.values():
            yield parts[0] if len(parts) == 1 else join_seeds(parts)

    def _fit(
        self, cell: Cell, network: TraceOperator, parts: Parts, schedule: Schedule, piece: str
    ) -> Fit:
        data, label = self.settings.data, cell.name.replace("/", "-")
        loss = RelativeLoss(2 if cell.loss == "l2" else 4)
        if cell.sag != "none":
            first, last = (round(t / data.dt) for t in (data.onset, data.onset + data.pulse))
            loss = SagLoss(loss, float(cell.sag), first, last)
        return loop.fit(
            network,
            self._examples(cell),
            parts,
            schedule,
            self.context.checkpoint(f"{label}-{piece}", cell, schedule, network.seeds),
            lambda line: self.context.say(f"{label}: {line}"),
            CountedSpikes(loss),
            augment=RandomStart(data.steps, data.dt) if data.shift and cell.sag == "none" else None,
        )

    def _measure(self, cell: Cell, network: TraceOperator, parts: Parts, fit: Fit) -> xr.Dataset:
        return self.tests.measure(cell, network, self._examples(cell), parts, fit)

    def _examples(self, cell: Cell) -> Traces:
        return Traces(
            self.recorded.numbers(cell), 1e-3 * self.recorded.data.voltage, self.context.device
        )

    def _parts(self, cell: Cell, seeds: Sequence[int]) -> Parts:
        """Parts of every seed; where the test part chooses, it stands for the validation part."""
        parts = Parts.of([self.recorded.split(s, cell) for s in seeds], self.context.device)
        return parts._replace(validation=parts.test) if cell.select == "test" else parts

    def _network(self, cell: Cell, seeds: Sequence[int]) -> TraceOperator:
        data, chosen = self.settings.data, self.settings.network
        shown = embedding(cell, data, chosen.frequencies)
        return TraceOperator(shown, chosen.design, data.steps, seeds).to(self.context.device)


def schedule_of(cell: Cell, chosen: OperatorSchedule) -> Schedule:
    """Of few traces as many steps as of all of them, and as many to wait on a plateau."""
    share = float(cell.traces)
    found = Schedule(round(chosen.epochs / share), chosen.batch, chosen.learning_rate)
    if cell.schedule == "cosine":
        return replace(found, cosine=True)
    return replace(found, plateau=Plateau(chosen.decay, round(chosen.patience / share)))


STUDY = NeuralOperator()
