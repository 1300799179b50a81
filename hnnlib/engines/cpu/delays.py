"""A line of delays over time: one causal product a unit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import delay_kernels
from hnnlib.engines.cpu.layout import Layout
from hnnlib.engines.cpu.threads import in_threads

__all__ = ["delayed"]


def delayed(signal: Tensor, taps: Tensor) -> Tensor:
    """See ``Engine.delayed``."""
    return _Delayed.apply(signal, taps)


class _Delayed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, taps: Tensor) -> Tensor:
        layout, taps = Layout.of(signal.shape), taps.contiguous()
        rows = layout.to_rows(signal)
        values = torch.zeros_like(rows)
        in_threads(
            delay_kernels.delay_forward,
            layout.rows,
            layout.batch,
            taps.numpy(),
            rows.numpy(),
            values.numpy(),
        )
        ctx.save_for_backward(rows, taps)
        ctx.layout = layout
        return layout.from_rows(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        rows, taps = ctx.saved_tensors
        layout: Layout = ctx.layout
        to_signal = torch.zeros_like(rows)
        to_taps = rows.new_zeros(layout.rows, *taps.shape[1:])
        in_threads(
            delay_kernels.delay_backward,
            layout.rows,
            layout.batch,
            taps.numpy(),
            rows.numpy(),
            layout.to_rows(gradient).numpy(),
            to_signal.numpy(),
            to_taps.numpy(),
        )
        by_member = to_taps.unflatten(0, (layout.members, layout.batch)).sum(1)
        return layout.from_rows(to_signal), by_member
