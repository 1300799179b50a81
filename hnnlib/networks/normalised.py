"""Products with batch normalisation behind them, for a population."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from hnnlib.engines import Engine
from hnnlib.errors import DataError
from hnnlib.networks.layers import Dense
from hnnlib.randomness import torch_generator
from hnnlib.signals import Signal

__all__ = ["NormalisedConv", "NormalisedDense"]

_MOMENTUM, _EPSILON = 0.1, 1e-5  # PyTorch's defaults


class _Normalised(nn.Module):
    """What both kinds have: gain, offset, and running statistics as buffers with a member axis."""

    def _normalise(
        self,
        members: int,
        channels: int,
        momentum: float = _MOMENTUM,
        gain: float | Sequence[float] = 1.0,
    ) -> None:
        self.momentum = momentum
        self.gain = nn.Parameter(torch.tensor(gain).expand(members).outer(torch.ones(channels)))
        self.offset = nn.Parameter(torch.zeros(members, channels))
        self.register_buffer("running_mean", torch.zeros(members, channels))
        self.register_buffer("running_variance", torch.ones(members, channels))

    def _normalised(self, k: int, drive: Tensor) -> Tensor:
        """Member ``k``'s drive (example, channel, ...): in training mode by the statistics of the
        batch, which update the running ones; in evaluation mode by these.
        """
        return functional.batch_norm(
            drive,
            self.running_mean[k],
            self.running_variance[k],
            self.gain[k],
            self.offset[k],
            self.training,
            self.momentum,
            _EPSILON,
        )


class NormalisedConv(_Normalised):
    """Convolution, then batch normalisation: the drive of a layer of neurons.

    Padding is half the kernel, so that a stride of 1 keeps the image's size. Time counts as batch:
    mean and variance run over all steps of all examples of a batch, and over pixels (Ioffe &
    Szegedy 2015, as multi-step layers of SpikingJelly do). Running statistics are buffers with a
    member axis. Weights start from He's normal distribution by fan-out (He et al. 2015), as in
    torchvision's residual networks.

    Args:
        in_shape: (channels, height, width).
        channels: channels out.
        kernel: edge of the square kernel, odd.
        seeds: one a member.
        role: name that keys the initial draw.
        stride: distance between the places of the kernel.
        gain: that normalisation starts from, and so the drive's standard deviation at the start; a
            number, or one a member. Threshold-dependent normalisation (Zheng et al. 2021,
            doi:10.1609/aaai.v35i12.17320) has alpha V_th.
        normalise: whether there is normalisation at all; the drive is the convolution otherwise.
        momentum: share of a batch in the running statistics.
        channels_last: whether images lie as an engine's rows do, channels last and the steps of an
            example together, so that nothing is copied: half the time. Sums run in another order.

    There is no bias: normalisation would take it away again.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        channels: int,
        kernel: int,
        seeds: Sequence[int],
        role: str,
        stride: int = 1,
        gain: float | Sequence[float] = 1.0,
        normalise: bool = True,
        momentum: float = _MOMENTUM,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        depth, *edges = in_shape
        self.channels_last = channels_last
        self.in_shape, self.stride, self.padding = in_shape, stride, kernel // 2
        self.normalise = normalise
        self.out_shape = (channels, *(-(-edge // stride) for edge in edges))
        self.macs = depth * kernel * kernel * math.prod(self.out_shape)
        members = len(seeds)
        self.weight = _he_normal((channels, depth, kernel, kernel), seeds, f"{role}.weight")
        self._normalise(members, channels, momentum, gain)

    def forward(self, x: Tensor) -> Tensor:
        """Drive (time, member, batch, C', H', W') from x (time, member, batch, C, H, W).

        In training mode the statistics are those of the batch, and running ones are updated; in
        evaluation mode the running ones are used.
        """
        if self.channels_last:
            images = x.permute(1, 2, 0, 3, 4, 5)
            alone = len(images) == 1  # nothing is copied then
            parts = [images.squeeze(0)] if alone else images.unbind()
            drives = [self._member(k, part) for k, part in enumerate(parts)]
            drive = drives[0].unsqueeze(0) if alone else torch.stack(drives)
            return drive.permute(2, 0, 1, 5, 3, 4)
        return torch.stack([self._member(k, part) for k, part in enumerate(x.unbind(1))], 1)

    def _member(self, k: int, x: Tensor) -> Tensor:
        """Drive of images (a, b, C, H, W), in their order (a, b, C', H', W')."""
        kernel, images = self.weight[k], x.flatten(0, 1)
        if self.channels_last:
            kernel = kernel.contiguous(memory_format=torch.channels_last)
            images = images.contiguous(memory_format=torch.channels_last)
        drive = functional.conv2d(images, kernel, None, self.stride, self.padding)
        if self.normalise:
            drive = self._normalised(k, drive)
        if self.channels_last:
            drive = drive.permute(0, 2, 3, 1)
        return drive.unflatten(0, x.shape[:2])


class NormalisedDense(_Normalised):
    """Fully connected product, then batch normalisation over all steps of all examples of a batch.

    Args:
        in_shape, units, seeds, role: as in ``Dense``; there is no bias either.
        momentum: share of a batch in the running statistics.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        units: int,
        seeds: Sequence[int],
        role: str,
        momentum: float = _MOMENTUM,
    ) -> None:
        super().__init__()
        self.dense = Dense(in_shape, units, seeds, role, bias=False)
        self.in_shape, self.out_shape, self.macs = in_shape, (units,), self.dense.macs
        self._normalise(len(seeds), units, momentum)

    def forward(self, signal: Signal, engine: Engine) -> Tensor:
        """Drive (time, member, batch, unit) from a signal."""
        return self.of_product(engine.product(self.dense, signal))

    def of_product(self, drive: Tensor) -> Tensor:
        """A product (time, member, batch, unit), normalised.

        Raises:
            DataError: it is of one step of one example, while training.
        """
        rows = drive.permute(1, 2, 0, 3)  # as engines lay it out: no copy
        if self.training and rows.shape[1:3].numel() == 1:
            raise DataError("one step of one example has no variance: train on more of either")
        statistics = self.running_mean, self.running_variance
        how = self.training, self.momentum
        return _Normal.apply(rows, self.gain, self.offset, statistics, *how).permute(2, 0, 1, 3)


class _Normal(torch.autograd.Function):
    """``_normalised`` of all members (member, batch, time, channel) into one tensor: what stacks
    the members copies it.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        gain: Tensor,
        offset: Tensor,
        statistics: tuple[Tensor, Tensor],
        training: bool,
        momentum: float,
    ) -> Tensor:
        out = rows.new_empty(rows.shape)
        # given ``out``, PyTorch finds a wrong variance of numbers with gaps between them
        parts = [x.flatten(0, 1).contiguous() for x in rows.unbind()]
        own = [gain.new_empty(gain.shape) for _ in range(2)]
        for x, scale, shift, *kept, y, mean, deviation in zip(
            parts, gain, offset, *statistics, out.flatten(1, 2), *own, strict=True
        ):
            results = y, mean, deviation
            torch.native_batch_norm(
                x, scale, shift, *kept, training, momentum, _EPSILON, out=results
            )
        ctx.save_for_backward(gain, *parts)
        ctx.rest = (*statistics, *own), training
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (gain, *parts), (others, training) = ctx.saved_tensors, ctx.rest
        to_rows = torch.empty_like(gradient, memory_format=torch.contiguous_format)
        shared = [torch.empty_like(gain) for _ in range(2)]
        results = zip(to_rows.flatten(1, 2), *shared, strict=True)
        for g, x, *of_member, result in zip(gradient, parts, gain, *others, results, strict=True):
            found = torch.ops.aten.native_batch_norm_backward(
                g.flatten(0, 1), x, *of_member, training, _EPSILON, [True] * 3
            )
            for to, numbers in zip(result, found, strict=True):
                to.copy_(numbers)
        return to_rows, *shared, None, None, None


def _he_normal(shape: tuple[int, ...], seeds: Sequence[int], role: str) -> nn.Parameter:
    """N(0, 2 / fan-out), one draw a member."""
    spread = math.sqrt(2 / (shape[0] * math.prod(shape[2:])))
    draws = [
        torch.empty(shape).normal_(
            0, spread, generator=torch_generator(seed, "initialisation", role)
        )
        for seed in seeds
    ]
    return nn.Parameter(torch.stack(draws))
