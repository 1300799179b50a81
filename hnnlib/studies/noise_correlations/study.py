"""Trains the networks of the study ``noise_correlations``, and disturbs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from hnnlib.analysis import manifold, noise, regimes
from hnnlib.analysis.correlations import VARIANTS
from hnnlib.datasets import registry, splits
from hnnlib.datasets.imagedata import ImageData
from hnnlib.networks.classifier import ImageClassifier, ImageDesign
from hnnlib.networks.residual import SewResNet18
from hnnlib.networks.vgg import SpikingVgg11
from hnnlib.studies.base import Context, Settings, Study, join_cells
from hnnlib.studies.base.settings import ImageSettings, Quantity, ScheduleSettings, Seeds, limits
from hnnlib.studies.noise_correlations.measures import (
    Collected,
    noise_variables,
    regime_variables,
)
from hnnlib.training import loop, measurement, scoring
from hnnlib.training.examples import Images, Parts
from hnnlib.training.loop import Schedule
from hnnlib.training.tasks import Classification

__all__ = ["MOMENTS", "STUDY", "NoiseCorrelations", "NoiseCorrelationsSettings"]

ProtocolName = Literal[
    "corrected",
    "public_code",
    "first_samples",
    "without_threes",
    "carried_state",
    "stale_records",
    "unit_noise",
    "matched_noise",
]

MOMENTS = {
    "mnist": ((0.1307,), (0.3081,)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "digits": ((0.3053,), (0.3760,)),
    "cluttered_digits": ((0.2232, 0.2231, 0.2237), (0.1568, 0.1573, 0.1569)),
}
"""Mean and deviation of the pixels of each data set, one a channel; of the first two as in the
public code."""
_WITH_MATRIX = ("corrected", "public_code")
SMALLEST_OF_VGG = 16  # pixels an edge
_NEURON = (2.0, 1.0)
"""tau and V_th that networks are trained with."""


class TrainingSettings(ScheduleSettings):
    """How to train a network; the epoch with the smallest validation loss is kept."""

    epochs: int = Field(
        gt=0, le=100_000, description="at most so many passes over the training part"
    )
    batch: int = Field(128, gt=0, le=1_000_000, description="examples a step")
    learning_rate: Quantity = Field(1e-3, description="of Adam")
    patience: int = Field(
        5, gt=0, le=100_000, description="epochs without a better one, after which it ends"
    )


class NoiseSettings(Settings):
    """Algorithm 1."""

    samples: int = Field(2000, gt=0, le=1_000_000, description="test samples of each seed")
    protocols: tuple[ProtocolName, ...] = Field(
        ("corrected", "public_code"), min_length=1, description="see hnnlib.analysis.noise"
    )
    penultimate_units: int = Field(
        512, gt=1, le=10_000, description="most units of the penultimate layer"
    )
    layer_units: int = Field(128, gt=1, le=10_000, description="most units of any other layer")
    resamples: int = Field(200, gt=1, le=100_000, description="of the bootstrap over samples")
    lanes: int = Field(64, gt=0, le=10_000, description="samples at once; bounds the memory")


class RegimeSettings(Settings):
    """The grid of test-time neurons."""

    taus: tuple[Annotated[float, Field(gt=1, le=1e6)], ...] = Field(
        min_length=2, description="time constants in steps, above 1"
    )
    thresholds: tuple[Quantity, ...] = Field(min_length=2, description="V_th")
    samples: int = Field(500, gt=0, le=1_000_000, description="test samples of each seed")

    @model_validator(mode="after")
    def _holds_the_trained_neuron(self) -> RegimeSettings:
        if _NEURON[0] not in self.taus or _NEURON[1] not in self.thresholds:
            raise ValueError(
                f"networks are trained with tau {_NEURON[0]:g} and V_th {_NEURON[1]:g}: "
                "the grid needs both"
            )
        return self


class NetworkSettings(ImageSettings):
    """One network on one data set."""

    network: Literal["sew_resnet18", "vgg11"]
    dataset: Literal["mnist", "cifar10", "digits", "cluttered_digits"]
    width: float = Field(1.0, ge=0.001, le=1, description="factor on channels and hidden units")
    enlarge: int = Field(
        1,
        gt=0,
        le=64,
        description="pixels become squares of so many pixels: VGG11 needs 16 an edge",
    )
    head: Literal["light", "full"] = Field("light", description="of VGG11")
    steps: int = Field(10, gt=1, le=10_000, description="time steps T")
    training: TrainingSettings
    noise: NoiseSettings
    regimes: RegimeSettings | None = None

    @model_validator(mode="after")
    def _large_enough(self) -> NetworkSettings:
        edge = self.enlarge * registry.get(self.dataset).shape[-1]
        if self.network == "vgg11" and edge < SMALLEST_OF_VGG:
            raise ValueError(
                f"VGG11 needs {SMALLEST_OF_VGG} pixels an edge and has {edge}: enlarge the images"
            )
        return self

    @property
    def batch(self) -> int:
        """See ``ImageSettings``; an enlarged image counts as so many."""
        return self.training.batch * self.enlarge**2

    @property
    def group(self) -> str:
        """Name of its training job."""
        return f"{self.network}_{self.dataset}"


class NoiseCorrelationsSettings(Settings):
    """Section of the study in a scale file."""

    seeds: Seeds
    networks: tuple[NetworkSettings, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> NoiseCorrelationsSettings:
        groups = [chosen.group for chosen in self.networks]
        if len(set(groups)) < len(groups):
            raise ValueError("a network stands twice with the same data set")
        return self


class NoiseCorrelations(Study):
    """See the package."""

    title = "Noise and correlations"
    paper = "mazurek_caputa_wielgosz"
    Settings = NoiseCorrelationsSettings

    def groups(self, settings: NoiseCorrelationsSettings) -> dict[str, NetworkSettings]:
        """One job a network and data set."""
        return {chosen.group: chosen for chosen in settings.networks}

    def relevant(
        self, settings: NoiseCorrelationsSettings, group: str
    ) -> NoiseCorrelationsSettings:
        """A job depends on its own network only."""
        return settings.model_copy(update={"networks": (self.groups(settings)[group],)})

    def datasets(self, settings: NoiseCorrelationsSettings) -> list[str]:
        """See ``Study``."""
        return [chosen.dataset for chosen in settings.networks]

    def train(
        self, group: str, settings: NoiseCorrelationsSettings, context: Context
    ) -> xr.Dataset:
        """Train one network over the seeds, disturb its inputs, then its neurons."""
        job = _Job(self.groups(settings)[group], settings.seeds, context)
        trained = job.trained()
        cells = [*job.noise_cells(trained), *job.regime_cells(trained)]
        return join_cells(cells)


class _Job:
    """One network on one data set."""

    def __init__(self, chosen: NetworkSettings, seeds: tuple[int, ...], context: Context) -> None:
        self.chosen, self.seeds, self.context = chosen, seeds, context
        data = context.data(chosen.dataset)
        self.images = Images(_enlarged(data, chosen.enlarge), context.device)
        drawn = [splits.of_images(data, seed, limits(chosen.samples)) for seed in seeds]
        self.parts = Parts.of(drawn, context.device)
        mean, deviation = MOMENTS[chosen.dataset]
        design = ImageDesign(
            self.images.in_shape, data.n_classes, chosen.width, chosen.steps, mean, deviation
        )
        self.network = _build(chosen, design, seeds, context).to(context.device)

    def trained(self) -> xr.Dataset:
        """Train the population; what is stored of every cell."""
        chosen, context = self.chosen, self.context
        schedule = Schedule(**chosen.training.model_dump())
        fit = loop.fit(
            self.network,
            self.images,
            self.parts,
            schedule,
            context.checkpoint("network"),
            say=lambda line: context.say(f"{chosen.group}: {line}"),
            task=Classification(choose="loss"),
        )
        labels = {"network": chosen.network, "dataset": chosen.dataset}
        return measurement.measure(chosen.group, labels, self.network, self.images, self.parts, fit)

    def noise_cells(self, trained: xr.Dataset) -> Iterator[xr.Dataset]:
        """Algorithm 1 under every protocol, seen through every variant."""
        settings, network = self.chosen.noise, self.network
        for name in settings.protocols:
            protocol = noise.PROTOCOLS[name]
            recorder = noise.Recorder(
                settings.layer_units, {network.penultimate: settings.penultimate_units}
            )
            collected = Collected(self.seeds, network.penultimate)
            rows = noise.choose(self.parts.test, settings.samples, protocol, self.seeds)
            failed_at = noise.inject(
                network, self.images, rows, protocol, recorder, collected, settings.lanes
            )
            failed = ((failed_at > 0) & (failed_at <= network.design.steps)).sum(1)
            self.context.say(
                f"{self.chosen.group}: noise, {name}: {failed.tolist()} samples failed"
            )
            for variant in VARIANTS:
                found = noise_variables(
                    collected,
                    recorder,
                    failed_at,
                    variant,
                    network.design.steps,
                    resamples=settings.resamples,
                    with_matrix=name in _WITH_MATRIX,
                )
                yield _cell(trained, found, arm="noise", protocol=name, variant=variant)

    def regime_cells(self, trained: xr.Dataset) -> Iterator[xr.Dataset]:
        """Correlations with other neurons, without noise."""
        settings = self.chosen.regimes
        if settings is None:
            return
        rows = noise.choose(
            self.parts.test, settings.samples, noise.PROTOCOLS["corrected"], self.seeds
        )
        held_out = self.parts.validation[:, : settings.samples]
        points = np.empty((len(settings.taus), len(settings.thresholds)), object)
        chosen = np.empty_like(points)  # by validation: of what is told, nothing chooses
        for i, j in np.ndindex(points.shape):
            with regimes.changed(self.network, settings.taus[i], settings.thresholds[j]):
                points[i, j] = regimes.observe(
                    self.network, self.images, rows, self.chosen.noise.penultimate_units
                )
                chosen[i, j] = scoring.score(self.network, self.images, held_out)
        labels, validation = _regimes(points, chosen, 1 / self.network.design.classes)
        self.context.say(f"{self.chosen.group}: {points.size} neurons tried without noise")
        place = (settings.taus.index(_NEURON[0]), settings.thresholds.index(_NEURON[1]))
        for variant in VARIANTS:
            found = regime_variables(
                points, labels, validation, settings.taus, settings.thresholds, variant, place
            )
            yield _cell(trained, found, arm="regime", protocol="none", variant=variant)


def _build(
    chosen: NetworkSettings, design: ImageDesign, seeds: tuple[int, ...], context: Context
) -> ImageClassifier:
    if chosen.network == "vgg11":
        return SpikingVgg11(design, seeds, context.engine, chosen.head)
    return SewResNet18(design, seeds, context.engine)


def _enlarged(data: ImageData, factor: int) -> ImageData:
    """Images whose pixels are squares of ``factor`` x ``factor`` pixels."""
    return replace(data, images=data.images.repeat(factor, 2).repeat(factor, 3))


def _regimes(
    points: np.ndarray, chosen: np.ndarray, chance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Regimes and validation accuracy, (seed, tau, threshold).

    Args:
        points: of ``regimes.Point``, on the test part: rates.
        chosen: of ``scoring.Scores``, on validation: answers.
    """

    def grid(places: np.ndarray, name: str) -> np.ndarray:
        values = [[np.asarray(getattr(p, name)) for p in line] for line in places]
        return np.moveaxis(np.array(values), 2, 0)

    accuracy, share = grid(chosen, "accuracy"), grid(chosen, "top_answer_share")
    rates = grid(points, "rate"), grid(points, "output")
    return manifold.regimes(accuracy, *rates, chance, share), accuracy


def _cell(trained: xr.Dataset, found: xr.Dataset, **labels: str) -> xr.Dataset:
    """What is stored of a network, with the variables and coordinates of one of its cells."""
    name = "/".join([str(trained["cell"].item()), *labels.values()])
    cell = trained.assign_coords({key: ("cell", [value]) for key, value in labels.items()})
    return cell.merge(found).assign_coords(cell=[name])


STUDY = NoiseCorrelations()
