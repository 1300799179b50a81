"""What the GPU kernels need to know of a neuron."""

from __future__ import annotations

from typing import Literal, NamedTuple

from torch import Tensor

__all__ = ["Equation"]


class Equation(NamedTuple):
    """A neuron as a case of the equation in ``equations``.

    Attributes:
        reset: which of its three resets.
        decay, threshold: floats, or tensors that broadcast against a step of the drive.
        theta: decay of the refractory trace, 0 for other resets.
    """

    reset: Literal["soft", "hard", "trace"]
    decay: Tensor | float
    threshold: Tensor | float
    theta: float = 0.0
