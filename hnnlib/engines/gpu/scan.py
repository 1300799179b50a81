"""Feed-forward neurons over time: one kernel a direction, one pass over the memory.

Every program walks over time with a block of elements, whatever their member, example and unit; it
reads the drive once, keeps the state in registers, and writes the spikes and the potentials. The
loads of later steps don't wait for the state, so they are kept in flight (``AHEAD``).
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.gpu.equations import KernelNeuron, fire, retrace
from hnnlib.engines.gpu.launch import on

__all__ = ["spikes"]

BLOCK = 256  # elements a program: small, so that small layers still fill all multiprocessors
WARPS = 2  # 64 threads, 4 neighbouring elements each: accesses of 16 bytes
AHEAD = tl.constexpr(4)  # steps whose loads are in flight


@triton.jit(do_not_specialize=["steps"])
def _forward(
    drive,
    spikes,
    potentials,
    decays,
    thresholds,
    thetas,
    steps,
    size,
    RESET: tl.constexpr,
    BLOCK: tl.constexpr,
):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < size
    decay = tl.load(decays + place, inside, 0.0)
    threshold = tl.load(thresholds + place, inside, 0.0)
    theta = tl.load(thetas + place, inside, 0.0)
    membrane = tl.full((BLOCK,), 0.0, drive.dtype.element_ty)
    trace = membrane
    for _ in tl.range(0, steps, num_stages=AHEAD):
        current = tl.load(drive + place, inside, 0.0)
        potential, fired, membrane, trace = fire(
            current, membrane, trace, decay, threshold, theta, RESET
        )
        tl.store(potentials + place, potential, inside)
        tl.store(spikes + place, fired, inside)
        drive += size
        spikes += size
        potentials += size


@triton.jit(do_not_specialize=["steps"])
def _backward(
    gradient,
    potentials,
    decays,
    thresholds,
    thetas,
    to_drive,
    to_decays,
    to_thresholds,
    steps,
    size,
    RESET: tl.constexpr,
    CURVE: tl.constexpr,
    PEAK: tl.constexpr,
    SCALE: tl.constexpr,
    PARAMETERS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < size
    decay = tl.load(decays + place, inside, 0.0)
    threshold = tl.load(thresholds + place, inside, 0.0)
    theta = tl.load(thetas + place, inside, 0.0)
    to_next = tl.full((BLOCK,), 0.0, potentials.dtype.element_ty)
    to_trace = to_next
    to_decay = to_next
    to_threshold = to_next
    end = (steps - 1).to(tl.int64) * size  # may not fit in 32 bits
    gradient += end
    potentials += end
    to_drive += end
    for _ in tl.range(0, steps, num_stages=AHEAD):
        to_next, to_trace, decay_part, threshold_part = retrace(
            tl.load(potentials + place, inside, 0.0),
            tl.load(gradient + place, inside, 0.0),
            to_next,
            to_trace,
            decay,
            threshold,
            theta,
            RESET,
            CURVE,
            PEAK,
            SCALE,
        )
        to_decay += decay_part
        to_threshold += threshold_part
        tl.store(to_drive + place, to_next, inside)
        gradient -= size
        potentials -= size
        to_drive -= size
    if PARAMETERS:
        tl.store(to_decays + place, to_decay, inside)
        tl.store(to_thresholds + place, to_threshold, inside)


class _Spikes(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        decay: Tensor,
        threshold: Tensor,
        theta: Tensor,
        reset: str,
        surrogate: tuple[str, float, float],
    ) -> Tensor:
        spikes, potentials = torch.empty_like(drive), torch.empty_like(drive)
        parameters = (decay, threshold, theta)
        size = decay.numel()
        with on(drive):
            _forward[(triton.cdiv(size, BLOCK),)](
                drive,
                spikes,
                potentials,
                *parameters,
                len(drive),
                size,
                RESET=reset,
                BLOCK=BLOCK,
                num_warps=WARPS,
                enable_fp_fusion=False,
            )
        ctx.save_for_backward(potentials, *parameters)
        ctx.reset, ctx.surrogate = reset, surrogate
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        potentials, *parameters = ctx.saved_tensors
        to_drive = torch.empty_like(potentials)
        to_decay, to_threshold = (torch.empty_like(parameters[0]) for _ in range(2))
        size = to_decay.numel()
        with on(gradient):
            _backward[(triton.cdiv(size, BLOCK),)](
                gradient.contiguous(),
                potentials,
                *parameters,
                to_drive,
                to_decay,
                to_threshold,
                len(potentials),
                size,
                ctx.reset,
                *ctx.surrogate,
                PARAMETERS=any(ctx.needs_input_grad[1:3]),
                BLOCK=BLOCK,
                num_warps=WARPS,
                enable_fp_fusion=False,
            )
        return to_drive, to_decay, to_threshold, None, None, None


def spikes(drive: Tensor, neuron: KernelNeuron) -> Tensor:
    """Spikes over time.

    Args:
        drive: (time, member, batch, *units).
        neuron: what fires.

    Returns:
        Zeros and ones, shaped like ``drive``.
    """
    return _Spikes.apply(drive.contiguous(), *neuron.parameters, neuron.reset, neuron.surrogate)
