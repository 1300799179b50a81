"""What needs no operator: the cells themselves, cells between them, and what answers cost."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import xarray as xr

from hnnlib.datasets.cable import solver
from hnnlib.studies.base import Context, join_cells
from hnnlib.studies.neural_operator.cells import Cell, OperatorSettings
from hnnlib.studies.neural_operator.measures import AMPLITUDES, fi_distance, mixtures
from hnnlib.studies.neural_operator.recordings import Recorded, record
from hnnlib.variables import of_cell

__all__ = ["facts"]


def facts(settings: OperatorSettings, context: Context) -> xr.Dataset:
    """Cells of the study that are not trained."""
    recorded = record(settings.data, context)
    return join_cells([_membrane(recorded), _averaged(recorded, settings.seeds)])


def _cell(name: str, found: dict, coords: dict | None = None) -> xr.Dataset:
    labels = dict.fromkeys(asdict(Cell()), "none") | {"arm": name, "dataset": "cable"}
    columns = {key: ("cell", [value]) for key, value in labels.items()}
    return xr.Dataset(found, {"cell": [name]} | columns | (coords or {}))


def _membrane(recorded: Recorded) -> xr.Dataset:
    """The ensemble: features of every cell, and its F-I curve."""
    counts = recorded.counts(recorded.cells.cells, AMPLITUDES)
    features = recorded.cells.features
    found = {
        "true_counts": of_cell(
            ("model", "amplitude"), counts, "spikes of every cell of the ensemble"
        ),
        "rheobase": of_cell(("model",), features.rheobase, "least amplitude of a spike", "nA"),
        "slope": of_cell(("model",), features.slope, "slope of the F-I curve above it", "Hz/nA"),
    }
    return _cell("membrane", found, {"model": np.arange(len(counts)), "amplitude": AMPLITUDES})


def _averaged(recorded: Recorded, seeds: tuple[int, ...]) -> xr.Dataset:
    """Cells whose conductances lie between those of pairs of training cells."""
    true = recorded.counts(recorded.cells.cells, AMPLITUDES)
    away = []
    for seed in seeds:
        pairs, share = mixtures(recorded, seed)
        factors = recorded.cells.cells.factors
        mixed = share * factors[pairs[:, 0]] + (1 - share) * factors[pairs[:, 1]]
        cells = solver.Cells(recorded.cells.cells.family, mixed)
        away.append(fi_distance(recorded.counts(cells, AMPLITUDES), true))
    text = "median distance of such F-I curves from the cells' median"
    return _cell(
        "averaged", {"fi_distance": of_cell(("seed",), away, text, "spikes")}, {"seed": list(seeds)}
    )
