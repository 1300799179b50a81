"""A bell with wide tails, not normalised."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Lorentzian"]


@dataclass(frozen=True)
class Lorentzian:
    """1 / (1 + g x^2): public code of Abdennadher, Cicciarella & Rossi, with g = 10.

    Peak 1, half width 1 / sqrt(g), area pi / sqrt(g): where ``ATan`` keeps its area as it narrows,
    this one loses it.
    """

    steepness: float = 10.0

    def derivative(self, distance: Tensor) -> Tensor:
        """See class."""
        return 1 / (1 + self.steepness * distance.square())
