"""The traces that operators learn from and are tested on."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch

from hnnlib.datasets.cable import ensemble, solver, spikes
from hnnlib.datasets.cable.ensemble import Ensemble
from hnnlib.datasets.splits import Split
from hnnlib.datasets.tracedata import TraceData
from hnnlib.randomness import numpy_generator
from hnnlib.studies.base import Context
from hnnlib.studies.neural_operator.cells import FEATURES, Cell, DataSettings
from hnnlib.training.traces import window

__all__ = ["Recorded", "counts", "draw", "mixtures", "numbers", "record"]

_LOW, _HIGH = 0.5, 3.5  # between which features are scaled
_UNIT = 0.1  # nA, of embedded amplitudes
_SEED = 0  # of the ensemble, which is one for all seeds, as in the paper


@dataclass(frozen=True, eq=False)
class Recorded:
    """One ensemble and its traces: first those of the training cells, then as many to test of the
    held-out ones as there are to test of the others.

    Attributes:
        cells: the ensemble.
        step: how it was recorded, with room for the shift on either side of a window.
        data: the traces.
        settings: what was asked for.
    """

    cells: Ensemble
    step: solver.Step
    data: TraceData
    settings: DataSettings

    @property
    def held_out(self) -> np.ndarray:
        """Rows of held-out cells."""
        return np.arange(len(self.data) - self.settings.test, len(self.data))

    @property
    def truth(self) -> np.ndarray:
        """(trace, sample) mV in the window."""
        return window(torch.from_numpy(self.data.voltage), self.settings.steps).numpy()

    def without_sodium(self, rows: np.ndarray) -> np.ndarray:
        """(row, sample) mV in the window, of the same cells without sodium channels."""
        data = self.data
        which, cells = data.cell[rows], self.cells.cells.without_sodium()
        whole = solver.run(cells, which, data.amplitude[rows], data.onset[rows], self.step)[:, 0]
        return window(torch.from_numpy(whole), self.settings.steps).numpy()

    def split(self, seed: int, cell: Cell) -> Split:
        """Parts of the training cells' traces, drawn anew by each seed; every training cell has
        about as many of each, and smaller training parts are nested in larger ones.
        """
        chosen, generator = self.settings, numpy_generator(seed, "traces")
        order = generator.permutation(len(self.data) - chosen.test)
        which = self.data.cell[order]
        rank = np.empty_like(order)
        for one in range(chosen.cells):
            rank[which == one] = np.arange((which == one).sum())
        rows = order[np.argsort(rank, kind="stable")]
        test, validation, train = np.split(rows, [chosen.test, chosen.test + chosen.validation])
        some = generator.permutation(chosen.cells)[: round(float(cell.models) * chosen.cells)]
        train = train[np.isin(self.data.cell[train], some)]
        return Split(train[: round(float(cell.traces) * chosen.train)], validation, test)

    def numbers(self, cell: Cell) -> np.ndarray:
        """What an operator of a cell of the study is told of every trace."""
        return numbers(self, cell, self.features()[self.data.cell], self.data.amplitude)

    def features(self) -> np.ndarray:
        """All features of all cells, (cell, feature)."""
        return np.stack([getattr(self.cells.features, name) for name in FEATURES["three"]], 1)


def numbers(
    recorded: Recorded, cell: Cell, features: np.ndarray, amplitude: np.ndarray
) -> np.ndarray:
    """What an operator is told of steps of current: onset, amplitude, scaled features.

    Args:
        features: (n, feature) of all sets.
        amplitude: (n,) nA.
    """
    own = [FEATURES["three"].index(name) for name in FEATURES[cell.features]]
    known = recorded.features()
    if cell.scaling == "train":
        known = known[: recorded.settings.cells]
    low, high = known.min(0), known.max(0)
    scaled = _LOW + (_HIGH - _LOW) * (features - low) / (high - low)
    onset = np.full(len(amplitude), recorded.settings.onset)
    return np.column_stack([onset, amplitude / _UNIT, scaled[:, own]])


def draw(settings: DataSettings) -> Ensemble:
    """The ensemble, training cells first."""
    count = settings.cells + settings.held_out
    return ensemble.build(count, settings.channels, seed=_SEED, threads=torch.get_num_threads())


def record(settings: DataSettings, context: Context) -> Recorded:
    """Draw the ensemble and record it; its content goes to the provenance of the results."""
    cells, tests = draw(settings), np.arange(settings.test)
    step = solver.Step(settings.pulse, settings.window + settings.shift, settings.dt)
    known = np.arange(settings.train + settings.validation + settings.test)
    which = np.append(known % settings.cells, settings.cells + tests % settings.held_out)
    amplitude = ensemble.amplitudes(len(which), numpy_generator(_SEED, "steps of current"))
    onset = np.full(len(which), settings.onset + settings.shift / 2)
    data = cells.respond(which, amplitude, onset, step, torch.get_num_threads())
    context.sources[data.name] = asdict(data.source)
    return Recorded(cells, step, data, settings)


def counts(settings: DataSettings, cells: solver.Cells, amplitudes: np.ndarray) -> np.ndarray:
    """Spikes (cell, amplitude) of cells at amplitudes in nA, in a window."""
    which = np.repeat(np.arange(len(cells)), len(amplitudes))
    every = np.tile(amplitudes, len(cells))
    step = solver.Step(settings.pulse, settings.window, settings.dt)
    voltage = solver.run(cells, which, every, settings.onset, step)[:, 0]
    return spikes.crossings(voltage).sum(-1).reshape(len(cells), len(amplitudes))


def mixtures(settings: DataSettings, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of training cells and shares of the first one: (sample, 2), (sample, 1)."""
    generator = numpy_generator(seed, "latent")
    pairs = [generator.permutation(settings.cells)[:2] for _ in range(settings.latent)]
    return np.array(pairs), generator.random((settings.latent, 1))
