"""What studies on recordings of spikes share: their tasks as settings, and their data in steps."""

from __future__ import annotations

from pydantic import Field, model_validator
from torch import Tensor

from hnnlib.datasets import registry
from hnnlib.datasets.eventdata import EventData, bin_events
from hnnlib.studies.base import Context, Settings
from hnnlib.studies.base.settings import (
    Quantity,
    ScheduleSettings,
    Seconds,
    WithMain,
    check_memory,
)
from hnnlib.training.examples import Recordings
from hnnlib.training.objectives import BoundedSpikeCounts

__all__ = ["RecordingSchedule", "RegulariserSettings", "TaskBase", "recordings"]


class RecordingSchedule(ScheduleSettings):
    """How long to train, on a cosine."""

    epochs: int = Field(gt=0, le=100_000, description="passes over the training part, on a cosine")
    batch: int = Field(256, gt=0, le=1_000_000, description="examples a step")
    clip: Quantity = Field(1.0, description="largest norm of a gradient")


class RegulariserSettings(Settings):
    """Bounds on spike counts while training, of spiking units only."""

    lower: float = Field(15.0, ge=0, le=1e6, description="strength against silent units")
    least: float = Field(
        1e-3, ge=0, le=1e6, description="spikes of a unit below which it counts as silent"
    )
    upper: float = Field(0.06, ge=0, le=1e6, description="strength against a loud layer")
    most: float = Field(
        15.0, ge=0, le=1e6, description="mean spikes of a unit above which it is loud"
    )

    def objective(self, spiking: Tensor) -> BoundedSpikeCounts:
        """Cross-entropy and these bounds; `spiking` (member, 1, unit) is True for spiking units."""
        return BoundedSpikeCounts(spiking, **self.model_dump())


class TaskBase(Settings):
    """One data set, the arms that are run on it, and how its recordings are cut into steps."""

    dataset: str
    steps: int = Field(100, gt=1, le=10_000, description="time steps T")
    window: Seconds = Field(1.0, description="seconds from the start of a recording")
    units: int = Field(gt=3, le=10_000, description="hidden units of size `full`")
    arms: WithMain[tuple[str, ...]] = ("main",)
    schedule: RecordingSchedule

    @model_validator(mode="after")
    def _fits(self) -> TaskBase:
        batch = min(self.schedule.batch, registry.get(self.dataset).n_examples)
        check_memory(self.steps * batch * self.units, "steps, examples of a batch and units")
        return self


def recordings(task: TaskBase, data: EventData, context: Context) -> Recordings:
    """A task's recordings, cut into its steps."""
    binned = bin_events(data, task.steps, task.window / task.steps)
    return Recordings(binned, data.labels, context.device)
