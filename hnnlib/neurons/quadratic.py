"""The discretised quadratic integrate-and-fire neuron."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from hnnlib.surrogates import Surrogate, spike
from hnnlib.surrogates.rectangle import Rectangle

__all__ = ["Map", "QuadraticIF", "Reading"]

Reading = Literal["euler", "product"]


class Map(NamedTuple):
    """f(u) = A u^2 + B u + G, floats or tensors: what a membrane does in one step by itself."""

    square: float | Tensor
    slope: float | Tensor
    shift: float | Tensor

    def __call__(self, u: Tensor) -> Tensor:
        """f(u), by Horner's rule: two products and two sums."""
        return (self.square * u + self.slope) * u + self.shift

    @property
    def lowest(self) -> float | Tensor:
        """u* = -B / (2 A), left of which the map turns upwards; A is positive."""
        return -self.slope / (2 * self.square)


@dataclass(frozen=True)
class QuadraticIF:
    """Quadratic integrate-and-fire in discrete time (Jahns, Moreno, Stojkov & Kinsy 2025,
    arXiv:2510.05168), with a hard reset.

    U[t] = f(U'[t-1]) + I[t]; O[t] = 1 if U[t] >= V_th; U' = U (1 - O), and f(u) = A u^2 + B u + G
    with A = a, G = a u1 u2. It discretises tau du/dt = a (u - u1) (u - u2) + I. The paper's own
    recurrence, its equation 11, was not seen; two readings fit what is known of it:

    - ``euler``: B = 1 - a (u1 + u2), Euler's step. f(u) = u at rest u1, with slope 1 - a (u2 - u1),
      and at the critical point u2, with slope 1 + a (u2 - u1).
    - ``product``: B = -a (u1 + u2), f(u) = a (u - u1) (u - u2): rest at 0 where u1 is 0.

    Strong inhibition comes back as excitation, since f turns upwards below ``Map.lowest``.

    Attributes:
        a, u1, u2, threshold: floats, or tensors that broadcast against (member, batch, *units).
        clamp: f is taken at the lowest point for all below it; a is then above 0.
    """

    a: float | Tensor = 0.25
    u1: float | Tensor = 0.0
    u2: float | Tensor = 0.5
    threshold: float | Tensor = 1.0
    reading: Reading = "euler"
    clamp: bool = False
    surrogate: Surrogate = field(default_factory=Rectangle)

    @property
    def map(self) -> Map:
        """f."""
        slope = -self.a * (self.u1 + self.u2)
        whole = 1 + slope if self.reading == "euler" else slope
        return Map(self.a, whole, self.a * self.u1 * self.u2)

    @property
    def floor(self) -> float | Tensor:
        """The potential below which f does not change."""
        return self.map.lowest if self.clamp else -math.inf

    def initial(self, like: Tensor) -> Tensor:
        """The potential after a reset, 0."""
        return torch.zeros_like(like)

    def step(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step: (spikes, potential after reset)."""
        potential = self.map(torch.where(state > self.floor, state, self.floor)) + drive
        spikes = spike(potential - self.threshold, self.surrogate, at_threshold=True)
        return spikes, potential * (1 - spikes)
