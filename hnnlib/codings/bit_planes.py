"""Bit-plane coding (Luu et al., arXiv:2509.24411): the eight bits of a value, one at a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from hnnlib.codings.base import Coding
from hnnlib.randomness import MemberNoise
from hnnlib.signals import Signal, count, dense
from hnnlib.surrogates.bits import BITS, LARGEST, BitDerivative, slopes

__all__ = ["BitPlanes"]


@dataclass(frozen=True)
class BitPlanes(Coding):
    """Plane k of X = 255 x, floor(X / 2^k) mod 2, at step k, the least significant first; decoded
    by weights 2^k / 255.

    Nothing is drawn and, but for the rounding to 8 bits, nothing lost.

    Attributes:
        derivative, rescale: the encoder's derivative, see ``hnnlib.surrogates.bits``.
        order: ``public``: decoded with the weights 128 to 1, so that bits are reversed.
        rounding: ``off``: plane 0 is X mod 2, a graded number that lets the rest of X through.
        range: where values leave [0, 1]. ``clip``; ``sample``: each example is rescaled from its
            least to its largest value; ``batch``: all examples of a batch together, as in the
            public code, so that an answer depends on the other examples.
        head_gradient: ``mixed``: where values have no axes but their units, every plane gets every
            plane's gradient, (sum_k d_k)(sum_k G_k), by a mistake of shapes in the public code.
    """

    steps: int = BITS
    derivative: BitDerivative = "fourier_half"
    rescale: bool = True
    order: Literal["corrected", "public"] = "corrected"
    rounding: Literal["on", "off"] = "on"
    range: Literal["clip", "sample", "batch"] = "clip"
    head_gradient: Literal["own", "mixed"] = "own"

    name = "bit_planes"
    graded = False

    def fitted(self, values: Tensor) -> Tensor:
        """Values within [0, 1], by ``range``; what lies within already stays as it is."""
        if self.range == "clip":
            return values.clamp(0, 1)
        axes = tuple(range(1 if self.range == "batch" else 2, values.ndim))
        low, high = values.amin(axes, keepdim=True), values.amax(axes, keepdim=True)
        scaled = (values - low) / (high - low).clamp(min=torch.finfo(values.dtype).tiny)
        return torch.where((low < 0) | (high > 1), scaled, values)

    def values(self, drive: Tensor, pooled: bool) -> Tensor:
        """See ``Coding``: between 0 and 1; what a pool gives has been through an activation."""
        return drive if pooled else torch.sigmoid(drive)

    def encode(self, values: Tensor, noise: MemberNoise | None = None) -> Tensor:
        """See ``Coding``; nothing is drawn."""
        return _Planes.apply(self.fitted(values), self)

    def decode(self, signal: Signal) -> Tensor:
        """See ``Coding``: a weighted sum over time."""
        signal = dense(signal)
        weights = 2 ** torch.arange(BITS, dtype=signal.dtype, device=signal.device) / LARGEST
        if self.order == "public":
            weights = weights.flip(0)
        return torch.tensordot(weights, signal, dims=1)

    def encoder_spikes(self, signal: Signal) -> Tensor:
        """See ``Coding``; of a plane that is graded there are none."""
        return count(dense(signal)[self._graded_planes :])

    def graded_products(self, macs: int) -> int:
        """See ``Coding``: those of a plane that is graded."""
        return self._graded_planes * macs

    @property
    def _graded_planes(self) -> int:
        return int(self.rounding == "off")


class _Planes(torch.autograd.Function):
    """Bits of values within [0, 1], (plane, *values.shape), with a derivative of one's own."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, coding: BitPlanes) -> Tensor:
        ctx.coding = coding
        ctx.save_for_backward(values)
        x = LARGEST * values
        places = torch.arange(BITS, device=x.device).view(-1, *[1] * x.ndim)
        whole = torch.floor(x + 0.5) if coding.rounding == "on" else torch.floor(x)
        planes = ((whole.int() >> places) & 1).to(x.dtype)
        if coding.rounding == "off":
            planes[0] = x.remainder(2)
        return planes

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (values,), coding = ctx.saved_tensors, ctx.coding
        found = LARGEST * slopes(coding.derivative, LARGEST * values, coding.rescale)
        if coding.head_gradient == "mixed" and values.ndim == 3:
            return found.sum(0) * gradient.sum(0), None
        return (found * gradient).sum(0), None
