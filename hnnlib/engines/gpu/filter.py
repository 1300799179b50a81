"""The synaptic filter over time, F[t] = a1 F[t-1] + a2 F[t-2] + b x[t], one kernel a direction.

Laid out as in ``scan``.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.gpu.equations import spread
from hnnlib.engines.gpu.launch import on
from hnnlib.engines.gpu.scan import AHEAD, BLOCK, WARPS
from hnnlib.neurons.filters import DualExponential

__all__ = ["potentials"]


@triton.jit(do_not_specialize=["steps"])
def _forward(drive, values, a1s, a2s, bs, steps, size, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < size
    a1 = tl.load(a1s + place, inside, 0.0)
    a2 = tl.load(a2s + place, inside, 0.0)
    b = tl.load(bs + place, inside, 0.0)
    last = tl.full((BLOCK,), 0.0, drive.dtype.element_ty)
    before = last
    for _ in tl.range(0, steps, num_stages=AHEAD):
        value = a1 * last + a2 * before + b * tl.load(drive + place, inside, 0.0)
        before = last
        last = value
        tl.store(values + place, value, inside)
        drive += size
        values += size


@triton.jit(do_not_specialize=["steps"])
def _backward(
    gradient,
    drive,
    values,
    a1s,
    a2s,
    bs,
    to_drive,
    to_a1s,
    to_a2s,
    to_bs,
    steps,
    size,
    COEFFICIENTS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """With f the adjoint of F: f = dF + a1 f' + a2 f'' backwards in time; dx = b f, da = sum of
    f' F, f'' F, f x.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < size
    a1 = tl.load(a1s + place, inside, 0.0)
    a2 = tl.load(a2s + place, inside, 0.0)
    b = tl.load(bs + place, inside, 0.0)
    after = tl.full((BLOCK,), 0.0, gradient.dtype.element_ty)
    later = after
    to_a1 = after
    to_a2 = after
    to_b = after
    end = (steps - 1).to(tl.int64) * size  # may not fit in 32 bits
    gradient += end
    to_drive += end
    if COEFFICIENTS:
        drive += end
        values += end
    for _ in tl.range(0, steps, num_stages=AHEAD):
        adjoint = a1 * after + a2 * later + tl.load(gradient + place, inside, 0.0)
        if COEFFICIENTS:
            value = tl.load(values + place, inside, 0.0)
            to_a1 += after * value
            to_a2 += later * value
            to_b += adjoint * tl.load(drive + place, inside, 0.0)
            drive -= size
            values -= size
        tl.store(to_drive + place, b * adjoint, inside)
        later = after
        after = adjoint
        gradient -= size
        to_drive -= size
    if COEFFICIENTS:
        tl.store(to_a1s + place, to_a1, inside)
        tl.store(to_a2s + place, to_a2, inside)
        tl.store(to_bs + place, to_b, inside)


class _Filter(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, drive: Tensor, a1: Tensor, a2: Tensor, b: Tensor) -> Tensor:
        values, size = torch.empty_like(drive), a1.numel()
        with on(drive):
            _forward[(triton.cdiv(size, BLOCK),)](
                drive,
                values,
                a1,
                a2,
                b,
                len(drive),
                size,
                BLOCK=BLOCK,
                num_warps=WARPS,
                enable_fp_fusion=False,
            )
        # fixed coefficients: a linear filter, whose backward pass needs neither inputs nor outputs
        trained = any(ctx.needs_input_grad[1:])
        ctx.save_for_backward(a1, a2, b, *((drive, values) if trained else ()))
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a1, a2, b, *trained = ctx.saved_tensors
        gradient = gradient.contiguous()
        to_drive = torch.empty_like(gradient)
        to_coefficients = [torch.empty_like(a1) if trained else None for _ in range(3)]
        with on(gradient):
            _backward[(triton.cdiv(a1.numel(), BLOCK),)](
                gradient,
                *(trained or (None, None)),
                a1,
                a2,
                b,
                to_drive,
                *to_coefficients,
                len(gradient),
                a1.numel(),
                COEFFICIENTS=bool(trained),
                BLOCK=BLOCK,
                num_warps=WARPS,
                enable_fp_fusion=False,
            )
        return to_drive, *to_coefficients


def potentials(drive: Tensor, neuron: DualExponential) -> Tensor:
    """Postsynaptic potentials over time.

    Args:
        drive: (time, member, batch, *units).
        neuron: the filter; its coefficients may be trained.

    Returns:
        Shaped like ``drive``.
    """
    coefficients = (spread(c, drive[0]) for c in (neuron.a1, neuron.a2, neuron.b))
    return _Filter.apply(drive.contiguous(), *coefficients)
