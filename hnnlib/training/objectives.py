"""What training minimises beside plain cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from hnnlib.networks.base import Activity
from hnnlib.training.tasks import cross_entropy

__all__ = ["BoundedSpikeCounts", "EveryStep"]


@dataclass(frozen=True, eq=False)
class BoundedSpikeCounts:
    """Cross-entropy and two bounds on the spike counts n of an example (public code of Ramanathan,
    Eberle & Varol): lower mean_i relu(least - n_i)^2 wakes silent units, upper relu(mean_i n_i -
    most) quietens a layer. Units that don't spike are left out of both means.

    Attributes:
        spiking: (member, 1, unit), True for units that spike.
        lower, least, upper, most: strengths and bounds; bounds in spikes of a unit an example.
    """

    spiking: Tensor
    lower: float = 100.0
    least: float = 1e-3
    upper: float = 0.06
    most: float = 15.0

    def __call__(self, activity: Activity, labels: Tensor) -> Tensor:
        """Mean loss (member,) of a batch with labels (member, batch)."""
        mask = self.spiking.to(activity.counts.dtype)
        units = mask.sum(2).clamp(min=1)  # (member, 1)
        silent = ((self.least - activity.counts).clamp(min=0).square() * mask).sum(2) / units
        loud = ((activity.counts * mask).sum(2) / units - self.most).clamp(min=0)
        penalty = self.lower * silent + self.upper * loud
        return cross_entropy(activity, labels) + penalty.mean(1)


@dataclass(frozen=True)
class EveryStep:
    """Temporal efficient training (Deng et al. 2022, arXiv:2202.11946, eq. 9-11): the mean over
    steps of the cross-entropy of each step's outputs o_t, (1 - weight) of it, and ``weight`` of the
    mean of (o_t - target)^2, which keeps single outputs from running away.

    ``weight`` and ``target`` are those of the public code; it needs ``Activity.steps``.
    """

    weight: float = 0.05
    target: float = 1.0

    def __call__(self, activity: Activity, labels: Tensor) -> Tensor:
        """Mean loss (member,) of a batch with labels (member, batch)."""
        each = [cross_entropy(activity._replace(outputs=o), labels) for o in activity.steps]
        bound = (activity.steps - self.target).square().mean((0, 2, 3))
        return (1 - self.weight) * sum(each) / len(each) + self.weight * bound
