"""Duplicate coding (Muramatsu & Yu, section 3): the same value at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hnnlib.codings.base import Coding
from hnnlib.randomness import MemberNoise
from hnnlib.signals import Separable

__all__ = ["Duplicate"]

_ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid}


@dataclass(frozen=True)
class Duplicate(Coding):
    """The signal is separable: products with it are computed once for all steps.

    Attributes:
        activation: of the last artificial layer (text: ReLU; public code: sigmoid).
    """

    activation: Literal["sigmoid", "relu"] = "sigmoid"

    name = "duplicate"

    def values(self, drive: Tensor, pooled: bool) -> Tensor:
        """Activations; a pool's output is activated once more, as in the public code."""
        return _ACTIVATIONS[self.activation](drive)

    def encode(self, values: Tensor, noise: MemberNoise | None = None) -> Separable:
        """See ``Coding``; nothing is drawn."""
        return Separable(values, values.new_ones(self.steps))
