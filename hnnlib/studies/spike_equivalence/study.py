"""Settings and the job of the study ``spike_equivalence``."""

from __future__ import annotations

from typing import Annotated

import xarray as xr
from pydantic import Field

from hnnlib.studies.base import Context, Settings, Study, join_cells
from hnnlib.studies.base.settings import Seeds
from hnnlib.studies.spike_equivalence.approximation import approximations
from hnnlib.studies.spike_equivalence.random_networks import ARMS, compared
from hnnlib.studies.spike_equivalence.trained import TrainedSettings, trained

__all__ = ["STUDY", "SpikeEquivalence", "SpikeEquivalenceSettings"]

_ABSENT = "none"


class SpikeEquivalenceSettings(Settings):
    """Section of the study in a scale file."""

    seeds: Seeds = Field(description="of the networks and inputs that are drawn")
    depths: tuple[Annotated[int, Field(gt=0, le=3)], ...] = Field(
        min_length=1, description="layers of the networks that are drawn"
    )
    spike_limits: tuple[Annotated[int, Field(gt=0, le=64)], ...] = Field(
        min_length=1, description="the most spikes of any neuron, N_s"
    )
    hidden: tuple[Annotated[int, Field(gt=0, le=1000)], ...] = Field(
        min_length=1, description="neurons n of the networks that approximate functions"
    )
    trained: TrainedSettings | None = Field(
        None, description="a network that is trained at the first seed, and converted"
    )


class SpikeEquivalence(Study):
    """See the package."""

    title = "Spike equivalence"
    paper = "dold_petersen"
    Settings = SpikeEquivalenceSettings

    def groups(self, settings: SpikeEquivalenceSettings) -> dict[str, SpikeEquivalenceSettings]:
        """One job: nothing here takes as long as a start would."""
        return {"all": settings}

    def datasets(self, settings: SpikeEquivalenceSettings) -> list[str]:
        """See ``Study``."""
        return [settings.trained.dataset] if settings.trained else []

    def train(self, group: str, settings: SpikeEquivalenceSettings, context: Context) -> xr.Dataset:
        """Build every network both ways and compare; train one, and convert it."""
        cells = []
        for name, arm in ARMS.items():
            found = [
                compared(name, kernel, depth, most, settings.seeds)
                for kernel in arm.kernels
                for depth in settings.depths
                for most in settings.spike_limits
            ]
            different = sum(int(one["mismatches"].item()) for one in found)
            context.say(f"{name}: {different} spikes differ")
            cells += found
        cells += approximations(settings.hidden, settings.seeds)
        if settings.trained:
            cells.append(trained(settings.trained, settings.seeds[0], context))
        return join_cells(_alike(cells))


def _alike(cells: list[xr.Dataset]) -> list[xr.Dataset]:
    """Cells with the same coordinates; one that a cell has no use for says so."""
    names = {name: None for one in cells for name in one.coords if one[name].dims == ("cell",)}
    return [
        one.assign_coords({name: ("cell", [_ABSENT]) for name in names if name not in one.coords})
        for one in cells
    ]


STUDY = SpikeEquivalence()
