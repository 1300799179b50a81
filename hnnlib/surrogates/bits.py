"""Derivatives of the bits of a number: what the backward pass of a bit-plane encoder uses.

Bit k of X, B_k(X) = floor(X / 2^k) mod 2, is a square wave with edges every 2^k: its derivative is
0 but where there is none. ``DERIVATIVES`` are the surrogates of Luu et al. (arXiv:2509.24411) and
what they are compared with.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

__all__ = ["BITS", "DERIVATIVES", "LARGEST", "BitDerivative", "slopes"]

BITS = 8
LARGEST = 2**BITS - 1
BitDerivative = Literal[
    "blocked", "ste", "neighbour", "fourier", "fourier_half", "sigsine", "tanhsine"
]
_STEEPNESS = 10.0
_TERMS = 5


def _blocked(x: Tensor, edge: Tensor) -> Tensor:
    """0: the control."""
    return torch.zeros_like(x * edge)


def _ste(x: Tensor, edge: Tensor) -> Tensor:
    """1 / 255 in every plane (straight through), so that encoder and decoder together have 1."""
    return torch.full_like(x * edge, 1 / LARGEST)


def _neighbour(x: Tensor, edge: Tensor) -> Tensor:
    """B_k(r) - B_k(r - 1) with r the integer next to X: the exact finite difference."""
    integer = torch.floor(x + 0.5).clamp(1, LARGEST)
    bit, before = (torch.floor(part / edge).remainder(2) for part in (integer, integer - 1))
    return bit - before


def _fourier(x: Tensor, edge: Tensor) -> Tensor:
    """-(2 / 2^k) sum of cos(n pi X / 2^k) over n = 1, 3, .., 9: of the truncated Fourier series."""
    first = torch.cos(x * (math.pi / edge))
    # cos((n + 2) a) = 2 cos(2 a) cos(n a) - cos((n - 2) a)
    double = 4 * first.square() - 2
    before, wave, total = first, first, first
    for _ in range(_TERMS - 1):
        before, wave = wave, double * wave - before
        total = total + wave
    return total * (-2 / edge)


def _fourier_half(x: Tensor, edge: Tensor) -> Tensor:
    """The same and 1/2, which the public code adds: the authors' default."""
    return 0.5 + _fourier(x, edge)


def _sigsine(x: Tensor, edge: Tensor) -> Tensor:
    """Of sigmoid(u), u = -10 sin(pi X / 2^k)."""
    wave, slope = _sine(x, edge)
    value = torch.sigmoid(wave)
    return value * (1 - value) * slope


def _tanhsine(x: Tensor, edge: Tensor) -> Tensor:
    """Of (1 + tanh(u)) / 2 with the same u."""
    wave, slope = _sine(x, edge)
    return 0.5 * (1 - torch.tanh(wave).square()) * slope


def _sine(x: Tensor, edge: Tensor) -> tuple[Tensor, Tensor]:
    """u and its derivative."""
    angle = x * (math.pi / edge)
    slope = (-_STEEPNESS * math.pi) / edge
    return -_STEEPNESS * torch.sin(angle), slope * torch.cos(angle)


_FUNCTIONS = (_blocked, _ste, _neighbour, _fourier, _fourier_half, _sigsine, _tanhsine)
DERIVATIVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = dict(
    zip(get_args(BitDerivative), _FUNCTIONS, strict=True)
)
"""dB_k/dX by name, from X in 0 to 255 and the distance 2^k of the edges of plane k."""


def slopes(name: BitDerivative, x: Tensor, rescale: bool = False) -> Tensor:
    """dB_k/dX of all planes, (plane, *x.shape), the least significant first.

    Args:
        name: of ``DERIVATIVES``.
        x: X, between 0 and 255.
        rescale: times k / 2^(7-k), the order-aware rescaling of the paper.
    """
    order = torch.arange(BITS, dtype=x.dtype, device=x.device).view(-1, *[1] * x.ndim)
    found = DERIVATIVES[name](x, 2**order)
    return found * order / 2 ** (BITS - 1 - order) if rescale else found
