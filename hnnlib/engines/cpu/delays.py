"""A line of delays over time: one causal product a unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import delay_kernels
from hnnlib.engines.cpu.layout import Layout
from hnnlib.engines.cpu.threads import in_threads

__all__ = ["delayed"]


def delayed(signal: Tensor, taps: Tensor, reach: Sequence[int] | None) -> Tensor:
    """See ``Engine.delayed``."""
    members, lags = taps.shape[:2]
    lags = np.full(members, lags) if reach is None else np.array(reach)
    return _Delayed.apply(signal, taps, lags)


class _Delayed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, taps: Tensor, reach: np.ndarray) -> Tensor:
        layout, taps = Layout.of(signal.shape), taps.contiguous()
        rows = layout.to_rows(signal)
        values = torch.empty_like(rows)
        in_threads(
            delay_kernels.delay_forward,
            layout.rows,
            layout.batch,
            reach,
            taps.numpy(),
            rows.numpy(),
            values.numpy(),
        )
        ctx.save_for_backward(rows, taps)
        ctx.rest = layout, reach
        return layout.from_rows(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        rows, taps = ctx.saved_tensors
        layout, reach = ctx.rest
        to_signal = torch.empty_like(rows)
        to_taps = rows.new_empty(layout.rows, *taps.shape[1:])
        in_threads(
            delay_kernels.delay_backward,
            layout.rows,
            layout.batch,
            reach,
            taps.numpy(),
            rows.numpy(),
            layout.to_rows(gradient).numpy(),
            to_signal.numpy(),
            to_taps.numpy(),
        )
        by_member = to_taps.unflatten(0, (layout.members, layout.batch)).sum(1)
        return layout.from_rows(to_signal), by_member, None
