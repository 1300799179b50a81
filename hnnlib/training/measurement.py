"""What is stored of every trained cell: accuracy, and beside it what the accuracy cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from hnnlib.networks.base import Costed
from hnnlib.training.loop import Fit
from hnnlib.training.scoring import Scores

__all__ = ["measure"]

_LONG_NAMES = {
    "tie_rate": "share of test examples with a tie for the largest output",
    "dead_outputs": "output units that never answer on the test part",
    "spikes": "spikes per example, all spiking layers, encoder left out",
    "synaptic_operations": "spikes times mean fan-out per example",
    "multiply_accumulates": "products with graded inputs per example",
}


def measure(
    name: str,
    labels: Mapping[str, str | int],
    seeds: Sequence[int],
    network: Costed,
    fit: Fit,
    scores: Mapping[str, Scores],
    presented: int,
) -> xr.Dataset:
    """Dataset of one cell with dimensions (cell, seed, epoch).

    Args:
        name, labels: coordinates along ``cell``.
        seeds: coordinate along ``seed``, one a member.
        network, fit: trained population.
        scores: of the parts ``test`` and ``train``.
        presented: training examples presented to one member, all epochs together.
    """

    def per_seed(values, long_name: str, units: str = "1"):
        array = np.asarray(values.cpu(), dtype=float)
        array = np.where(fit.diverged.cpu(), np.nan, array)
        return ("cell", "seed"), array[None], {"long_name": long_name, "units": units}

    def per_epoch(values, long_name: str, units: str):
        return (
            ("cell", "seed", "epoch"),
            values.cpu().numpy().T[None],
            {"long_name": long_name, "units": units},
        )

    def per_cell(value: float, long_name: str, units: str):
        return ("cell",), np.array([value]), {"long_name": long_name, "units": units}

    test, best = scores["test"], fit.best_epoch.clamp(min=0)
    validation = fit.validation_curve.gather(0, best[None])[0]
    variables = {
        "test_accuracy": per_seed(test.accuracy, "test accuracy of the best-validation epoch"),
        "validation_accuracy": per_seed(validation, "best validation accuracy"),
        "train_accuracy": per_seed(scores["train"].accuracy, "accuracy on training examples"),
        "best_epoch": per_seed(best, "epoch chosen on validation, from 0"),
        **{key: per_seed(getattr(test, key), text) for key, text in _LONG_NAMES.items()},
        "diverged": (
            ("cell", "seed"),
            fit.diverged.cpu().numpy()[None].astype(np.int8),
            {"long_name": "1 where a loss or a parameter was not finite", "units": "1"},
        ),
        "train_loss": per_epoch(fit.train_loss, "mean training loss", "nat"),
        "validation_curve": per_epoch(fit.validation_curve, "validation accuracy by epoch", "1"),
        "parameters": per_cell(network.parameter_count(), "trained parameters of one network", "1"),
        "train_seconds": per_cell(fit.seconds / len(seeds), "training time of one network", "s"),
        # 6 operations a multiply-accumulate (2 forward, 4 backward): spec-sheet arithmetic
        "train_flop": per_cell(
            6 * network.products() * presented, "nominal operations of this training", "FLOP"
        ),
    }
    coords = {"cell": [name], "seed": list(seeds), "epoch": np.arange(len(fit.train_loss))}
    coords |= {key: ("cell", [value]) for key, value in labels.items()}
    return xr.Dataset(variables, coords)
