"""Trains the cells of the study ``bit_plane_coding``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hnnlib.datasets import splits
from hnnlib.networks.fusion import FusionNetwork
from hnnlib.networks.fusion_residual import ResidualFusionNetwork
from hnnlib.studies.base import Context, Study, join_cells, split_into_jobs
from hnnlib.studies.base.settings import limits
from hnnlib.studies.bit_plane_coding.cells import (
    BitPlaneSettings,
    Cell,
    TaskSettings,
    cells,
    labelled,
)
from hnnlib.studies.bit_plane_coding.measures import (
    BINS,
    batch_flips,
    encoder_values,
    gradients,
)
from hnnlib.training import loop, measurement
from hnnlib.training.examples import Images, Parts
from hnnlib.training.loop import Schedule
from hnnlib.variables import of_cell

__all__ = ["STUDY", "BitPlaneCoding"]

_LOOKED_AT = 64  # images of which gradients are taken


class BitPlaneCoding(Study):
    """See the package."""

    title = "Bit-plane coding"
    paper = "luu"
    Settings = BitPlaneSettings

    def groups(self, settings: BitPlaneSettings) -> dict[str, tuple[TaskSettings, list[Cell]]]:
        """The cells of each data set, shared among its jobs."""
        return {
            f"{task.dataset}_{number}": (task, some)
            for task in settings.tasks
            for number, some in enumerate(split_into_jobs(cells(task), task.jobs))
        }

    def relevant(self, settings: BitPlaneSettings, group: str) -> BitPlaneSettings:
        """A job depends on its own data set only."""
        return settings.model_copy(update={"tasks": (self.groups(settings)[group][0],)})

    def datasets(self, settings: BitPlaneSettings) -> list[str]:
        """See ``Study``."""
        return [task.dataset for task in settings.tasks]

    def train(self, group: str, settings: BitPlaneSettings, context: Context) -> xr.Dataset:
        """Train the cells of one job, each as a population over the seeds."""
        task, some = self.groups(settings)[group]
        return join_cells([_trained(cell, task, settings.seeds, context) for cell in some])


def _trained(
    cell: Cell, task: TaskSettings, seeds: tuple[int, ...], context: Context
) -> xr.Dataset:
    data = context.data(task.dataset)
    images = Images(data, context.device)
    drawn = [splits.of_images(data, seed, limits(task.samples)) for seed in seeds]
    parts = Parts.of(drawn, context.device)
    kind = ResidualFusionNetwork if cell.arm == "residual" else FusionNetwork
    network = kind(cell.design(task, data.n_classes), seeds, context.engine)
    network = network.to(context.device)
    rows = parts.train[:, :_LOOKED_AT]
    start = gradients(network, images, rows)
    fit = loop.fit(
        network,
        images,
        parts,
        Schedule(**task.schedule.model_dump()),
        context.checkpoint(f"{task.dataset}/{cell.name}", cell),
        say=lambda line: context.say(f"{task.dataset}/{cell.name}: {line}"),
    )
    measured = measurement.measure(cell.name, {}, network, images, parts, fit)
    beside = {
        "gradient_start": of_cell(
            ("seed", "block"), start, "norm of the loss's gradient by a block's weights, at first"
        ),
        "gradient_end": of_cell(
            ("seed", "block"), gradients(network, images, rows), "the same behind the best epoch"
        ),
        "encoder_values": of_cell(
            ("block", "value"),
            encoder_values(network, images, parts.validation),
            "share of the values that a block reads, all seeds",
        ),
        "batch_flips": of_cell(
            (),
            float(batch_flips(network, images, parts.test)),
            "answers to test images, of all seeds, that depend on the other images of a batch",
        ),
    }
    # networks differ in their blocks
    places = {"block": np.arange(len(network.blocks)), "value": (BINS[1:] + BINS[:-1]) / 2}
    found = measured.assign(beside).assign_coords(places)
    return labelled(found, cell, task.dataset)


STUDY = BitPlaneCoding()
