"""Layers of a population: every parameter has a leading member axis, members never mix.

Tensors are (time, member, batch, *units), or (member, batch, *units) where there is no time.
Feed-forward products fold time into the batch. Initial values are drawn per member from generators
keyed by (seed, role), so that members of one seed share their draws wherever shapes agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnnlib.errors import DataError
from hnnlib.randomness import torch_generator

__all__ = ["Conv", "Dense", "fitting", "max_pool", "normal"]


def _uniform(shape: tuple[int, ...], fan_in: int, seeds: Sequence[int], role: str) -> nn.Parameter:
    """PyTorch's default initialisation of Linear and Conv2d: U(-1, 1) / sqrt(fan_in), one draw a
    member.
    """
    bound = 1 / math.sqrt(fan_in)
    draws = [
        torch.empty(shape).uniform_(
            -bound, bound, generator=torch_generator(seed, "initialisation", role)
        )
        for seed in seeds
    ]
    return nn.Parameter(torch.stack(draws))


def normal(
    shape: tuple[int, ...], fan_in: int, seeds: Sequence[int], role: str, scale: float = 1.0
) -> nn.Parameter:
    """N(0, scale / sqrt(fan_in)), a standard deviation, one draw a member."""
    draws = [
        torch.empty(shape).normal_(generator=torch_generator(seed, "initialisation", role))
        for seed in seeds
    ]
    return nn.Parameter(torch.stack(draws) * (scale / math.sqrt(fan_in)))


class Dense(nn.Module):
    """Fully connected product.

    Args:
        in_shape: axes of one input, flattened before the product.
        units: units out.
        seeds: one a member.
        role: name that keys the initial draw, such as ``layer0``.
        bias: whether a trained bias is added.
        draw: initial values, ``uniform`` as in PyTorch's Linear or ``normal``, see ``normal``.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        units: int,
        seeds: Sequence[int],
        role: str,
        bias: bool = True,
        draw: Literal["uniform", "normal"] = "uniform",
    ) -> None:
        super().__init__()
        inputs = math.prod(in_shape)
        initial = _uniform if draw == "uniform" else normal
        self.weight = initial((inputs, units), inputs, seeds, f"{role}.weight")
        self.bias = _uniform((1, units), inputs, seeds, f"{role}.bias") if bias else None
        self.in_shape, self.out_shape = in_shape, (units,)
        self.macs = inputs * units

    def product(self, x: Tensor) -> Tensor:
        """Weights times x, no bias: (..., member, batch, *in) to (..., member, batch, units)."""
        x = fitting(x, self.in_shape, self.weight).flatten(-len(self.in_shape))
        if x.ndim == 3:
            return torch.bmm(x, self.weight)
        # time and batch are folded as they lie in memory, which engines choose: no copy
        if x.stride(0) < x.stride(2):
            return self._folded(x.permute(1, 2, 0, 3)).permute(2, 0, 1, 3)
        return self._folded(x.movedim(1, 0)).movedim(0, 1)

    def _folded(self, x: Tensor) -> Tensor:
        product = torch.bmm(x.flatten(1, 2), self.weight)
        return product.unflatten(1, x.shape[1:3])

    def shift(self) -> Tensor | None:
        """Bias, shaped to broadcast against one step: (member, 1, units); None without."""
        return self.bias


class Conv(nn.Module):
    """Convolution with stride 1.

    Args:
        in_shape: (channels, height, width).
        channels: channels out.
        kernel: edge of the square kernel.
        seeds, role: as in ``Dense``.
        padding: zeros around the image, on each side; 0 for a valid convolution.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        channels: int,
        kernel: int,
        seeds: Sequence[int],
        role: str,
        padding: int = 0,
    ) -> None:
        super().__init__()
        depth, height, width = in_shape
        rim = kernel - 1 - 2 * padding
        fan_in = depth * kernel * kernel
        self.weight = _uniform((channels, depth, kernel, kernel), fan_in, seeds, f"{role}.weight")
        self.bias = _uniform((channels,), fan_in, seeds, f"{role}.bias")
        self.in_shape, self.out_shape = in_shape, (channels, height - rim, width - rim)
        self.padding = padding
        self.macs = fan_in * math.prod(self.out_shape)

    def product(self, x: Tensor) -> Tensor:
        """Kernels times x, no bias: (..., member, batch, C, H, W); one convolution a member."""
        # a loop, not a grouped convolution: as fast on a CPU, and a member's numbers can't depend
        # on its neighbours
        fitting(x, self.in_shape, self.weight)
        parts = [
            functional.conv2d(member.reshape(-1, *self.in_shape), weight, padding=self.padding)
            for member, weight in zip(x.unbind(-5), self.weight.unbind(), strict=True)
        ]
        lead = x.shape[:-5]
        return torch.stack([part.unflatten(0, (*lead, -1)) for part in parts], dim=len(lead))

    def shift(self) -> Tensor:
        """Bias, shaped to broadcast against one step: (member, 1, channels, 1, 1)."""
        return self.bias[:, None, :, None, None]


def fitting(x: Tensor, in_shape: tuple[int, ...], weight: Tensor | None = None) -> Tensor:
    """The same inputs.

    Raises:
        DataError: they are not of the shape that a layer reads, or of another precision than its
            weights.
    """
    found = tuple(x.shape[-len(in_shape) :])
    if found != tuple(in_shape):
        raise DataError(
            f"a layer that reads inputs of shape {tuple(in_shape)} was given {found}, the last "
            f"axes of {tuple(x.shape)}: build the network with the in_shape of its examples"
        )
    if weight is not None and x.is_floating_point() and x.dtype != weight.dtype:
        raise DataError(
            f"a layer with weights in {str(weight.dtype)[6:]} was given inputs in "
            f"{str(x.dtype)[6:]}: convert the network or the inputs"
        )
    return x


def max_pool(x: Tensor, window: int) -> Tensor:
    """Max-pooling over the last two axes, whatever comes before; a rest at the border is
    dropped.
    """
    pooled = functional.max_pool2d(x.flatten(0, -4), window)
    return pooled.unflatten(0, x.shape[:-3])
