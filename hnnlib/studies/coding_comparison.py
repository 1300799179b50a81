"""Coding comparison: how artificial layers should speak to spiking ones (Muramatsu & Yu, Tables
1a-3b).

Cells are the rows and columns of the paper's tables, plus forensic arms: cells that differ from a
cell of the tables in one protocol choice, so that the difference says what the choice was worth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import torch
import xarray as xr
from pydantic import Field, field_validator

from hnnlib.codings.base import Coding
from hnnlib.datasets import ImageData, splits
from hnnlib.networks.hybrid import CODINGS, HybridNetwork, Switches
from hnnlib.networks.notation import LayerSpec, parse, resize
from hnnlib.studies.base import Context, Settings, Study, dealt, join_cells
from hnnlib.training import loop, measurement
from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.examples import Examples, Frozen, Images, Parts, cache
from hnnlib.training.loop import Schedule

__all__ = ["ARCHITECTURES", "STUDY", "Cell", "CodingComparison", "cells"]

Arm = Literal[
    "main", "input_mode", "split", "head", "poisson_p", "boundary_act", "gaussian", "train_filter"
]
Phase = Literal["simultaneous", "separate", "pretrained", "gaussian", "poisson"]

MlpRow = Literal["S784-S500-S10", "A784-S500-S10", "A784-A500-S10", "A784-A500-A10"]
CnnRow = Literal[
    "S32C3-S32C3-S64C3-P2-S64C3-P2-S512-S10",
    "A32C3-S32C3-S64C3-P2-S64C3-P2-S512-S10",
    "A32C3-A32C3-A64C3-P2-S64C3-P2-S512-S10",
    "A32C3-A32C3-A64C3-P2-A64C3-P2-S512-S10",
    "A32C3-A32C3-A64C3-P2-A64C3-P2-A512-A10",
]
ARCHITECTURES = {"mlp": get_args(MlpRow), "cnn": get_args(CnnRow)}
"""Rows of the paper's tables, from purely spiking to purely artificial."""


class ScheduleSettings(Settings):
    """How long and how fast to train."""

    epochs: int = Field(gt=0, description="passes over the training part")
    batch: int = Field(gt=0, description="examples a step")
    learning_rate: float = Field(gt=0, description="of Adam")
    milestones: tuple[int, ...] = Field(
        (), description="epochs at which the learning rate falls tenfold"
    )


class ScheduleChange(Settings):
    """What one phase does otherwise."""

    epochs: int | None = Field(None, gt=0)
    batch: int | None = Field(None, gt=0)
    learning_rate: float | None = Field(None, gt=0)
    milestones: tuple[int, ...] | None = None


class Samples(Settings):
    """At most so many images of each part; the parts are drawn 6:2:2 from the whole data set
    first.
    """

    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)


