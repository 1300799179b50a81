"""A trained network of integrate-and-fire neurons, on integers, and the one made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import xarray as xr
from pydantic import Field
from torch import Tensor

from hnnlib.analysis.equivalence import Layer, Rules, propagate, single_from_multi
from hnnlib.codings.duplicate import Duplicate
from hnnlib.datasets import splits
from hnnlib.engines import Engine
from hnnlib.networks.rate import RateDesign, RateNetwork, rate_error
from hnnlib.neurons.integrate import IntegrateAndFire
from hnnlib.studies.base import Context
from hnnlib.studies.base.settings import ImageSettings, Quantity, ScheduleSettings, limits
from hnnlib.studies.spike_equivalence import random_networks
from hnnlib.training import loop, measurement
from hnnlib.training.examples import Images, Parts
from hnnlib.training.loop import Schedule
from hnnlib.training.tasks import Classification

__all__ = ["TrainedSettings", "trained"]

_GRID = 1024
"""Weights are rounded to multiples of one part in so many."""
_AT_ONCE = 100  # images; bounds the memory
_KEPT = (
    "test_accuracy",
    "train_accuracy",
    "spikes",
    "synaptic_operations",
    "parameters",
    "diverged",
)


class TrainedSchedule(ScheduleSettings):
    """How long and how fast to train."""

    learning_rate: Quantity = Field(2e-3, description="of Adam")


class TrainedSettings(ImageSettings):
    """The network that is trained, and then converted."""

    dataset: Literal["mnist", "digits"]
    hidden: int = Field(gt=0, le=10_000, description="units of the hidden layer")
    steps: int = Field(gt=0, le=1000, description="time steps T")
    images: int = Field(gt=0, le=10**6, description="test images that are compared")
    schedule: TrainedSchedule

    @property
    def width(self) -> float:
        """See ``ImageSettings``."""
        return self.hidden / 500


class IntegrateNetwork(RateNetwork):
    """Integrate-and-fire neurons with many spikes a step and without bias.

    Args:
        design, in_shape, seeds, engine: as in ``RateNetwork``.
    """

    def __init__(
        self, design: RateDesign, in_shape: tuple[int, ...], seeds: Sequence[int], engine: Engine
    ) -> None:
        super().__init__(design, in_shape, seeds, [1.0] * len(seeds), [1.0] * len(seeds), engine)
        for synapse in self.synapses:
            synapse.bias = None

    def neuron(self, like: Tensor, axes: int) -> IntegrateAndFire:
        """Thresholds are 1."""
        return IntegrateAndFire(surrogate=self.surrogate)


def trained(chosen: TrainedSettings, seed: int, context: Context) -> xr.Dataset:
    """The cell of a trained network.

    Args:
        seed: of split, initial weights and order.
    """
    data, device = context.data(chosen.dataset), context.device
    images = Images(data, device)
    parts = Parts.of([splits.of_images(data, seed, limits(chosen.samples))], device)
    design = RateDesign((), (chosen.hidden, data.n_classes), Duplicate(chosen.steps))
    network = IntegrateNetwork(design, images.in_shape, [seed], context.engine).to(device)
    fit = loop.fit(
        network,
        images,
        parts,
        Schedule(**chosen.schedule.model_dump()),
        context.checkpoint("network"),
        say=lambda line: context.say(f"{chosen.dataset}: {line}"),
        task=Classification(rate_error),
    )
    measured = measurement.measure("trained", {}, network, images, parts, fit)
    x = images.inputs(parts.test[:, : chosen.images])
    found = converted(network, x, int(data.scale), chosen.steps)
    context.say(f"{chosen.dataset}: {found['prediction_changes']} predictions changed")
    most = found.pop("most")
    cell = random_networks.cell("forward", "trained", "step", 2, most, [found], chosen.dataset)
    kept = measured[list(_KEPT)].isel(cell=0, drop=True).expand_dims(cell=cell["cell"])
    return cell.merge(kept)


@torch.no_grad()
def converted(network: IntegrateNetwork, x: Tensor, scale: int, steps: int) -> dict[str, float]:
    """What becomes of a network when it is converted, for images (1, image, *in) of integers over
    `scale`.

    The network of many spikes is run by its engine on the same integers, in double precision, so
    that this checks the neuron, too.
    """
    weights = [
        np.rint(_GRID * s.weight[0].double().cpu().numpy()).astype(np.int64)
        for s in network.synapses
    ]
    thresholds = _GRID * scale, _GRID
    layers = [Layer.of(w, np.full(w.shape[1], t)) for w, t in zip(weights, thresholds, strict=True)]
    pixels = np.rint(scale * x[0].flatten(1).double().cpu().numpy()).astype(np.int64)
    current = np.broadcast_to(pixels, (steps, *pixels.shape))
    ours = _by_engine(network.engine, layers, current)
    most = max(int(spikes.sum(0).max()) for spikes in ours)
    group = single_from_multi(layers, most)
    found: dict[str, float] = {"most": most, "prediction_changes": 0, "mismatches": 0}
    largest = 0
    for first in range(0, len(pixels), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        theirs = propagate(group, current[:, some], Rules(once=True))
        mine = [spikes[:, some] for spikes in ours]
        counted = random_networks.counts(layers, group, mine, theirs)
        found["mismatches"] += counted.pop("mismatches")
        logits = mine[-1].sum(0), theirs[-1].reshape(*mine[-1].shape, most).sum((0, 3))
        found["prediction_changes"] += int((logits[0].argmax(1) != logits[1].argmax(1)).sum())
        largest = max(largest, int(np.abs(logits[0] - logits[1]).max()))
    plain = network(x).outputs[0].argmax(1).cpu().numpy()
    return (
        counted
        | found
        | {
            "largest_logit_difference": largest,
            "images": len(pixels),
            "most_spikes": most,
            "spikes_compared": sum(int(spikes.sum()) for spikes in ours),
            "rounding_changes": int((plain != ours[-1].sum(0).argmax(1)).sum()),
        }
    )


def _by_engine(engine: Engine, layers: Sequence[Layer], events: np.ndarray) -> list[np.ndarray]:
    """Spikes of every layer, (step, image, unit)."""
    found, signal = [], torch.from_numpy(events.astype(float))[:, None]
    for layer in layers:
        threshold = torch.from_numpy(layer.thresholds.astype(float))
        drive = signal @ torch.from_numpy(layer.weights.astype(float))
        signal, _ = engine.scan(IntegrateAndFire(threshold), drive)
        found.append(signal[:, 0].numpy().astype(np.int64))
    return found
