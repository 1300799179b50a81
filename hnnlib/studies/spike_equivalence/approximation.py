"""What the factor N_s buys: least squares on the out-weights of one hidden layer that reads the
time of a spike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np
import xarray as xr

from hnnlib.analysis.equivalence import (
    Integers,
    Kernel,
    Layer,
    Rules,
    fire,
    floor_potential,
    single_from_multi,
    weigh,
)
from hnnlib.randomness import numpy_generator
from hnnlib.variables import of_cell

__all__ = ["MODELS", "SPIKES", "approximations"]

SPIKES = 8
"""The most spikes of a hidden neuron, N_s."""
KERNELS: tuple[Kernel, ...] = ("step", "ramp")
MODELS = ("multi", "single_more", "single_same")
"""Many spikes and n neurons; one spike and N_s n, by construction *forward* with the out-weights
copied; one spike and n, with out-weights of their own."""
_POINTS, _DELAYS = 65, 8
_STEPS = 2 * (_POINTS - 1)
_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sine": lambda x: np.sin(2 * np.pi * x),
    "absolute": lambda x: np.abs(2 * x - 1),
}


def approximations(hidden: Sequence[int], seeds: Sequence[int]) -> Iterator[xr.Dataset]:
    """A cell for each kernel of the synapses, function, model and number n of hidden neurons."""
    x = np.linspace(0, 1, _POINTS)
    for kernel, n in product(KERNELS, hidden):
        drawn = [_features(kernel, n, seed) for seed in seeds]
        for function, values in _FUNCTIONS.items():
            found = [_fitted(many, one, values(x)) for many, one in drawn]
            errors, apart = zip(*found, strict=True)
            for model in MODELS:
                labels = {"kernel": kernel, "function": function, "model": model, "hidden": str(n)}
                yield _cell(labels, [e[model] for e in errors], max(apart), seeds)


def _coded() -> Integers:
    """Spikes (step, x, unit) of two inputs, at time 0 and at time x, each with all delays."""
    delays = np.arange(_DELAYS) * (_POINTS - 1) // _DELAYS
    at = np.arange(_POINTS)[:, None] * np.array([0, 1]).repeat(_DELAYS) + np.tile(delays, 2)
    return (np.arange(_STEPS)[:, None, None] == at).astype(np.int64)


def _features(kernel: Kernel, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What the readout sees of n neurons that spike many times, (x, n), and of the N_s n that spike
    once, (x, n, N_s): the sum over spikes of the time since, in units of x.
    """
    generator, events = numpy_generator(seed, "approximation", n), _coded()
    # so that an integer is the threshold at which the most active neuron has just so many spikes
    weights = SPIKES * (SPIKES + 1) * generator.integers(-3, 8, (events.shape[2], n))
    peak = int(floor_potential(weigh(events, weights), kernel).max())
    layer = Layer.of(weights, np.full(n, peak // SPIKES))
    left = (_STEPS - np.arange(_STEPS)) / (_POINTS - 1)
    many = fire(layer, events, Rules(kernel))
    (group,) = single_from_multi([layer], SPIKES)
    once = fire(group, events, Rules(kernel, once=True))
    return np.tensordot(left, many, 1), np.tensordot(left, once, 1).reshape(_POINTS, n, SPIKES)


def _fitted(
    many: np.ndarray, once: np.ndarray, wanted: np.ndarray
) -> tuple[dict[str, float], float]:
    """Errors of all models between the points that they are fitted to, and the largest difference
    of the first two.
    """
    multi = _least_squares(many, wanted)
    copied = np.concatenate([multi[:-1].repeat(SPIKES), multi[-1:]])
    values = {
        "multi": _design(many) @ multi,
        "single_more": _design(once.reshape(_POINTS, -1)) @ copied,
        "single_same": _design(once[..., 0]) @ _least_squares(once[..., 0], wanted),
    }
    errors = {
        model: float(np.sqrt(np.mean((found - wanted) ** 2))) for model, found in values.items()
    }
    return errors, float(np.abs(values["multi"] - values["single_more"]).max())


def _design(features: np.ndarray) -> np.ndarray:
    return np.concatenate([features, np.ones((len(features), 1))], 1)


def _least_squares(features: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Out-weights, the constant last."""
    return np.linalg.lstsq(_design(features), wanted, rcond=1e-10)[0]


def _cell(
    labels: dict[str, str],
    errors: Sequence[float],
    apart: float,
    seeds: Sequence[int],
) -> xr.Dataset:
    more = SPIKES if labels["model"] == "single_more" else 1
    neurons = float(more * int(labels["hidden"]))
    variables = {
        "approximation_error": of_cell(
            ("seed",), errors, "root mean square error with the best out-weights"
        ),
        "diverged": of_cell(
            ("seed",), np.zeros(len(seeds)), "1 where a loss or a parameter was not finite"
        ),
        "largest_difference": of_cell(
            (), apart, "between the functions of the networks multi and single_more, all draws"
        ),
        "neurons_needed": of_cell((), neurons, "neurons of the network that is made of it"),
    }
    labels = {"construction": "approximation"} | labels
    named = "/".join(labels.values())
    labels |= {"depth": "1", "spike_limit": str(SPIKES), "source": "random", "dataset": "none"}
    return xr.Dataset(
        variables,
        {"cell": [named], "seed": list(seeds)}
        | {key: ("cell", [text]) for key, text in labels.items()},
    )