class FamilySettings(Settings):
    """One half of the paper: the MLPs on MNIST or the CNNs on CIFAR-10, at some size and on some
    data.
    """

    dataset: Literal["mnist", "cifar10", "digits", "cluttered_digits"]
    width: float = Field(
        1.0, gt=0, le=4, description="factor on the hidden layers' units or channels"
    )
    steps: int = Field(25, gt=0, description="time steps T")
    samples: Samples | None = None
    schedule: ScheduleSettings
    phases: dict[Phase, ScheduleChange] = {}
    train_filter: bool = Field(
        False, description="train the synaptic filters in the cells of the tables"
    )
    arms: tuple[Arm, ...] = Field(
        ("main",), description="cells of the paper's tables, and forensic arms beside them"
    )
    jobs: int | None = Field(
        None, gt=0, description="training jobs that share the cells; one a column by default"
    )

    @field_validator("arms")
    @classmethod
    def _with_main(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        if "main" not in arms:
            raise ValueError("arms are compared with the cells of the tables: add 'main'")
        return arms


class MlpSettings(FamilySettings):
    """The MLPs of Tables 1a, 2a and 3a."""

    rows: tuple[MlpRow, ...] = Field(ARCHITECTURES["mlp"], description="rows of the tables to run")


class CnnSettings(FamilySettings):
    """The CNNs of Tables 1b, 2b and 3b."""

    rows: tuple[CnnRow, ...] = Field(ARCHITECTURES["cnn"], description="rows of the tables to run")


class CodingSettings(Settings):
    """Section of the study in a scale file."""

    seeds: tuple[int, ...] = Field(min_length=1)
    mlp: MlpSettings | None = None
    cnn: CnnSettings | None = None


@dataclass(frozen=True)
class Cell:
    """One configuration: a row (architecture), a column (coding, training) and its switches.

    ``head`` is where the spiking rest of separate training starts from: fresh draws, or, coupled,
    those of the layers that the frozen network had in its place and was trained with.
    """

    family: str
    architecture: str
    coding: str
    training: str
    train_filter: bool
    arm: str = "main"
    boundary_act: str = "sigmoid"
    input_mode: str = "axon"
    poisson_p: str = "sigmoid"
    gaussian: str = "code"
    split_mode: str = "shared"
    head: str = "fresh"

    @property
    def name(self) -> str:
        """Unique name: family, row, column, arm."""
        row = "".join(label[0] for label in self.architecture.split("-") if label[0] != "P")
        return f"{self.family}/{row}/{self.coding}/{self.training}/{self.arm}"

    @property
    def phase(self) -> str:
        """Whose schedule it follows."""
        if self.training == "pretrained":
            return "pretrained"
        return self.coding if self.coding in ("gaussian", "poisson") else self.training


def cells(family: str, train_filter: bool) -> dict[str, list[Cell]]:
    """All cells of one family, by training job; a frozen network stands before the cells that read
    it.
    """
    pure_s, *hybrids, pure_a = ARCHITECTURES[family]

    def cell(architecture: str, coding: str, how: str, **switches: Any) -> Cell:
        return Cell(
            family, architecture, coding, how, **({"train_filter": train_filter} | switches)
        )

    ann = cell(pure_a, "none", "pretrained")
    sigmoid_ann = cell(pure_a, "poisson", "pretrained")
    separate = [cell(row, "duplicate", "separate") for row in hybrids]
    simultaneous = [cell(row, "duplicate", "simultaneous") for row in hybrids]
    gaussian = [cell(row, "gaussian", "simultaneous") for row in hybrids]
    poisson = [cell(row, "poisson", "separate") for row in hybrids]
    spiking = cell(pure_s, "duplicate", "simultaneous")
    direct = [replace(spiking, arm="input_mode", input_mode="direct")] if family == "mlp" else []
    other_filter = {"arm": "train_filter", "train_filter": not train_filter}
    coupled = {"arm": "head", "head": "coupled"}
    relu = {"arm": "boundary_act", "boundary_act": "relu"}
    return {
        "pure": [spiking, cell(pure_a, "none", "simultaneous"), *direct],
        "simultaneous": [*simultaneous, *(replace(c, **relu) for c in simultaneous)],
        "separate": [
            ann,
            *separate,
            *(replace(c, **change) for change in (relu, coupled, other_filter) for c in separate),
        ],
        "split": [replace(c, arm="split", split_mode="per_model") for c in (ann, *separate)],
        "gaussian": [
            *gaussian,
            *(replace(c, arm="gaussian", gaussian="ln_sigma") for c in gaussian),
        ],
        "poisson": [
            cell(pure_s, "poisson", "simultaneous"),
            sigmoid_ann,
            *poisson,
            *(replace(c, arm="poisson_p", poisson_p="code255") for c in poisson),
            *(replace(c, **coupled) for c in poisson),
        ],
        "filter": [replace(c, **other_filter) for c in (spiking, *simultaneous)],
    }


class CodingComparison(Study):
    """See the module."""

    title = "Coding comparison"
    paper = "muramatsu_yu"
    Settings = CodingSettings

    def groups(self, settings: CodingSettings) -> dict[str, list[Cell]]:
        """Training jobs: for each family the cells that share a frozen network or a column, or
        several such columns.
        """
        found = {}
        for family, chosen in self._families(settings):
            columns = {}
            for column, members in cells(family, chosen.train_filter).items():
                # a network that others freeze is trained whether or not its row is asked for
                wanted = [
                    c
                    for c in members
                    if c.arm in chosen.arms
                    and (c.architecture in chosen.rows or c.training == "pretrained")
                ]
                if any(c.training != "pretrained" for c in wanted):
                    columns[column] = wanted
            for some in dealt(list(columns), chosen.jobs):
                found[f"{family}_{'_and_'.join(some)}"] = [c for k in some for c in columns[k]]
        return found

    def relevant(self, settings: CodingSettings, group: str) -> CodingSettings:
        """A job depends on its own family's section only."""
        other = {family: None for family in ARCHITECTURES if not group.startswith(f"{family}_")}
        return settings.model_copy(update=other)

    def datasets(self, settings: CodingSettings) -> list[str]:
        """See ``Study``."""
        return [chosen.dataset for _, chosen in self._families(settings)]

    def _families(self, settings: CodingSettings) -> Iterator[tuple[str, FamilySettings]]:
        for family in ARCHITECTURES:
            chosen = getattr(settings, family)
            if chosen is not None:
                yield family, chosen

    def train(self, group: str, settings: CodingSettings, context: Context) -> xr.Dataset:
        """Train the cells of one job, each as a population over the seeds."""
        members = self.groups(settings)[group]
        chosen = getattr(settings, members[0].family)
        job = _Job(chosen, settings.seeds, context)
        return join_cells([job.train(cell, k, len(members)) for k, cell in enumerate(members)])


class _Job:
    """Trains the cells of one group and remembers the frozen network for those that read it."""

    def __init__(self, chosen: FamilySettings, seeds: tuple[int, ...], context: Context) -> None:
        self.chosen, self.seeds, self.context = chosen, seeds, context
        self.data = context.data(chosen.dataset)
        self.images = Images(self.data, context.device)
        self.frozen: HybridNetwork | None = None
        self.frozen_parts: Parts | None = None

    def train(self, cell: Cell, place: int, total: int) -> xr.Dataset:
        """One cell: a dataset with a single entry along ``cell``."""
        layers, notation = self._layers(cell)
        parts = _parts(self.data, self.seeds, self.chosen.samples, cell, self.context.device)
        network, examples, rows = self._network(cell, layers, parts)
        schedule = self._schedule(cell)
        checkpoint = Checkpoint(
            self.context.checkpoints / f"{cell.name.replace('/', '-')}.npz",
            f"{self.context.identity} {cell} {self.data.source.sha256}",
        )
        fit = loop.fit(
            network,
            examples,
            rows,
            schedule,
            checkpoint,
            say=lambda line: self.context.say(f"[{place + 1}/{total}] {cell.name}: {line}"),
        )
        overlap = (
            np.zeros(len(self.seeds))
            if cell.training != "separate"
            else _overlap(parts.test, self.frozen_parts.train)
        )
        if cell.training == "pretrained":
            self.frozen, self.frozen_parts = network, parts
        labels = _labels(cell, layers) | {"dataset": self.data.name, "network": notation}
        measured = measurement.measure(cell.name, labels, network, examples, rows, fit)
        measured["test_overlap"] = ("cell", "seed"), overlap[None], _OVERLAP
        return measured

    def _layers(self, cell: Cell) -> tuple[tuple[LayerSpec, ...], str]:
        """Layers at this scale's width and input size, and their notation."""
        inputs = int(np.prod(self.images.in_shape)) if cell.family == "mlp" else None
        notation = resize(cell.architecture, inputs, self.chosen.width)
        return parse(notation)[1], notation

    def _network(
        self, cell: Cell, layers: tuple[LayerSpec, ...], parts: Parts
    ) -> tuple[HybridNetwork, Examples, Parts]:
        """The network to train and what it reads: images, or frozen features of them."""
        switches = _switches(cell, self.chosen)
        engine = self.context.engine
        if cell.training != "separate":
            network = HybridNetwork(layers, self.images.in_shape, switches, self.seeds, engine)
            return network.to(self.context.device), self.images, parts
        boundary = next(k for k, layer in enumerate(layers) if layer.spiking)
        reader = _reader(self.frozen, switches)
        examples, rows = cache(
            Frozen(lambda images: reader.encode(images, boundary), self.images), parts
        )
        in_shape = tuple(examples.inputs(rows.test[:, :1]).shape[2:])
        name = "layer" if cell.head == "coupled" else "rest.layer"
        roles = [f"{name}{place}" for place in range(boundary, len(layers))]
        network = HybridNetwork(layers[boundary:], in_shape, switches, self.seeds, engine, roles)
        return network.to(self.context.device), examples, rows

    def _schedule(self, cell: Cell) -> Schedule:
        change = self.chosen.phases.get(cell.phase, ScheduleChange()).model_dump(exclude_none=True)
        return Schedule(**(self.chosen.schedule.model_dump() | change))


def _switches(cell: Cell, chosen: FamilySettings) -> Switches:
    """Network switches of a cell."""
    artificial = cell.architecture.startswith("A") and "S" not in cell.architecture
    return Switches(
        coding=None if artificial else _coding(cell, chosen.steps),
        # the network that Poisson coding freezes has sigmoids everywhere, so that its outputs are
        # probabilities
        hidden_act="sigmoid" if cell.coding == "poisson" else "relu",
        input_mode=cell.input_mode,
        train_filter=cell.train_filter,
        logit_scale=float(chosen.steps) if artificial and cell.training == "simultaneous" else 1.0,
    )


def _coding(cell: Cell, steps: int) -> Coding:
    choice = {
        "duplicate": cell.boundary_act,
        "gaussian": cell.gaussian,
        "poisson": cell.poisson_p,
    }
    return CODINGS[cell.coding](steps, choice[cell.coding])


def _reader(frozen: HybridNetwork, switches: Switches) -> HybridNetwork:
    """The frozen network, read through the switches of the cell that uses it."""
    reader = HybridNetwork(frozen.layers, frozen.in_shape, switches, frozen.seeds, frozen.engine)
    reader.load_state_dict(frozen.state_dict())
    return reader.to(next(frozen.parameters()).device)


def _parts(
    data: ImageData,
    seeds: tuple[int, ...],
    samples: Samples | None,
    cell: Cell,
    device: torch.device,
) -> Parts:
    """Rows of every seed's split; with ``split_mode: per_model`` every model draws its own, as in
    the public code.
    """
    drawn = [
        splits.draw(
            len(data.labels),
            seed,
            groups=data.groups,
            limit=None if samples is None else samples.model_dump(),
            model=cell.name if cell.split_mode == "per_model" else None,
        )
        for seed in seeds
    ]
    return Parts.of(drawn, device)


def _overlap(test: torch.Tensor, trained: torch.Tensor) -> np.ndarray:
    """Share of each member's test rows that are among the frozen network's training rows."""
    return np.array(
        [
            np.isin(a, b).mean()
            for a, b in zip(test.cpu().numpy(), trained.cpu().numpy(), strict=True)
        ]
    )


def _labels(cell: Cell, layers: tuple[LayerSpec, ...]) -> dict[str, str | int]:
    """Coordinates of a cell; netCDF has no booleans."""
    labels = {k: str(v).lower() if isinstance(v, bool) else v for k, v in asdict(cell).items()}
    weights = [layer.spiking for layer in layers if layer.kind != "pool"]
    return labels | {
        "spiking_layers": sum(weights),
        "artificial_layers": len(weights) - sum(weights),
    }


_OVERLAP = {
    "units": "1",
    "long_name": "share of test images that the frozen network was trained on",
}

STUDY = CodingComparison()
