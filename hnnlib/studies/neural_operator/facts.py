"""What needs no training: the cells themselves, cells between them, and what answers cost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import torch
import xarray as xr

from hnnlib.datasets.cable import ensemble, neuron_oracle, solver
from hnnlib.datasets.cable.ensemble import Ensemble
from hnnlib.networks.operator import TraceOperator
from hnnlib.randomness import numpy_generator
from hnnlib.studies.base import Context, join_cells
from hnnlib.studies.neural_operator.cells import Cell, OperatorSettings, embedding
from hnnlib.studies.neural_operator.measures import AMPLITUDES, fi_distance
from hnnlib.studies.neural_operator.recordings import counts, draw, mixtures
from hnnlib.variables import of_cell

__all__ = ["METHODS", "facts"]

_TRACES = 10_000  # that seconds are told of, as in the paper
_SHOWN = (-0.11, 0.05, 0.1, 0.15, 0.2)  # nA of the traces that are shown
_DENDRITE = 10  # compartment that is shown beside the soma
METHODS = ("neuron", "serial", "batched", "operator", "operator_batched")


def facts(settings: OperatorSettings, context: Context) -> xr.Dataset:
    """Cells of the study that are not trained."""
    cells = draw(settings.data)
    true = counts(settings.data, cells.cells, AMPLITUDES)
    return join_cells(
        [
            _membrane(settings, cells, true),
            _averaged(settings, cells, true),
            _speed(settings, cells, context),
        ]
    )


def _cell(name: str, found: dict, **coords: object) -> xr.Dataset:
    labels = dict.fromkeys(asdict(Cell()), "none") | {"arm": name, "dataset": "cable"}
    columns = {key: ("cell", [value]) for key, value in labels.items()}
    return xr.Dataset(found, {"cell": [name]} | columns | coords)


def _membrane(settings: OperatorSettings, drawn: Ensemble, true: np.ndarray) -> xr.Dataset:
    """The ensemble: features and F-I curve of every cell, and the first one's potential."""
    features, data = drawn.features, settings.data
    step = solver.Step(data.pulse, data.window, data.dt)
    which, amplitude = np.zeros(len(_SHOWN), np.int64), np.array(_SHOWN)
    shown = solver.run(drawn.cells, which, amplitude, data.onset, step, recorded=(0, _DENDRITE))
    held_out = np.arange(len(true)) >= data.cells
    found = {
        "true_counts": of_cell(("model", "amplitude"), true, "spikes of every cell"),
        "rheobase": of_cell(("model",), features.rheobase, "least amplitude of a spike", "nA"),
        "slope": of_cell(("model",), features.slope, "slope of the F-I curve above it", "Hz/nA"),
        "rate": of_cell(
            ("model", "above"), features.rate, "rate on long pulses above rheobase", "Hz"
        ),
        "is_held_out": of_cell(("model",), held_out.astype(float), "1 for held-out cells"),
        "membrane": of_cell(
            ("step_amplitude", "site", "sample"), shown, "potential of the first cell", "mV"
        ),
    }
    return _cell(
        "membrane",
        found,
        model=np.arange(len(true)),
        amplitude=AMPLITUDES,
        above=np.array(ensemble.ABOVE),
        step_amplitude=amplitude,
        site=["soma", "dendrite"],
        sample=np.arange(data.steps) * data.dt,
    )


def _averaged(settings: OperatorSettings, drawn: Ensemble, true: np.ndarray) -> xr.Dataset:
    """Cells whose conductances lie between those of pairs of training cells."""
    away = []
    for seed in settings.seeds:
        pairs, share = mixtures(settings.data, seed)
        first, second = (drawn.cells.factors[pairs[:, k]] for k in (0, 1))
        mixed = solver.Cells(drawn.cells.family, share * first + (1 - share) * second)
        away.append(fi_distance(counts(settings.data, mixed, AMPLITUDES), true))
    text = "median distance of such F-I curves from the cells' median"
    found = {"fi_distance": of_cell(("seed",), away, text, "spikes")}
    return _cell("averaged", found, seed=list(settings.seeds))


def _speed(settings: OperatorSettings, drawn: Ensemble, context: Context) -> xr.Dataset:
    """Seconds that 10,000 traces take by each method, which take turns."""
    methods = _methods(settings, drawn, context)
    taken = np.full((len(METHODS), settings.speed.rounds), np.nan)
    for _, one in methods.values():
        one()  # loads, compiles, fills caches
    for turn in range(settings.speed.rounds):
        for method, (number, one) in methods.items():
            started = time.perf_counter()
            one()
            seconds = (time.perf_counter() - started) * _TRACES / number
            taken[METHODS.index(method), turn] = seconds
    middle = dict(zip(METHODS, np.median(taken, 1), strict=True))
    found = {
        "seconds": of_cell(("method", "round"), taken, "wall time of 10,000 traces", "s"),
        **{
            f"{name}_ratio": of_cell(
                (), middle[name] / middle["operator_batched"], f"{text} by the batched operator's"
            )
            for name, text in {
                "serial": "time of the solver, one trace after another,",
                "batched": "time of the solver, many traces at once,",
                "neuron": "time of NEURON",
            }.items()
        },
        "single_ratio": of_cell(
            (),
            middle["serial"] / middle["operator"],
            "time of the solver by the operator's, both one trace after another",
        ),
        "cores": of_cell((), os.cpu_count(), "cores of the machine"),
        "batch": of_cell((), settings.speed.batch, "traces of the operator's batch"),
    }
    return _cell("speed", found, method=list(METHODS), round=np.arange(settings.speed.rounds))


def _methods(
    settings: OperatorSettings, drawn: Ensemble, context: Context
) -> dict[str, tuple[int, Callable[[], object]]]:
    """Each method with the traces that it answers, and what runs it."""
    data, chosen, device = settings.data, settings.speed, context.device
    step = solver.Step(data.pulse, data.window, data.dt)
    which = np.arange(chosen.traces) % len(drawn.cells)
    amplitude = numpy_generator(0, "speed").uniform(AMPLITUDES[0], AMPLITUDES[-1], chosen.traces)
    # a reconstructed cell has no two dendrites that are alike
    whole = replace(drawn.cells, cable=drawn.cells.cable.unfolded())
    asked = whole, which, amplitude, data.onset, step
    few = whole, which[:2], amplitude[:2], data.onset, step
    network = TraceOperator(
        embedding(Cell(), data, settings.network.frequencies),
        settings.network.design,
        data.steps,
        [0],
    ).to(device)
    numbers = torch.rand(1, max(chosen.batch, chosen.traces), 4, device=device)

    @torch.no_grad()
    def answer(traces: int, batch: int) -> None:
        for some in numbers[:, :traces].split(batch, dim=1):
            network(some).outputs.cpu()

    found = {
        "serial": (len(which), lambda: solver.run(*asked, lanes=1)),
        "batched": (len(which), lambda: solver.run(*asked, threads=os.cpu_count() or 1)),
        "operator": (len(which), lambda: answer(len(which), 1)),
        "operator_batched": (chosen.batch, lambda: answer(chosen.batch, chosen.batch)),
    }
    if neuron_oracle.installed():
        found["neuron"] = (len(few[1]), lambda: neuron_oracle.run(*few))
    return found
