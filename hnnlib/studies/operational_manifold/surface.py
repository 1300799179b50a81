"""A trained grid as a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from hnnlib.variables import Variable, of_cell

__all__ = ["Point", "surface"]


@dataclass(frozen=True)
class Point:
    """One network of a grid, on the test part; spikes and operations for an image.

    ``curve`` is its validation accuracy by epoch, NaN from where it stopped.
    """

    accuracy: float
    validation: float
    curve: np.ndarray
    train: float
    layer_spikes: np.ndarray
    encoder_spikes: float
    rate: float
    synaptic_operations: float
    tie_rate: float
    dead_outputs: float
    top_answer_share: float
    dead_units: float
    best_epoch: int
    diverged: bool
    parameters: int
    seconds: float
    presented: int
    flop: float


_GRID = ("seed", "tau", "threshold")
_MAPS = {
    "accuracy": "test accuracy of the best-validation epoch",
    "validation": "best validation accuracy",
    "train": "accuracy on the first 5,000 training images",
    "rate": "spikes for each unit and step, all layers",
    "synaptic_operations": "spikes times mean fan-out per image",
    "tie_rate": "share of test images with a tie for the largest output",
    "dead_outputs": "output units that never answer on the test part",
    "top_answer_share": "share of the most frequent answer on the test part",
    "dead_units": "share of units of all layers that never fire on 200 test images",
    "best_epoch": "epoch chosen on validation, from 0",
}


def surface(
    points: Iterable[Point],
    tau: np.ndarray,
    threshold: np.ndarray,
    labels: Mapping[str, str],
    seed: int,
    chance: float,
) -> xr.Dataset:
    """Dataset with dimensions (cell, seed, tau, threshold, layer, epoch), of one cell and seed.

    ``tau`` and ``threshold`` are places on the grid; their values are variables, since surfaces
    have grids of their own.

    Args:
        points: tau the slower axis.
        tau, threshold: values of the axes.
        labels: coordinates of the cell, its name among them.
        chance: accuracy of guessing.
    """
    points = list(points)
    shape = len(tau), len(threshold)
    diverged = np.array([p.diverged for p in points]).reshape(shape)

    def grid(values: list) -> np.ndarray:
        values = np.array(values, float).reshape(*shape, -1)
        return np.where(diverged[..., None], np.nan, values)

    layers = grid([p.layer_spikes for p in points])
    spiking = labels["neuron"] == "spiking"
    spikes = layers.sum(-1) if spiking else np.full(shape, np.nan)
    variables = {
        f"grid_{name}": of_cell(
            _GRID, grid([getattr(p, name) for p in points]).squeeze(-1)[None], text
        )
        for name, text in _MAPS.items()
    }
    variables |= {
        "tau_value": of_cell(("tau",), tau, "membrane time constant", "time steps"),
        "threshold_value": of_cell(("threshold",), threshold, "firing threshold"),
        "grid_spikes": of_cell(
            _GRID, spikes[None], "spikes per image, all layers, encoder left out"
        ),
        "layer_spikes": of_cell((*_GRID, "layer"), layers[None], "spikes per image of each layer"),
        "grid_presented": of_cell(
            _GRID,
            np.array([p.presented for p in points], float).reshape(1, *shape),
            "training images that went forward and backward until training stopped",
        ),
        "grid_curve": of_cell(
            (*_GRID, "epoch"),
            np.array([p.curve for p in points], np.float32).reshape(1, *shape, -1),
            "validation accuracy by epoch",
        ),
        "guessing": of_cell((), chance, "accuracy of guessing"),
    }
    variables |= _whole(points)
    coords = {
        "seed": [seed],
        "tau": np.arange(len(tau)),
        "threshold": np.arange(len(threshold)),
        "layer": np.arange(layers.shape[-1]),
        "epoch": np.arange(len(points[0].curve)),
    }
    return xr.Dataset(variables, coords | {key: ("cell", [text]) for key, text in labels.items()})


def _whole(points: list[Point]) -> dict[str, Variable]:
    """Numbers of a whole grid at one seed."""
    first = points[0]

    def mean(name: str) -> float:
        return float(np.mean([getattr(p, name) for p in points]))

    found = {
        "diverged": (
            sum(p.diverged for p in points),
            "points where a loss or a parameter was not finite",
        ),
        "encoder_spikes": (first.encoder_spikes, "input spikes per image"),
        "train_seconds": (mean("seconds"), "training time of one network", "s"),
        "train_flop": (
            mean("flop"),
            "nominal operations of the training of one network, mean over the grid",
            "FLOP",
        ),
        "parameters": (first.parameters, "trained parameters of one network"),
    }
    return {
        name: of_cell(("seed",), [float(value)], *words) for name, (value, *words) in found.items()
    }
