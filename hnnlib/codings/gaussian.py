"""Gaussian coding (Muramatsu & Yu, section 3): normal draws around a mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hnnlib.codings.base import Coding
from hnnlib.randomness import MemberNoise

__all__ = ["Gaussian"]


@dataclass(frozen=True)
class Gaussian(Coding):
    """mu + sigma e[t], e ~ N(0, 1) fresh for every unit and step, at training and at test.

    The layer before gives twice as many units: the first half is mu, the second half sets sigma.

    Attributes:
        variant: ``ln_sigma``: sigma = exp(second half), as the paper says. ``code``: sigma =
            exp(second half / 2) behind a ReLU on both halves, as in the public code, so that mu >=
            0 and sigma >= 1 always.
    """

    variant: Literal["code", "ln_sigma"] = "code"

    name = "gaussian"

    @property
    def linear(self) -> bool:
        """See ``Coding``: the paper's mu and ln sigma may be negative."""
        return self.variant == "ln_sigma"

    def widen(self, units: int) -> int:
        """See ``Coding``."""
        return 2 * units

    def encode(self, values: Tensor, noise: MemberNoise | None = None) -> Tensor:
        """See ``Coding``; gradients flow into both halves."""
        if self.variant == "code":
            values = torch.relu(values)
        mean, spread = values.chunk(2, dim=2)
        sigma = torch.exp(spread / 2 if self.variant == "code" else spread)
        return mean + sigma * noise.normal(self.steps, mean)
