"""Mean and variance of a membrane potential under normally distributed input, predicted and drawn.

With u ~ N(m, q) before a step, u' = f(u) + I, f(u) = A u^2 + B u + G and I ~ N(0, sigma^2) drawn
anew at every step,

    m' = A (m^2 + q) + B m + G          q' = (2 A m + B)^2 q + 2 A^2 q^2 + sigma^2.

From a reset (m = q = 0) this is exact for two steps. The potential is not normal after the second,
and a reset cuts it: from the third step on it is an approximation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np

from hnnlib.neurons.quadratic import Map

__all__ = ["COUNTED", "Drawn", "drawn", "leak", "moments", "window"]

_Number = TypeVar("_Number")


def leak(decay: _Number) -> Map:
    """The map of a leaky integrator."""
    return Map(0.0, decay, 0.0)


SHAPED = ("centred", "gaussian")
"""Windows as wide as the computed one that lie elsewhere, or have another shape."""


def moments(f: Map, sigma: _Number, steps: int) -> Iterator[tuple[_Number, _Number]]:
    """Mean and variance at each step after a reset, without reset since.

    Args:
        sigma: standard deviation of the input; it and the numbers of the map may be tensors.
    """
    m, q = 0.0 * sigma, 0.0 * sigma
    for _ in range(steps):
        m, q = (
            f.square * (m**2 + q) + f.slope * m + f.shift,
            (2 * f.square * m + f.slope) ** 2 * q + 2 * f.square**2 * q**2 + sigma**2,
        )
        yield m, q


def window(f: Map, sigma: _Number, rule: str | float = "two_step") -> _Number:
    """Half-width g of the surrogate's window around the threshold.

    Args:
        rule: ``two_step``, one standard deviation of the potential two steps after a reset (Jahns
            et al., Theorem 4.1, whose constant is not known); ``twice``, two of them; ``sigma``,
            that after one step, the input's; ``centred``, as ``two_step``, but around the mean
            potential, see ``centre``; ``gaussian``, as a Gaussian's deviation; or a number.
    """
    if rule == "sigma":
        return sigma
    if rule in ("two_step", "twice", *SHAPED):
        *_, (_, q) = moments(f, sigma, 2)
        return (2 if rule == "twice" else 1) * q**0.5
    return float(rule) + 0.0 * sigma


def centre(f: Map, sigma: _Number, rule: str) -> _Number:
    """Where the window lies, measured from a threshold of 1: two steps after a reset a potential is
    m on average, around which ``centred`` is laid.
    """
    if rule != "centred":
        return 0.0 * sigma
    *_, (m, _) = moments(f, sigma, 2)
    return m - 1


class Drawn(NamedTuple):
    """What samples say at each step: mean and variance (step,), and the density (step, bin) of the
    first ``COUNTED``.
    """

    mean: np.ndarray
    variance: np.ndarray
    density: np.ndarray


COUNTED = 100_000


def drawn(f: Map, inputs: np.ndarray, edges: np.ndarray, reset: bool) -> Drawn:
    """Samples of the potential before the reset, from 0.

    Args:
        inputs: (step, sample), drawn anew at every step.
        edges: of the bins.
        reset: whether a potential at threshold 1 or above is set to 0 behind its step.
    """
    u, found = np.zeros(inputs.shape[1]), []
    for drive in inputs:
        u = f(u) + drive
        counts, _ = np.histogram(u[:COUNTED], edges)
        found.append((u.mean(), u.var(), counts / (len(u[:COUNTED]) * np.diff(edges))))
        if reset:
            u[u >= 1] = 0
    return Drawn(*(np.array(part) for part in zip(*found, strict=True)))
