"""Regimes of a trained spiking network whose neurons change at test time.

Mazurek et al. read more correlated spikes under noise as leaving the operating region of time
constant and threshold. Here the network is taken out of that region without any noise: every neuron
gets another tau and V_th, the weights stay.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from hnnlib.analysis.correlations import Correlations
from hnnlib.analysis.noise import Recorder, shifts
from hnnlib.networks.classifier import ImageClassifier
from hnnlib.training.examples import Examples

__all__ = ["Point", "changed", "observe"]


@dataclass
class Point:
    """A population under one tau and V_th.

    Attributes:
        accuracy: (member,).
        rate: spikes a unit and step, mean over all layers of neurons, (member,).
        output: the same of the last layer.
        correlations: of the last layer, one a member.
    """

    accuracy: np.ndarray
    rate: np.ndarray
    output: np.ndarray
    correlations: list[Correlations]


@contextlib.contextmanager
def changed(network: ImageClassifier, tau: float, threshold: float) -> Iterator[None]:
    """The network with other neurons; its own come back at the end."""
    before = network.neuron
    network.neuron = replace(before, tau=tau, threshold=threshold)
    try:
        yield
    finally:
        network.neuron = before


@torch.no_grad()
def observe(
    network: ImageClassifier, images: Examples, rows: Tensor, most: int, batch: int = 250
) -> Point:
    """Accuracy, rates and correlations of a population on rows (member, n), without noise.

    Args:
        most: units of the last layer whose correlations are taken, a fixed random subset.
        batch: samples at once; bounds the memory.
    """
    network.eval()
    recorder = Recorder(0, {network.penultimate: most})
    sums, correlations = np.zeros((3, len(rows))), None
    for some in rows.split(batch, 1):
        frames = network.standardise(images.inputs(some))[None]
        answer = network.unroll(frames, observe=recorder)
        right = answer.outputs.argmax(2) == images.labels(some)
        total = torch.stack(answer.spikes).sum(0)
        last = answer.spikes[list(recorder.layers).index(network.penultimate)]
        sums += torch.stack([right.sum(1), total.sum(1), last.sum(1)]).double().cpu().numpy()
        trains = recorder.take()[network.penultimate]
        if correlations is None:
            correlations = [Correlations(trains.shape[3]) for _ in rows]
        for k, found in enumerate(correlations):
            found.add(trains[k], shifts(network.seeds[k], some[k], trains.shape[2:]))
    samples, steps, units = rows.shape[1], network.design.steps, recorder.layers
    rate = sums[1] / (samples * steps * sum(units.values()))
    output = sums[2] / (samples * steps * units[network.penultimate])
    return Point(sums[0] / samples, rate, output, correlations)
