"""A trained grid as a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

__all__ = ["Point", "surface"]


@dataclass(frozen=True)
class Point:
    """One network of a grid, on the test part; spikes and operations for an image."""

    accuracy: float
    validation: float
    train: float
    layer_spikes: np.ndarray
    encoder_spikes: float
    rate: float
    synaptic_operations: float
    tie_rate: float
    dead_outputs: float
    dead_units: float
    best_epoch: int
    diverged: bool
    parameters: int
    seconds: float
    presented: int
    flop: float


_MAPS = {
    "accuracy": "test accuracy of the best-validation epoch",
    "validation": "best validation accuracy",
    "train": "accuracy on the first 5,000 training images",
    "rate": "spikes for each unit and step, all layers",
    "synaptic_operations": "spikes times mean fan-out per image",
    "tie_rate": "share of test images with a tie for the largest output",
    "dead_outputs": "output units that never answer on the test part",
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
    """Dataset with dimensions (cell, seed, tau, threshold, layer), one cell and one seed long.

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

    def grid(values) -> np.ndarray:
        values = np.array(values, float).reshape(*shape, -1)
        return np.where(diverged[..., None], np.nan, values).squeeze(-1)

    maps = {name: grid([getattr(p, name) for p in points]) for name in _MAPS}
    layers = np.array([p.layer_spikes for p in points]).reshape(*shape, -1)
    layers = np.where(diverged[..., None], np.nan, layers)
    spiking = labels["units"] == "spiking"
    spikes = layers.sum(-1) if spiking else np.full(shape, np.nan)

    def on_grid(values, text: str, units: str = "1"):
        values = np.asarray(values)[None, None]
        return ("cell", "seed", "tau", "threshold"), values, {"units": units, "long_name": text}

    def on_seed(value: float, text: str, units: str = "1"):
        return ("cell", "seed"), np.array([[value]], float), {"units": units, "long_name": text}

    def on_axis(name: str, values: np.ndarray, text: str, units: str):
        return ("cell", name), values[None], {"units": units, "long_name": text}

    def mean(name: str) -> float:
        return float(np.mean([getattr(p, name) for p in points]))

    variables = {f"grid_{name}": on_grid(maps[name], text) for name, text in _MAPS.items()}
    variables |= {
        "tau_value": on_axis("tau", tau, "membrane time constant", "time steps"),
        "threshold_value": on_axis("threshold", threshold, "firing threshold", "1"),
        "grid_spikes": on_grid(spikes, "spikes per image, all layers, encoder left out"),
        "layer_spikes": (
            ("cell", "seed", "tau", "threshold", "layer"),
            layers[None, None],
            {"units": "1", "long_name": "spikes per image of each layer"},
        ),
        "guessing": (("cell",), [chance], {"units": "1", "long_name": "accuracy of guessing"}),
        "diverged": on_seed(diverged.sum(), "points where a loss or a parameter was not finite"),
        "encoder_spikes": on_seed(points[0].encoder_spikes, "input spikes per image"),
        "train_seconds": on_seed(mean("seconds"), "training time of one network", "s"),
        "train_flop": on_seed(
            mean("flop"),
            "nominal operations of the training of one network, mean over the grid",
            "FLOP",
        ),
        "grid_presented": on_grid(
            np.array([p.presented for p in points], float).reshape(shape),
            "training images that went forward and backward until training stopped",
        ),
        "parameters": on_seed(points[0].parameters, "trained parameters of one network"),
    }
    coords = {
        "seed": [seed],
        "tau": np.arange(len(tau)),
        "threshold": np.arange(len(threshold)),
        "layer": np.arange(layers.shape[-1]),
    }
    return xr.Dataset(variables, coords | {key: ("cell", [text]) for key, text in labels.items()})
