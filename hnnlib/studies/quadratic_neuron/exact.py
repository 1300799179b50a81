"""What is known of a neuron without training: fixed points, slopes, moments, operations."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
import xarray as xr

from hnnlib.analysis import moments
from hnnlib.neurons.quadratic import Map, QuadraticIF
from hnnlib.randomness import numpy_generator
from hnnlib.studies.base import join_cells
from hnnlib.studies.quadratic_neuron.cells import Cell, neurons
from hnnlib.variables import Variable, of_cell

__all__ = ["OPERATIONS", "facts"]

STEPS = 4
LEAKS, SIGMAS = (0.1, 0.25, 0.5, 1.0), (0.25, 0.5, 1.0)
"""Of the paper's plane as it is drawn here."""
_EDGES = np.linspace(-3, 4, 141)
_MOST_STEPS = 100
OPERATIONS = {"lif": (1, 1), "qif": (2, 2)}
"""Products and sums of one update, drive included: decay u + I, and (A u + B) u + I where u1 is
0."""


def facts(draws: int = 1_000_000) -> xr.Dataset:
    """A cell for each neuron and spread of the drive, without seeds.

    Args:
        draws: samples of the membrane without resets; with resets a tenth of them.
    """
    normal = numpy_generator(0, "membrane").standard_normal((STEPS, draws))
    readings = ("euler", "product")
    todo = [Cell("qif", *point, reading=r) for r in readings for point in product(LEAKS, SIGMAS)]
    todo += [Cell("lif", 0.5, sigma) for sigma in SIGMAS]
    return join_cells([_fact(cell, normal * cell.sigma) for cell in todo])


def _fact(cell: Cell, inputs: np.ndarray) -> xr.Dataset:
    neuron = neurons([cell], torch.tensor([cell.sigma], dtype=torch.float64))
    f = moments.leak(cell.leak) if cell.neuron == "lif" else Map(*(float(v) for v in neuron.map))
    products, sums = OPERATIONS[cell.neuron]
    found = {
        "half_width": of_cell((), neuron.surrogate.half_width.item(), "half-width of the window"),
        "update_products": of_cell((), products, "products of one update of a membrane"),
        "update_sums": of_cell((), sums, "sums of one update of a membrane"),
        **_moments(f, cell.sigma, inputs),
    }
    if cell.neuron == "qif":
        found |= _dynamics(QuadraticIF(cell.leak, 0.0, cell.u2, reading=cell.reading))
    labels = cell.labels() | {"arm": "exact", "dataset": "none", "steps": str(STEPS)}
    coords = {
        "cell": [f"exact/{cell.name}"],
        "step": np.arange(1, STEPS + 1),
        "reset": ["off", "on"],
    }
    coords |= {"potential": (_EDGES[1:] + _EDGES[:-1]) / 2}
    return xr.Dataset(found, coords | {key: ("cell", [value]) for key, value in labels.items()})


def _dynamics(neuron: QuadraticIF) -> dict[str, Variable]:
    """Whether rest and critical point stay where they are, and which way the map leads away from
    them: a step of the neuron itself, and its map without the reset, whose surrogate would add a
    slope, in double precision.
    """
    u = torch.tensor([neuron.u1, neuron.u2], dtype=torch.float64, requires_grad=True)
    after = neuron.step(torch.zeros_like(u), u)[1]
    at_rest, critical = torch.autograd.grad(neuron.map(u).sum(), u)[0].tolist()
    error = (after - u).abs().max().item()
    distance = neuron.a * (neuron.u2 - neuron.u1)
    slopes = max(abs(at_rest - (1 - distance)), abs(critical - (1 + distance)))
    return {
        "fixed_point_error": of_cell((), error, "largest distance that u1 and u2 move in a step"),
        "slope_at_rest": of_cell((), at_rest, "slope of the map at u1"),
        "slope_at_critical": of_cell((), critical, "slope of the map at u2"),
        "slope_error": of_cell((), slopes, "largest distance of both slopes from 1 -+ a (u2 - u1)"),
        "escape": of_cell(
            (),
            _escape(neuron),
            "steps from 0.75 to a spike without input; NaN: never",
            "time steps",
        ),
    }


def _escape(neuron: QuadraticIF) -> float:
    state = torch.tensor(0.75, dtype=torch.float64)
    for step in range(1, _MOST_STEPS + 1):
        spikes, state = neuron.step(torch.zeros_like(state), state)
        if spikes.item():
            return float(step)
    return float("nan")


def _moments(f: Map, sigma: float, inputs: np.ndarray) -> dict[str, Variable]:
    predicted = np.array(list(moments.moments(f, sigma, STEPS)))
    with np.errstate(over="ignore", invalid="ignore"):  # without a reset tails have no bound
        some = inputs[:, : inputs.shape[1] // 10]
        drawn = [moments.drawn(f, *one) for one in ((inputs, _EDGES, False), (some, _EDGES, True))]
    mean, variance, density = (np.stack(part) for part in zip(*drawn, strict=True))
    deviation = np.sqrt(predicted[:, 1])
    errors = np.maximum(
        np.abs(mean[0] - predicted[:, 0]) / deviation, np.abs(variance[0] / predicted[:, 1] - 1)
    )
    each = ("reset", "step")
    text = "of the potential, at each step after a reset"
    return {
        "mean_predicted": of_cell(("step",), predicted[:, 0], f"mean {text}, predicted"),
        "variance_predicted": of_cell(("step",), predicted[:, 1], f"variance {text}, predicted"),
        "mean_drawn": of_cell(each, mean, f"mean {text}, drawn"),
        "variance_drawn": of_cell(each, variance, f"variance {text}, drawn"),
        "density": of_cell((*each, "potential"), density.astype(np.float32), f"density {text}"),
        "moment_error": of_cell(
            (), errors[:2].max(), "largest error of mean (by deviation) and variance, steps 1 and 2"
        ),
        "later_error": of_cell(
            (), errors[2], "largest error of mean (by deviation) and variance, step 3, no reset"
        ),
        "deviation_ratio": of_cell(
            (),
            deviation[1] / np.sqrt(variance[1, -1]),
            "deviation predicted for step 2 by the one drawn at the last step with resets",
        ),
    }
