"""Networks of neurons that spike many times or once, and how one is made of the other (Dold &
Petersen 2026, arXiv:2603.13478; the constructions are derived here).

Everything is exact: weights, thresholds and potentials are integers, times are steps of a grid. A
neuron's free potential is P[t] = sum of weights w times a kernel of the time s since each input
spike: 1 (``step``), s (``ramp``), 2^-s (``exponential``) or s 2^-s (``alpha``). With a permanent
subtractive reset it has spiked N[t] = max(0, floor(max_{s<=t} P[s] / threshold)) times.

*Forward*, many spikes to one: a neuron becomes K neurons with thresholds 1, 2, .., K times its own;
the k-th fires once, at its k-th spike. *Backward*, one spike to many: the neuron whose threshold is
m times as high fires at spikes m, 2m, 3m, ..; weighted by the Moebius function mu(m), all but the
first cancel, since sum_{m | j} mu(m) = [j = 1]. Where mu(m) = 0 no neuron is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "Kernel",
    "Layer",
    "Rules",
    "bounds",
    "fire",
    "floor_potential",
    "moebius",
    "multi_from_single",
    "weigh",
    "propagate",
    "single_from_multi",
    "squarefree",
    "summed",
]

Kernel = Literal["step", "ramp", "exponential", "alpha"]
Integers = npt.NDArray[np.int64]


def moebius(most: int) -> Integers:
    """mu(0..most), with mu(0) = 0: (-1)^k for a product of k different primes, 0 for others."""
    mu = np.ones(most + 1, np.int64)
    mu[0] = 0
    prime = np.ones(most + 1, bool)
    for p in range(2, most + 1):
        if prime[p]:
            prime[2 * p :: p] = False
            mu[p::p] *= -1
            mu[p * p :: p * p] = 0
    return mu


def squarefree(most: int) -> int:
    """Q(most), the number of squarefree integers up to it: neurons of a group *backward*."""
    return int(np.count_nonzero(moebius(most)))


def bounds(spikes: int) -> tuple[float, float]:
    """The paper's two bounds on alpha, neurons needed *backward* per neuron and spike: min(1, 6 /
    pi^2 + 1 / sqrt(N)), and 6 / pi^2 + 1 / (2 sqrt(N)), which it states for N >= 8.
    """
    density, root = 6 / math.pi**2, math.sqrt(spikes)
    return min(1.0, density + 1 / root), density + 1 / (2 * root)


@dataclass(frozen=True)
class Layer:
    """Neurons of one layer.

    Attributes:
        weights: (unit in, unit).
        thresholds: (unit,), positive.
        times: which neuron of its group each is, as a multiple of the group's threshold, (unit,);
            neurons of a group stand next to each other.
        readout: what a spike of each member of a group counts, (member,); (1,) where a neuron is
            alone.
    """

    weights: Integers
    thresholds: Integers
    times: Integers
    readout: Integers

    @classmethod
    def of(cls, weights: Integers, thresholds: Integers) -> Layer:
        """A layer of neurons that are not in groups."""
        one = np.ones(1, np.int64)
        return cls(weights, thresholds, one.repeat(len(thresholds)), one)


@dataclass(frozen=True)
class Rules:
    """How a network runs; each field is a switch, and its default what makes equivalence exact.

    Attributes:
        kernel: of a synapse.
        once: whether a neuron spikes once and never again.
        spikes_per_step: ``one``: what a step leaves above the threshold fires at the next.
        reset: ``leaky``: what a spike takes decays with the kernel ``exponential``. ``lateral``:
            of neurons that spike once, those before it in its group give a neuron threshold (1 -
            2^-s), s steps after their spike, which makes up for such a reset.
        arrival: spikes of one step are summed before the threshold is tested (``together``), or
            are tested one by one, in the order of the neurons (``in_order``) or in any
            (``shuffled``).
        arithmetic: ``float``: weights and thresholds are tenths in double precision, and a spike
            subtracts the threshold from the potential.
        at_threshold: whether a neuron fires at exactly its threshold, too.
    """

    kernel: Kernel = "step"
    once: bool = False
    spikes_per_step: Literal["many", "one"] = "many"
    reset: Literal["permanent", "leaky", "lateral"] = "permanent"
    arrival: Literal["together", "in_order", "shuffled"] = "together"
    arithmetic: Literal["integer", "float"] = "integer"
    at_threshold: bool = True


def single_from_multi(layers: Sequence[Layer], most: int) -> list[Layer]:
    """Construction *forward*: as many neurons that spike once as a neuron has spikes."""
    return _grouped(layers, np.arange(1, most + 1), np.ones(most, np.int64))


def multi_from_single(layers: Sequence[Layer], most: int) -> list[Layer]:
    """Construction *backward*: a neuron for every squarefree number of spikes, weighted by mu."""
    mu = moebius(most)
    times = np.flatnonzero(mu)
    return _grouped(layers, times, mu[times])


def summed(spikes: Integers, layer: Layer) -> Integers:
    """Spikes (step, *batch, unit) of groups as those of the neurons that they stand for."""
    return spikes.reshape(*spikes.shape[:-1], -1, len(layer.readout)) @ layer.readout


def _grouped(layers: Sequence[Layer], times: Integers, readout: Integers) -> list[Layer]:
    """Every neuron as a group: in-weights copied, thresholds multiplied, out-weights copied times
    what each member counts.
    """
    found, before = [], np.ones(1, np.int64)
    for layer in layers:
        weights = np.kron(layer.weights, before[:, None]).repeat(len(times), 1)
        thresholds = np.kron(layer.thresholds, times)
        every = np.tile(times, len(layer.thresholds))
        found.append(Layer(weights, thresholds, every, readout))
        before = readout
    return found


def propagate(
    layers: Sequence[Layer],
    events: Integers,
    rules: Rules = Rules(),
    generator: np.random.Generator | None = None,
) -> list[Integers]:
    """Spikes of every layer, each (step, *batch, unit).

    Args:
        layers: a network.
        events: spikes of its input, (step, *batch, unit); a batch needs spikes that arrive together
            and a permanent reset.
        rules: how it runs.
        generator: draws the order of arrival, where any will do.
    """
    found = []
    for layer in layers:
        events = fire(layer, events, rules, generator)
        found.append(events)
    return found


def fire(
    layer: Layer,
    events: Integers,
    rules: Rules = Rules(),
    generator: np.random.Generator | None = None,
) -> Integers:
    """Spikes of one layer, (step, *batch, unit); arguments as in ``propagate``."""
    if rules.arrival != "together":
        return _one_by_one(layer, events, rules, generator)
    drive = weigh(events, layer.weights)
    if rules.arithmetic == "float":
        return _subtracted(drive * 0.1, layer.thresholds * 0.1, rules)
    if rules.spikes_per_step == "one":
        return _subtracted(drive, layer.thresholds, rules)
    if rules.reset != "permanent":
        return _leaky(layer, drive, rules)
    return _counted(floor_potential(drive, rules.kernel), layer.thresholds, rules)


def weigh(events: Integers, weights: Integers) -> Integers:
    """Spikes times weights; in double precision, which holds integers below 2^53 exactly."""
    return (events.astype(float) @ weights.astype(float)).astype(np.int64)


def floor_potential(drive: Integers, kernel: Kernel) -> Integers:
    """floor(P) at every step, of drives (step, *batch, unit): thresholds are integers, so that it
    reaches the same ones. Decaying kernels hold P 2^t in 64 bits, which is enough for 30 steps.
    """
    if kernel == "step":
        return drive.cumsum(0)
    if kernel == "ramp":
        return _delayed(drive.cumsum(0))
    time = np.arange(len(drive)).reshape(-1, *[1] * (drive.ndim - 1))
    scaled = (drive << time).cumsum(0)
    if kernel == "alpha":
        scaled = _delayed(scaled)
    return scaled >> time


def _delayed(values: Integers) -> Integers:
    """Sum over all earlier steps."""
    return values.cumsum(0) - values


def _counted(potential: Integers, thresholds: Integers, rules: Rules) -> Integers:
    """Spikes from the running maximum of the potential, permanent reset."""
    top = np.maximum.accumulate(potential, 0)
    if not rules.at_threshold:
        top = top - 1  # in integers, as good as "above"
    total = (top >= thresholds).view(np.int8) if rules.once else np.maximum(0, top // thresholds)
    return np.diff(total, axis=0, prepend=total.dtype.type(0))


def _subtracted(drive: np.ndarray, thresholds: np.ndarray, rules: Rules) -> Integers:
    """Spikes step by step, each subtracting the threshold; of one that spikes once, none do."""
    potential, found = np.zeros(drive.shape[1:], drive.dtype), np.zeros(drive.shape, np.int64)
    for now, spikes in zip(drive, found, strict=True):
        potential += now
        if rules.once:
            spikes[:] = (potential >= thresholds) & ~found.any(0)
            continue
        while (over := potential >= thresholds).any():
            potential -= thresholds * over
            spikes += over
            if rules.spikes_per_step == "one":
                break
    return found


def _leaky(layer: Layer, drive: Integers, rules: Rules) -> Integers:
    """Spikes with a reset that decays by half a step, or with what makes up for it; times 2^t."""
    units = drive.shape[1]
    scaled = np.zeros(units, np.int64)  # potential without resets
    spent = np.zeros(units, np.int64)  # sum over own spikes of 2^(their step)
    found = np.zeros(drive.shape, np.int64)
    for step, now in enumerate(drive):
        scaled = scaled + (now << step)
        if rules.reset == "leaky":
            free = (scaled - layer.thresholds * spent) >> step
            found[step] = np.maximum(0, free // layer.thresholds)
        else:
            fired = found.any(0)
            before = _before(fired.astype(np.int64), layer), _before(spent, layer)
            single = layer.thresholds // layer.times
            given = single * ((before[0] << step) - before[1])
            found[step] = ((scaled + given) >> step >= layer.thresholds) & ~fired
        spent = spent + (found[step] << step)
    return found


def _before(values: Integers, layer: Layer) -> Integers:
    """Sum over the neurons before each one in its group."""
    groups = values.reshape(-1, len(layer.readout))
    return (groups.cumsum(1) - groups).ravel()


def _one_by_one(
    layer: Layer, events: Integers, rules: Rules, generator: np.random.Generator | None
) -> Integers:
    """Spikes where each spike of a step is tested by itself, kernel ``step``."""
    step, unit = np.nonzero(events)
    many = events[step, unit]
    step, unit = step.repeat(many), unit.repeat(many)
    if rules.arrival == "shuffled":
        order = np.lexsort((generator.random(len(step)), step))
        step, unit = step[order], unit[order]
    found = np.zeros((len(events), len(layer.thresholds)), np.int64)
    np.add.at(found, step, _counted(layer.weights[unit].cumsum(0), layer.thresholds, rules))
    return found
