"""Trains the surfaces of the study ``operational_manifold``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import xarray as xr
from pydantic import Field, field_validator, model_validator

from hnnlib.codings.duplicate import Duplicate
from hnnlib.codings.poisson import Poisson
from hnnlib.datasets import splits
from hnnlib.datasets.imagedata import ImageData
from hnnlib.networks.rate import RateDesign, RateNetwork, RectifiedNetwork, rate_error
from hnnlib.randomness import MemberNoise
from hnnlib.studies.base import Context, Settings, Study, join_cells, join_seeds, split_into_jobs
from hnnlib.studies.base.settings import ImageSettings, Quantity, ScheduleSettings, Seeds, limits
from hnnlib.studies.operational_manifold.surface import Point, surface
from hnnlib.surrogates import ATan, Sigmoid
from hnnlib.training import loop, scoring
from hnnlib.training.examples import Images, Parts, Shared
from hnnlib.training.loop import Fit, Schedule
from hnnlib.training.measurement import train_flop
from hnnlib.training.populations import in_pieces
from hnnlib.training.tasks import Classification

__all__ = ["STUDY", "OperationalManifold"]

Arm = Literal["main", "extended", "sigmoid", "control", "matched", "lowest"]

_DEAD_SAMPLE = 200  # test images on which silent units are looked for
_DESIGNS = {
    "mlp": RateDesign((), (512, 256, 10), Poisson(10)),
    "cnn": RateDesign((32, 64, 64), (128, 10), Duplicate(10)),
}


class AxisSettings(Settings):
    """Values at equal distances."""

    first: Quantity
    last: Quantity
    points: int = Field(gt=0, le=1000)

    @model_validator(mode="after")
    def _apart(self) -> AxisSettings:
        if self.points > 1 and self.first == self.last:
            raise ValueError(f"{self.points} points from {self.first} to {self.last} are one")
        return self

    def values(self) -> np.ndarray:
        """All of them."""
        return np.linspace(self.first, self.last, self.points)


class GridSettings(Settings):
    """Points of one surface."""

    tau: AxisSettings = Field(description="membrane time constants in steps, above 1")
    threshold: AxisSettings = Field(description="firing thresholds V_th")

    @field_validator("tau")
    @classmethod
    def _leaky(cls, tau: AxisSettings) -> AxisSettings:
        if min(tau.first, tau.last) <= 1:
            raise ValueError("time constants must be above 1 step")
        return tau


class ManifoldSchedule(ScheduleSettings):
    """How long and how fast to train."""

    batch: int = Field(128, gt=0, le=1_000_000, description="examples a step")
    learning_rate: Quantity = Field(1e-3, description="of Adam")
    patience: int | None = Field(
        None,
        gt=0,
        le=100_000,
        description="epochs without a better validation after which a network stops",
    )


class FamilySettings(ImageSettings):
    """One kind of network on one data set."""

    network: Literal["mlp", "cnn"]
    dataset: Literal["mnist", "cifar10", "digits", "cluttered_digits"]
    width: float = Field(1.0, ge=0.001, le=4, description="factor on the hidden units or channels")
    steps: int = Field(10, gt=0, le=10_000, description="time steps T")
    schedule: ManifoldSchedule
    arms: dict[Arm, GridSettings] = Field(
        description="grids: main is the paper's; extended goes beyond its edge; sigmoid has the "
        "other surrogate; control has rectified units with gain 1 / tau; matched is the MLP on "
        "what this family trains on, to compare a CNN with; lowest is a part of main that has the "
        "lowest threshold and the best point, to be trained at more seeds"
    )
    seeds: Seeds | None = Field(None, description="of this family, instead of the study's")
    jobs: int | None = Field(
        None,
        gt=0,
        le=10_000,
        description="training jobs that share the seeds; one a seed by default",
    )

    @field_validator("arms")
    @classmethod
    def _with_main(cls, arms: dict[Arm, GridSettings]) -> dict[Arm, GridSettings]:
        if "main" not in arms and set(arms) != {"lowest"}:
            raise ValueError("arms are compared with the paper's grid: add 'main'")
        return arms

    @field_validator("arms")
    @classmethod
    def _point_by_point(cls, arms: dict[Arm, GridSettings]) -> dict[Arm, GridSettings]:
        for arm in ("control", "matched"):
            if arm in arms and arms[arm] != arms["main"]:
                raise ValueError(
                    f"'{arm}' is compared with 'main' point by point: give it the same grid"
                )
        return arms


class ManifoldSettings(Settings):
    """Section of the study in a scale file."""

    seeds: Seeds
    families: dict[str, FamilySettings] = Field(
        min_length=1,
        max_length=100,
        description="surfaces to train, under names of letters, digits and _",
    )


@dataclass(frozen=True)
class _Job:
    """One family at some seeds."""

    family: str
    chosen: FamilySettings
    seeds: tuple[int, ...]


class OperationalManifold(Study):
    """See the package."""

    title = "Operational manifold"
    paper = "mazurek_caputa_wielgosz"
    Settings = ManifoldSettings

    def groups(self, settings: ManifoldSettings) -> dict[str, _Job]:
        """Training jobs: the seeds of each family, shared out."""
        return {
            f"{family}_seed{'_and_'.join(map(str, seeds))}": _Job(family, chosen, tuple(seeds))
            for family, chosen in settings.families.items()
            for seeds in split_into_jobs(chosen.seeds or settings.seeds, chosen.jobs)
        }

    def relevant(self, settings: ManifoldSettings, group: str) -> ManifoldSettings:
        """A job depends on its own family and seeds only."""
        job = self.groups(settings)[group]
        chosen = job.chosen.model_copy(update={"seeds": None})
        return settings.model_copy(update={"families": {job.family: chosen}, "seeds": job.seeds})

    def datasets(self, settings: ManifoldSettings) -> list[str]:
        """See ``Study``."""
        return [chosen.dataset for chosen in settings.families.values()]

    def train(self, group: str, settings: ManifoldSettings, context: Context) -> xr.Dataset:
        """Train all grids of one family, seed by seed."""
        job = self.groups(settings)[group]
        return join_seeds([_train_seed(job, seed, context) for seed in job.seeds])


def _train_seed(job: _Job, seed: int, context: Context) -> xr.Dataset:
    """All grids of one family at one seed."""
    data = context.data(job.chosen.dataset)
    limit = limits(job.chosen.samples)
    parts = Parts.of([splits.of_images(data, seed, limit)], context.device)
    surfaces = []
    for arm, grid in job.chosen.arms.items():
        points = _train_grid(job, seed, arm, grid, data, parts, context)
        labels = {
            "cell": f"{job.family}/{arm}",
            "family": job.family,
            "network": "mlp" if arm == "matched" else job.chosen.network,
            "neuron": "rectified" if arm == "control" else "spiking",
            "surrogate": "sigmoid" if arm == "sigmoid" else "atan",
            "dataset": data.name,
            "arm": arm,
        }
        axes = grid.tau.values(), grid.threshold.values()
        surfaces.append(surface(points, *axes, labels, seed, 1 / data.n_classes))
    return join_cells(surfaces)


def _train_grid(
    job: _Job,
    seed: int,
    arm: Arm,
    grid: GridSettings,
    data: ImageData,
    parts: Parts,
    context: Context,
) -> Iterator[Point]:
    """Train a grid as one population, or in pieces where memory is short; point by point, tau the
    slower axis.
    """
    tau, threshold = (
        axis.ravel()
        for axis in np.meshgrid(grid.tau.values(), grid.threshold.values(), indexing="ij")
    )
    schedule = Schedule(**job.chosen.schedule.model_dump())
    images = Shared(Images(data, context.device))

    def build(part: slice) -> RateNetwork | RectifiedNetwork:
        seeds = [seed] * len(tau[part])
        return _network(job.chosen, arm, data, seeds, tau[part], threshold[part], context)

    for piece in in_pieces(build, len(tau), schedule.batch, context.device):
        network = piece.network
        rows = Parts(*(p.expand(len(network.seeds), -1) for p in parts))
        name = f"{job.family}-{arm}-{seed}-{piece.name}"
        fit = loop.fit(
            network,
            images,
            rows,
            schedule,
            context.checkpoint(name, grid),
            say=lambda line, name=name: context.say(f"{name}: {line}"),
            task=Classification(rate_error),
        )
        yield from _measure(network, images, rows, fit)


def _network(
    chosen: FamilySettings,
    arm: Arm,
    data: ImageData,
    seeds: Sequence[int],
    tau: np.ndarray,
    threshold: np.ndarray,
    context: Context,
) -> RateNetwork | RectifiedNetwork:
    design = _DESIGNS["mlp" if arm == "matched" else chosen.network]
    design = RateDesign(
        tuple(max(1, round(chosen.width * c)) for c in design.convolutions),
        (*(max(1, round(chosen.width * u)) for u in design.dense[:-1]), data.n_classes),
        replace(design.coding, steps=chosen.steps),
    )
    in_shape = tuple(data.images.shape[1:])
    if arm == "control":
        network = RectifiedNetwork(design, in_shape, seeds, 1 / tau, threshold)
    else:
        surrogate = Sigmoid() if arm == "sigmoid" else ATan()
        network = RateNetwork(design, in_shape, seeds, tau, threshold, context.engine, surrogate)
    return network.to(context.device)


def _measure(
    network: RateNetwork | RectifiedNetwork, images: Shared, rows: Parts, fit: Fit
) -> Iterator[Point]:
    """What a trained population does, member by member."""
    test = scoring.score_test(network, images, rows)
    train = scoring.train_accuracy(network, images, rows)
    validation = fit.validation_curve.gather(0, fit.best_epoch.clamp(min=0)[None])[0]
    curves = fit.validation_curve.T.cpu().numpy()
    noise = MemberNoise(network.seeds, "coding", "dead", device=rows.test.device)
    dead = _dead_units(network, images, rows.test[:, :_DEAD_SAMPLE], noise)
    units = sum(network.units())
    for member in range(len(network.seeds)):
        yield Point(
            accuracy=float(test.accuracy[member]),
            validation=float(validation[member]),
            curve=curves[member],
            train=float(train[member]),
            layer_spikes=test.layer_spikes[member].cpu().numpy(),
            encoder_spikes=float(test.encoder_spikes[member]),
            rate=float(test.spikes[member]) / (units * network.steps),
            synaptic_operations=float(test.synaptic_operations[member]),
            tie_rate=float(test.tie_rate[member]),
            dead_outputs=float(test.dead_outputs[member]),
            top_answer_share=float(test.top_answer_share[member]),
            dead_units=dead[member],
            best_epoch=int(fit.best_epoch[member]),
            diverged=bool(fit.diverged[member]),
            parameters=network.parameter_count(),
            seconds=fit.seconds / len(network.seeds),
            presented=int(fit.presented[member]),
            flop=train_flop(network, int(fit.presented[member])),
        )


def _dead_units(
    network: RateNetwork | RectifiedNetwork,
    images: Shared,
    rows: torch.Tensor,
    noise: MemberNoise,
) -> list[float]:
    """Share of each member's units that never fire on these rows; NaN where units don't spike."""
    if isinstance(network, RectifiedNetwork):
        return [float("nan")] * len(rows)
    fired = None
    for some in rows.split(50, dim=1):
        found = torch.cat(network.fired(images.inputs(some), noise), dim=1)
        fired = found if fired is None else fired | found
    return (~fired).double().mean(1).tolist()


STUDY = OperationalManifold()
