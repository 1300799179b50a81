"""Random networks of integers, built both ways and compared spike by spike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from hnnlib.analysis.equivalence import (
    Integers,
    Kernel,
    Layer,
    Rules,
    bounds,
    fire,
    floor_potential,
    multi_from_single,
    propagate,
    single_from_multi,
    summed,
    weigh,
)
from hnnlib.randomness import numpy_generator
from hnnlib.variables import of_cell

__all__ = ["ARMS", "Arm", "cell", "compared", "counts"]

_INPUTS, _WIDTH, _RATE = 10, 8, 0.2
_WEIGHTS = (-3, 8)
_STEPS = {"step": 60, "exponential": 30, "alpha": 30}
"""Decaying kernels are held times 2^t: 30 steps leave room in 64 bits."""
_SCALES = 2 ** np.arange(14)
"""Factors on all weights, until an integer threshold gives the number of spikes that is wanted."""
_ONCE = Rules(once=True)
_OF_TRAINED = {
    "prediction_changes": "test images whose prediction changes with the conversion",
    "largest_logit_difference": "of any output of any test image",
    "images": "test images that are compared",
    "rounding_changes": "test images whose prediction changes with the rounding of weights",
}


@dataclass(frozen=True)
class Arm:
    """A construction, and how the network that it starts from and the one that it makes run."""

    forward: bool
    source: Rules
    made: Rules
    kernels: tuple[Kernel, ...] = ("step",)

    @property
    def many(self) -> Rules:
        """How the network of many spikes runs."""
        return self.source if self.forward else self.made


ARMS = {
    "forward": Arm(True, Rules(), _ONCE, tuple(_STEPS)),
    "backward": Arm(False, _ONCE, Rules(), tuple(_STEPS)),
    "forward_lateral_leaky": Arm(
        True, Rules(reset="leaky"), Rules(once=True, reset="lateral"), ("exponential",)
    ),
    "forward_naive_leaky": Arm(True, Rules(reset="leaky"), _ONCE, ("exponential",)),
    "backward_leaky": Arm(False, _ONCE, Rules(reset="leaky"), ("exponential",)),
    "forward_one_spike_a_step": Arm(True, Rules(spikes_per_step="one"), _ONCE),
    "forward_non_atomic": Arm(
        True, Rules(arrival="shuffled"), Rules(once=True, arrival="shuffled")
    ),
    "forward_in_order": Arm(True, Rules(arrival="in_order"), Rules(once=True, arrival="in_order")),
    "backward_in_order": Arm(
        False, Rules(once=True, arrival="in_order"), Rules(arrival="in_order")
    ),
    "forward_float": Arm(True, Rules(arithmetic="float"), Rules(once=True, arithmetic="float")),
    "forward_strict": Arm(True, Rules(), Rules(once=True, at_threshold=False)),
}
"""The two exact constructions, the one that repairs a leaky reset, and what breaks when a switch is
turned, on both sides (``forward_strict``: on one)."""


def compared(name: str, kernel: Kernel, depth: int, most: int, seeds: Sequence[int]) -> xr.Dataset:
    """One cell: all draws of an arm."""
    arm = ARMS[name]
    source, made = (replace(rules, kernel=kernel) for rules in (arm.source, arm.made))
    build = single_from_multi if arm.forward else multi_from_single
    trials = []
    for seed in seeds:
        layers, events = _drawn(arm, kernel, depth, most, seed)
        order = numpy_generator(seed, "arrival", name)
        ours = propagate(layers, events, source, order)
        # spikes that don't arrive together may make a neuron spike more often than meant
        group = build(layers, max(most, *(int(spikes.sum(0).max()) for spikes in ours)))
        theirs = propagate(group, events, made, order)
        trials.append(counts(layers, group, ours, theirs))
    return cell(name, "random", kernel, depth, most, trials)


def counts(
    layers: Sequence[Layer],
    group: Sequence[Layer],
    ours: Sequence[Integers],
    theirs: Sequence[Integers],
) -> dict[str, int]:
    """What is counted of a network and the one that was made of it, with the spikes of both."""
    pairs = zip(ours, theirs, group, strict=True)
    return {
        "mismatches": sum(int(np.abs(a - summed(b, layer)).sum()) for a, b, layer in pairs),
        "spikes_compared": sum(int(a.sum()) for a in ours),
        "most_spikes": max(int(a.sum(0).max()) for a in ours),
        "neurons": sum(len(layer.thresholds) for layer in layers),
        "neurons_needed": sum(len(layer.thresholds) for layer in group),
    }


def cell(
    name: str,
    source: str,
    kernel: str,
    depth: int,
    most: int,
    trials: Sequence[dict[str, int]],
    dataset: str = "none",
) -> xr.Dataset:
    """Counts of all trials, what the bounds allow, and every switch as a coordinate."""
    arm, total = ARMS[name], {key: sum(t[key] for t in trials) for key in trials[0]}
    neurons, needed = (max(t[key] for t in trials) for key in ("neurons", "neurons_needed"))
    first, second = (1.0, np.nan) if arm.forward else bounds(most)
    allowed = first * most * neurons, second * most * neurons
    variables = {
        "mismatches": (total["mismatches"], "spikes whose time differs, all layers and draws"),
        "trials": (len(trials), "networks and inputs that were drawn"),
        "trials_that_differ": (
            sum(t["mismatches"] > 0 for t in trials),
            "of these, with any spike whose time differs",
        ),
        "spikes_compared": (total["spikes_compared"], "spikes of the first network, all draws"),
        "most_spikes": (max(t["most_spikes"] for t in trials), "of any neuron in any draw"),
        "neurons": (neurons, "neurons of the network that is started from"),
        "neurons_needed": (needed, "neurons of the network that is made of it"),
        "neurons_bound_1": (allowed[0], "neurons that the paper allows"),
        "neurons_bound_2": (allowed[1], "neurons that its second bound allows"),
        "over_bound_1": (needed - allowed[0], "neurons beyond what the paper allows"),
        "over_bound_2": (needed - allowed[1], "neurons beyond what its second bound allows"),
        "alpha": (needed / (most * neurons), "neurons needed per neuron and spike"),
    } | {key: (total.get(key, np.nan), text) for key, text in _OF_TRAINED.items()}
    many = arm.many
    labels = {
        "construction": name,
        "source": source,
        "kernel": kernel,
        "depth": str(depth),
        "spike_limit": str(most),
        "reset": "leaky" if many.reset == "leaky" else "permanent",
        "spikes_per_step": many.spikes_per_step,
        "arrival": many.arrival,
        "arithmetic": many.arithmetic,
        "at_threshold": str(arm.made.at_threshold).lower(),
        "sharper_bound": str(most >= 8).lower(),
        "dataset": dataset,
    }
    named = "/".join((name, source, kernel, f"depth_{depth}", f"spikes_{most}"))
    return xr.Dataset(
        {key: of_cell((), float(value), text) for key, (value, text) in variables.items()},
        {"cell": [named]} | {key: ("cell", [text]) for key, text in labels.items()},
    )


def _drawn(
    arm: Arm, kernel: Kernel, depth: int, most: int, seed: int
) -> tuple[list[Layer], Integers]:
    """A network and its input, the same for all arms that need the same."""
    leaky = arm.many.reset == "leaky"
    generator = numpy_generator(seed, "network", depth, most, kernel, leaky, arm.forward)
    rules = Rules(kernel=kernel, reset="leaky" if leaky else "permanent")
    fed = rules if arm.forward else replace(_ONCE, kernel=kernel)
    while True:  # spikes at the last step move nothing behind them
        first = (generator.random((_STEPS[kernel], _INPUTS)) < _RATE).astype(np.int64)
        events, layers = first, []
        while len(layers) < depth and (layer := _layer(generator, events, most, rules)):
            layers.append(layer)
            events = fire(layer, events, fed)
        if len(layers) == depth:
            return layers, first


def _layer(
    generator: np.random.Generator, events: Integers, most: int, rules: Rules
) -> Layer | None:
    """A layer whose most active neuron has just so many spikes where they may be many, at a
    threshold that is drawn from those that do; None where none does.
    """
    drawn = generator.integers(*_WEIGHTS, (events.shape[1], _WIDTH))
    for scale in _SCALES:
        weights = scale * drawn
        peak = int(floor_potential(weigh(events, weights), rules.kernel).max())
        ends = max(1, peak // (most + 1)), max(1, peak)
        tried = np.unique(np.geomspace(*ends, 6 * most + 6).astype(np.int64))
        if rules.reset == "permanent":
            found = max(0, peak) // tried
        else:
            every = Layer.of(weights.repeat(len(tried), 1), np.tile(tried, _WIDTH))
            found = fire(every, events, rules).sum(0).reshape(_WIDTH, -1).max(0)
        if (found == most).any():
            threshold = generator.choice(tried[found == most])
            return Layer.of(weights, np.full(_WIDTH, threshold))
    return None
