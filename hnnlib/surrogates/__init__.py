"""Surrogate derivatives: what the backward pass uses instead of the derivative of a step.

A surrogate is a small frozen object with ``derivative(distance)``, where ``distance`` is membrane
potential minus threshold. ``spike`` is the step itself, with the surrogate behind it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["ATan", "Gaussian", "Sigmoid", "SuperSpike", "Surrogate", "spike"]


class Surrogate(Protocol):
    """Anything with a derivative by distance from threshold."""

    def derivative(self, distance: Tensor) -> Tensor:
        """d(spike)/d(distance), same shape as ``distance``."""


@dataclass(frozen=True)
class Gaussian:
    """exp(-x^2 / 2 s^2) / (sqrt(2 pi) s): Muramatsu & Yu, eq. 6, with s = 0.4 (peak 0.997).

    s is a float, or a tensor that broadcasts against ``distance``.
    """

    sigma: float | Tensor = 0.4

    def derivative(self, distance: Tensor) -> Tensor:
        """See class."""
        if isinstance(self.sigma, Tensor):
            scaled = (distance / self.sigma).square()
            return (-scaled / 2).exp() / (math.sqrt(2 * math.pi) * self.sigma)
        log_peak = distance.new_tensor(-math.log(math.sqrt(2 * math.pi) * self.sigma))
        return torch.addcmul(log_peak, distance, distance, value=-0.5 / self.sigma**2).exp_()


@dataclass(frozen=True)
class ATan:
    """(a/2) / (1 + (pi a x / 2)^2): derivative of an arctangent (Fang et al. 2021), peak a/2."""

    alpha: float = 2.0

    def derivative(self, distance: Tensor) -> Tensor:
        """See class."""
        return (self.alpha / 2) / (1 + (math.pi / 2 * self.alpha * distance).square())


@dataclass(frozen=True)
class SuperSpike:
    """1 / (k |x| + 1)^2: Zenke & Ganguli 2018, peak 1."""

    slope: float = 10.0

    def derivative(self, distance: Tensor) -> Tensor:
        """See class."""
        return 1 / (self.slope * distance.abs() + 1).square()


@dataclass(frozen=True)
class Sigmoid:
    """a s (1 - s) with s = 1 / (1 + exp(-a x)): derivative of a logistic function, peak a/4.

    The default of SpikingJelly, with a = 4; its tails are exponential, where those of ``ATan`` are
    quadratic.
    """

    alpha: float = 4.0

    def derivative(self, distance: Tensor) -> Tensor:
        """See class."""
        value = torch.sigmoid(self.alpha * distance)
        return self.alpha * value * (1 - value)


class _Spike(torch.autograd.Function):
    """Heaviside step with a surrogate derivative; usable under torch.func (vmap, double
    backward).
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(distance: Tensor, surrogate: Surrogate, at_threshold: bool) -> Tensor:
        fired = distance >= 0 if at_threshold else distance > 0
        return fired.to(distance.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        distance, ctx.surrogate, _ = inputs
        ctx.save_for_backward(distance)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (distance,) = ctx.saved_tensors
        return gradient * ctx.surrogate.derivative(distance), None, None


def spike(distance: Tensor, surrogate: Surrogate, at_threshold: bool = False) -> Tensor:
    """1 where ``distance`` > 0 (strictly, as in the code of Muramatsu & Yu), else 0; same shape and
    dtype.

    Args:
        distance: membrane potential minus threshold, any shape.
        surrogate: what the backward pass uses.
        at_threshold: whether a unit fires at a distance of exactly 0, too (Mazurek et al., eq. 4).
    """
    return _Spike.apply(distance, surrogate, at_threshold)
