"""Dropout of spikes, which are written out on the way."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import dropout_kernels
from hnnlib.engines.cpu.layout import Layout
from hnnlib.engines.cpu.threads import in_threads
from hnnlib.signals import Events, Spikes

__all__ = ["dropped"]


def dropped(spikes: Spikes, noise: Tensor, share: float) -> Tensor:
    """See ``Engine.dropped``; units have one axis."""
    return _Dropped.apply(spikes.carrier, spikes.events, noise.transpose(0, 1).contiguous(), share)


class _Dropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, carrier: Tensor, events: Events, noise: Tensor, share: float) -> Tensor:
        layout = Layout.of(events.shape)
        drawn = noise.numpy()
        rows = noise.new_empty(layout.rows, layout.steps, layout.width)
        ctx.rest = layout, drawn.dtype.type(share), drawn.dtype.type(1 - share), drawn
        in_threads(
            dropout_kernels.drop_forward,
            layout.rows,
            layout.batch,
            *ctx.rest[1:],
            events.units.numpy(),
            events.starts.numpy(),
            rows.numpy(),
        )
        return layout.from_rows(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        layout, *how = ctx.rest
        rows = layout.to_rows(gradient)
        to_signal = torch.empty_like(rows)
        in_threads(
            dropout_kernels.drop_backward,
            layout.rows,
            layout.batch,
            *how,
            rows.numpy(),
            to_signal.numpy(),
        )
        return layout.from_rows(to_signal), None, None, None
