"""Convolution with batch normalisation behind it, for a population."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnnlib.randomness import torch_generator

__all__ = ["NormalisedConv"]

_EPSILON = 1e-5  # PyTorch's default


class NormalisedConv(nn.Module):
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
        momentum: share of a batch in the running statistics.

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
        momentum: float = 0.1,
    ) -> None:
        super().__init__()
        depth, *edges = in_shape
        self.in_shape, self.stride, self.padding = in_shape, stride, kernel // 2
        self.momentum = momentum
        self.out_shape = (channels, *(-(-edge // stride) for edge in edges))
        self.macs = depth * kernel * kernel * math.prod(self.out_shape)
        members = len(seeds)
        self.weight = _he_normal((channels, depth, kernel, kernel), seeds, f"{role}.weight")
        self.gain = nn.Parameter(torch.ones(members, channels))
        self.offset = nn.Parameter(torch.zeros(members, channels))
        self.register_buffer("running_mean", torch.zeros(members, channels))
        self.register_buffer("running_variance", torch.ones(members, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Drive (time, member, batch, C', H', W') from x (time, member, batch, C, H, W).

        In training mode the statistics are those of the batch, and running ones are updated; in
        evaluation mode the running ones are used.
        """
        members = [self._member(k, part) for k, part in enumerate(x.unbind(1))]
        return torch.stack(members, 1)

    def _member(self, k: int, x: Tensor) -> Tensor:
        drive = functional.conv2d(x.flatten(0, 1), self.weight[k], None, self.stride, self.padding)
        drive = functional.batch_norm(
            drive,
            self.running_mean[k],
            self.running_variance[k],
            self.gain[k],
            self.offset[k],
            self.training,
            self.momentum,
            _EPSILON,
        )
        return drive.unflatten(0, x.shape[:2])


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
