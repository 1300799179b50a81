"""Poisson coding (Muramatsu & Yu, section 3; rate coding of Mazurek et al.): spikes with a
probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hnnlib.codings.base import Coding
from hnnlib.randomness import MemberNoise

__all__ = ["Poisson"]


@dataclass(frozen=True)
class Poisson(Coding):
    """Spikes ~ Bernoulli(p), drawn for every unit and step; no gradient flows.

    Attributes:
        variant: where p comes from. ``sigmoid``: it is the activation of the frozen layer, as the
            paper says. ``code255``: the public code reads the features before the sigmoid, and its
            image loader divides them by 255, so that p = z / 255.
    """

    variant: Literal["sigmoid", "code255"] = "sigmoid"

    name = "poisson"
    graded = False

    def values(self, drive: Tensor, pooled: bool) -> Tensor:
        """Firing probabilities; what a pool gives has been through the sigmoid."""
        if self.variant == "code255":
            return (drive / 255).clamp(0, 1)
        return drive if pooled else torch.sigmoid(drive)

    def encode(self, values: Tensor, noise: MemberNoise | None = None) -> Tensor:
        """See ``Coding``; values are probabilities."""
        # written in order of steps: compared as drawn, member by member, it would be copied later
        spikes = values.new_empty((self.steps, *values.shape))
        return torch.lt(noise.uniform(self.steps, values), values.detach(), out=spikes)
