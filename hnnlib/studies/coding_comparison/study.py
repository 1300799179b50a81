"""Trains the cells of the study ``coding_comparison``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import torch
import xarray as xr

from hnnlib.codings.base import Coding
from hnnlib.codings.bit_planes import BitPlanes
from hnnlib.datasets import splits
from hnnlib.datasets.imagedata import ImageData
from hnnlib.networks.hybrid import CODINGS, HybridNetwork, Switches
from hnnlib.networks.notation import LayerSpec, parse, resize
from hnnlib.studies.base import Context, Study, join_cells, split_into_jobs
from hnnlib.studies.base.settings import PartSizes, limits
from hnnlib.studies.coding_comparison.cells import (
    ARCHITECTURES,
    Cell,
    CodingSettings,
    FamilySettings,
    ScheduleChange,
    cells,
)
from hnnlib.training import loop, measurement
from hnnlib.training.examples import Examples, Frozen, Images, Parts, cache
from hnnlib.training.loop import Schedule
from hnnlib.variables import of_cell

__all__ = ["STUDY", "CodingComparison"]


class CodingComparison(Study):
    """See the package."""

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
                    and c.coding in (*chosen.codings, "none", "bit_planes")
                    and (c.architecture in chosen.rows or c.training == "pretrained")
                ]
                if any(c.training != "pretrained" for c in wanted):
                    columns[column] = wanted
            for some in split_into_jobs(list(columns), chosen.jobs):
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
        fit = loop.fit(
            network,
            examples,
            rows,
            schedule,
            self.context.checkpoint(cell.name, cell),
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
        text = "share of test images that the frozen network was trained on"
        measured["test_overlap"] = of_cell(("seed",), overlap, text)
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
    if cell.coding == BitPlanes.name:
        return BitPlanes()  # of eight steps, whatever the others have
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
    samples: PartSizes | None,
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
            limit=limits(samples),
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


STUDY = CodingComparison()
