"""What is stored of every trained cell: how well it does, and beside it what that cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from torch import Tensor

from hnnlib.networks.base import Costed
from hnnlib.training.examples import Examples, Parts
from hnnlib.training.loop import Fit
from hnnlib.training.scoring import score_test, train_accuracy
from hnnlib.variables import Variable, of_cell

__all__ = ["measure", "train_flop", "trained"]

_SCORES = {
    "tie_rate": "share of test examples with a tie for the largest output",
    "dead_outputs": "output units that never answer on the test part",
    "spikes": "spikes per example, all spiking layers, encoder left out",
    "synaptic_operations": "spikes times mean fan-out per example",
    "multiply_accumulates": "products with graded inputs per example",
}


def train_flop(network: Costed, presented: float) -> float:
    """Nominal operations of a training: 6 a multiply-accumulate (2 forward, 4 backward) of every
    example presented. Spec-sheet arithmetic: zeros are multiplied, too, and validation is free.
    """
    return 6 * network.products() * presented


def trained(
    name: str,
    labels: Mapping[str, str | int],
    network: Costed,
    fit: Fit,
) -> xr.Dataset:
    """How a cell was trained, whatever for: dimensions (cell, seed, epoch).

    Costs are those of members that diverged, too.

    Args:
        name, labels: coordinates along ``cell``.
        network, fit: trained population.
    """
    presented = fit.presented.double()
    best = _masked(fit.best_epoch.clamp(min=0), fit)
    costs = {
        "parameters": (network.parameter_count(), "trained parameters of one network", "1"),
        "train_seconds": (fit.seconds / len(presented), "training time of one network", "s"),
        "train_flop": (
            train_flop(network, presented.mean().item()),
            "nominal operations of the training of one network, mean over seeds",
            "FLOP",
        ),
    }
    variables = {
        "best_epoch": _per_seed(best, "epoch chosen on validation, from 0"),
        "diverged": _per_seed(
            fit.diverged.cpu().numpy().astype(np.int8),
            "1 where a loss or a parameter was not finite",
        ),
        "presented": _per_seed(
            presented.cpu().numpy(),
            "training examples that went forward and backward until training stopped; "
            "sharpness-aware steps count twice",
        ),
        "train_loss": _per_epoch(fit.train_loss, "mean training loss", "nat"),
        **{key: of_cell((), *cost) for key, cost in costs.items()},
    }
    coords = {"cell": [name], "seed": list(network.seeds), "epoch": np.arange(len(fit.train_loss))}
    coords |= {key: ("cell", [value]) for key, value in labels.items()}
    return xr.Dataset(variables, coords)


def measure(
    name: str,
    labels: Mapping[str, str | int],
    network: Costed,
    examples: Examples,
    parts: Parts,
    fit: Fit,
    batch: int = 500,
) -> xr.Dataset:
    """A cell of a classification: how it was trained, accuracy, and activity on the test part.

    Args:
        name, labels, network, fit: as in ``trained``.
        examples, parts: what each member reads.
        batch: examples that are scored at once; bounds the memory.
    """
    test = score_test(network, examples, parts, batch)
    chosen = fit.validation_curve.gather(0, fit.best_epoch.clamp(min=0)[None])[0]
    found = {
        "test_accuracy": (test.accuracy, "test accuracy of the best-validation epoch"),
        "validation_accuracy": (chosen, "best validation accuracy"),
        "train_accuracy": (
            train_accuracy(network, examples, parts, batch),
            "accuracy on the first 5,000 training examples",
        ),
        **{key: (getattr(test, key), text) for key, text in _SCORES.items()},
    }
    variables = {
        key: _per_seed(_masked(values, fit), text) for key, (values, text) in found.items()
    }
    curve = _per_epoch(fit.validation_curve, "validation accuracy by epoch", "1")
    return trained(name, labels, network, fit).assign(variables | {"validation_curve": curve})


def _masked(values: Tensor, fit: Fit) -> np.ndarray:
    """Values (seed,), NaN for members that diverged."""
    return np.where(fit.diverged.cpu(), np.nan, np.asarray(values.cpu(), dtype=float))


def _per_seed(values: np.ndarray, long_name: str) -> Variable:
    return of_cell(("seed",), values, long_name)


def _per_epoch(values: Tensor, long_name: str, units: str) -> Variable:
    return of_cell(("seed", "epoch"), values.cpu().numpy().T, long_name, units)
