"""A window around the threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

__all__ = ["Rectangle"]


@dataclass(frozen=True)
class Rectangle:
    """h where -g < x - c <= g, else 0 (Wu et al. 2018, doi:10.3389/fnins.2018.00331, eq. 24; there
    c is 0).

    Height and width move together where the area is 1, so that a wide window has a small gradient.

    Args:
        half_width: g, a float, or a tensor that broadcasts against ``distance``.
        height: ``area_1``: h = 1 / (2 g), or ``height_1``: h = 1.
        centre: c, measured from the threshold; as ``half_width``.
    """

    half_width: float | Tensor = 0.5
    height: Literal["area_1", "height_1"] = "area_1"
    centre: float | Tensor = 0.0

    def derivative(self, distance: Tensor) -> Tensor:
        """See class."""
        distance = distance - self.centre
        inside = (distance > -self.half_width) & (distance <= self.half_width)
        return (inside.to(distance.dtype) * self.peak()).to(distance.dtype)

    def peak(self) -> float | Tensor:
        """h."""
        return 1.0 if self.height == "height_1" else 0.5 / self.half_width
