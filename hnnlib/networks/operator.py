"""A Fourier neural operator on traces in time, as a population (Li et al. 2021, arXiv:2010.08895).

The discrete Fourier transform is a product with a matrix of the few modes that are kept: traces
here are short, or of a length that no fast transform likes, and products have fast gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnnlib.networks.base import TRAINED_COPIES, Activity
from hnnlib.networks.embedding import Embedding
from hnnlib.randomness import MemberNoise, torch_generator

__all__ = ["FourierOperator", "OperatorDesign", "TraceOperator", "spectrum"]

_LIFTING, _PROJECTION = 2, 4
"""Hidden channels of the two pointwise networks, as multiples of the width (library defaults)."""
_MEMORY = 16
"""Numbers that a point of a layer's input leaves behind for its gradient, about."""


@dataclass(frozen=True)
class OperatorDesign:
    """Sizes of an operator.

    Attributes:
        layers, width: Fourier layers and their channels.
        modes: complex modes of the real Fourier transform that a layer keeps, the mean among them;
            fewer than half of the steps.
    """

    layers: int
    width: int
    modes: int


def spectrum(steps: int, modes: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Matrices of the truncated transform and of its inverse.

    Forward (2 modes, steps): rows cos and -sin over the number of steps, mode by mode. Inverse
    (steps, 2 modes): a real trace from its modes; the mean's imaginary part counts nothing.
    """
    return _spectrum(steps, modes, str(device))


@lru_cache(maxsize=8)
def _spectrum(steps: int, modes: int, device: str) -> tuple[Tensor, Tensor]:
    k = torch.arange(modes, dtype=torch.float64)
    angle = 2 * math.pi * torch.outer(k, torch.arange(steps, dtype=torch.float64)) / steps
    waves = torch.stack([angle.cos(), -angle.sin()], 1)
    both = torch.where(k > 0, 2.0, 1.0)[:, None, None]
    forward = (waves / steps).flatten(0, 1).float().to(device)
    return forward, (waves * both).flatten(0, 1).T.float().contiguous().to(device)


class FourierOperator(nn.Module):
    """Channels over time to one trace: V = Q(v_L), v_0 = P(x),
    v_{l+1} = gelu(W_l v_l + b_l + F^-1(R_l F v_l)), without gelu behind the last layer.

    P and Q are pointwise, with one hidden layer each; the place in time is one more channel. A
    member's weights are functions of its seed alone.

    Args:
        channels: of the input.
        design: sizes.
        seeds: one a member.
    """

    def __init__(self, channels: int, design: OperatorDesign, seeds: Sequence[int]) -> None:
        super().__init__()
        self.design, self.seeds, self.channels = design, tuple(seeds), channels
        w, modes = design.width, design.modes
        sizes = {
            "lift": (channels + 1, _LIFTING * w),
            "lift_out": (_LIFTING * w, w),
            **{f"skip{layer}": (w, w) for layer in range(design.layers)},
            "project": (w, _PROJECTION * w),
            "project_out": (_PROJECTION * w, 1),
        }
        for name, (inputs, outputs) in sizes.items():
            bound = inputs**-0.5
            self._draw(f"{name}_weight", (inputs, outputs), uniform=bound)
            self._draw(f"{name}_bias", (1, outputs), uniform=bound)
        for layer in range(design.layers):
            # normal with a variance of 2 / (in + out), shared by real and imaginary part
            self._draw(f"modes{layer}", (modes, w, 2, w), normal=(2 * w) ** -0.5)

    def _draw(
        self, name: str, shape: tuple[int, ...], uniform: float = 0.0, normal: float = 0.0
    ) -> None:
        """A parameter (member, *shape), each member's from its own stream."""
        weights = torch.empty(len(self.seeds), *shape)
        for one, seed in zip(weights, self.seeds, strict=True):
            generator = torch_generator(seed, "weights", name)
            if normal:
                one.normal_(0, normal, generator=generator)
            else:
                one.uniform_(-uniform, uniform, generator=generator)
        self.register_parameter(name, nn.Parameter(weights))

    def forward(self, x: Tensor) -> Tensor:
        """Traces (member, time, batch) from channels (member, time, batch, channel)."""
        steps = x.shape[1]
        place = torch.arange(steps, device=x.device, dtype=x.dtype) / steps
        x = torch.cat([x, place[:, None, None].expand(*x.shape[:3], 1)], -1)
        v = self._pointwise("lift_out", functional.gelu(self._pointwise("lift", x)))
        matrices = spectrum(steps, self.design.modes, x.device)
        for layer in range(self.design.layers):
            v = self._pointwise(f"skip{layer}", v) + self._spectral(layer, v, *matrices)
            if layer < self.design.layers - 1:
                v = functional.gelu(v)
        return self._pointwise("project_out", functional.gelu(self._pointwise("project", v)))[
            ..., 0
        ]

    def _pointwise(self, name: str, x: Tensor) -> Tensor:
        weight, bias = getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias")
        return torch.baddbmm(bias, x.flatten(1, 2), weight).unflatten(1, x.shape[1:3])

    def _spectral(self, layer: int, v: Tensor, forward: Tensor, inverse: Tensor) -> Tensor:
        """F^-1(R F v): each mode's channels are mixed by a complex matrix of its own."""
        members, _, batch, w = v.shape
        modes = self.design.modes
        found = (forward @ v.flatten(2)).view(members * modes, 2 * batch, w)
        # both parts times both parts in one product
        parts = torch.bmm(found, getattr(self, f"modes{layer}").view(members * modes, w, 2 * w))
        (rr, ri), (ir, ii) = (half.unbind(2) for half in parts.view(-1, 2, batch, 2, w).unbind(1))
        mixed = torch.stack([rr - ii, ri + ir], 1)
        return (inverse @ mixed.view(members, 2 * modes, batch * w)).view_as(v)


class TraceOperator(nn.Module):
    """An operator from numbers to the trace of a membrane: embedding, then ``FourierOperator``.

    Args:
        embedding: from the numbers of an example to channels over time.
        design: sizes.
        steps: of a trace.
        seeds: one a member.
    """

    def __init__(
        self, embedding: Embedding, design: OperatorDesign, steps: int, seeds: Sequence[int]
    ) -> None:
        super().__init__()
        self.embedding, self.design, self.steps = embedding, design, steps
        self.seeds = tuple(seeds)
        self.operator = FourierOperator(embedding.channels, design, seeds)

    def forward(self, x: Tensor, noise: MemberNoise | None = None) -> Activity:
        """Traces (member, batch, time) from numbers (member, batch, number)."""
        return Activity(self.operator(self.embedding(x, self.steps)).transpose(1, 2), [])

    def memory(self, batch: int) -> int:
        """See ``Network``."""
        points = self.steps * batch * (self.embedding.channels + self.design.width * _PROJECTION)
        layers = self.steps * batch * self.design.width * self.design.layers
        return 4 * (TRAINED_COPIES * self.parameter_count() + _MEMORY * (points + layers))

    def parameter_count(self) -> int:
        """Trained numbers of one member: 2 L w^2 m of the modes, and the pointwise parts."""
        return sum(p[0].numel() for p in self.parameters())

    def products(self) -> float:
        """Multiply-accumulates of one trace; a complex product is four."""
        w, modes, steps = self.design.width, self.design.modes, self.steps
        lift = steps * _LIFTING * w * (self.operator.channels + 1 + w)
        layer = steps * w * w + 4 * steps * modes * w + 4 * modes * w * w
        return lift + self.design.layers * layer + steps * _PROJECTION * w * (w + 1)

    def graded_products(self) -> float:
        """See ``Costed``: all of them."""
        return self.products()

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """None: nothing spikes."""
        return torch.zeros(activity.outputs.shape[:2], device=activity.outputs.device)
