"""Recurrent neurons over time: one kernel a direction, whatever the number of steps.

A program is one tile of examples of one member, and walks over time without ever meeting another
program: no launch a step. Where a member's weights fit on the chip (``resident_units``) they are
loaded once and stay. Where they don't, they are read again every step, from the L2 cache as all
programs of a member read the same, and chunk by chunk; outputs, which other threads of the program
then need in parts, go through memory. The weights' gradient is one product after the walk.
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

__all__ = ["MOST_UNITS", "resident_units", "spikes"]

MOST_UNITS = 512  # state is in registers: from here on, it spills
ROWS = 16  # examples a program, the least a product takes: the walk is bound by its latency
CHUNK_WEIGHTS = 8192  # weights read at once where they don't stay
# products split weights into two tf32 parts: spikes are exact in one, so the forward product's
# error is 2^-22 of a weight; plain float32 products would not run on tensor cores and would spill
# weights from registers
PRECISION = tl.constexpr("tf32x3")
WEIGHT_BYTES = 8  # of both parts, on chip
SHARED_MEMORY = 227 * 1024  # bytes a program can have on a Hopper GPU


def resident_units(device: torch.device) -> int:
    """Most recurrent units whose weights stay on a device's chip: a power of two, as kernels pad to
    one. On a Hopper GPU: 128.

    Args:
        device: a device without CUDA (Triton's interpreter) counts as a Hopper GPU.
    """
    memory = SHARED_MEMORY
    if device.type == "cuda":
        found = torch.cuda.get_device_properties(device)
        # what a program can ask for; AMD's devices don't say, and give what is there
        memory = getattr(found, "shared_memory_per_block_optin", found.shared_memory_per_block)
    units = 16
    # beside the weights, a step's state is exchanged between threads: 8 bytes an element
    while 2 * units * (2 * units * WEIGHT_BYTES + 8 * ROWS) <= memory:
        units *= 2
    return units


@triton.jit
def _tile(batch, units, ROWS: tl.constexpr, UNITS: tl.constexpr):
    """Places of a program's elements in one step, and which of them exist."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    unit = tl.arange(0, UNITS)[None, :]
    place = (tl.program_id(1) * batch + row) * units + unit
    return place, (row < batch) & (unit < units)


@triton.jit
def _weights(weights, start, units, CHUNK: tl.constexpr, UNITS: tl.constexpr):
    """Rows of a member's weights (unit, unit) from ``start``, zero outside."""
    first = start + tl.arange(0, CHUNK)[:, None]
    second = tl.arange(0, UNITS)[None, :]
    member = weights + tl.program_id(1) * units * units
    return tl.load(member + first * units + second, (first < units) & (second < units), 0.0)


@triton.jit
def _streamed(
    left,
    weights,
    total,
    exists,
    batch,
    units,
    ROWS: tl.constexpr,
    UNITS: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """total + left times weights, both read from memory; ``left`` is one step (member, batch, unit)
    that this program has just written, or doesn't exist.
    """
    tl.debug_barrier()  # all threads have written
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    for start in range(0, units, CHUNK):
        unit = start + tl.arange(0, CHUNK)[None, :]
        place = (tl.program_id(1) * batch + row) * units + unit
        part = tl.load(left + place, (row < batch) & (unit < units) & exists, 0.0)
        weight = _weights(weights, start, units, CHUNK, UNITS)
        total = tl.dot(part, weight, total, input_precision=PRECISION)
    return total


@triton.jit(do_not_specialize=["steps"])
def _forward(
    drive,
    weights,
    spikes,
    potentials,
    decays,
    thresholds,
    thetas,
    steps,
    stride,
    batch,
    units,
    RESET: tl.constexpr,
    ROWS: tl.constexpr,
    UNITS: tl.constexpr,
    CHUNK: tl.constexpr,
):
    place, inside = _tile(batch, units, ROWS, UNITS)
    decay = tl.load(decays + place, inside, 0.0)
    threshold = tl.load(thresholds + place, inside, 0.0)
    theta = tl.load(thetas + place, inside, 0.0)
    if CHUNK == UNITS:
        weight = _weights(weights, 0, units, UNITS, UNITS)
    membrane = tl.full((ROWS, UNITS), 0.0, tl.float32)
    trace = membrane
    fired = membrane
    for step in range(steps):
        current = tl.load(drive + place, inside, 0.0)
        if CHUNK == UNITS:
            current = tl.dot(fired, weight, current, input_precision=PRECISION)
        else:
            current = _streamed(
                spikes - stride,
                weights,
                current,
                step > 0,
                batch,
                units,
                ROWS,
                UNITS,
                CHUNK,
            )
        potential, fired, membrane, trace = fire(
            current, membrane, trace, decay, threshold, theta, RESET
        )
        tl.store(potentials + place, potential, inside)
        tl.store(spikes + place, fired, inside)
        drive += stride
        spikes += stride
        potentials += stride


@triton.jit(do_not_specialize=["steps"])
def _backward(
    gradient,
    weights,
    potentials,
    decays,
    thresholds,
    thetas,
    to_drive,
    to_decays,
    to_thresholds,
    steps,
    stride,
    batch,
    units,
    RESET: tl.constexpr,
    CURVE: tl.constexpr,
    PEAK: tl.constexpr,
    SCALE: tl.constexpr,
    PARAMETERS: tl.constexpr,
    ROWS: tl.constexpr,
    UNITS: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """As in ``scan``, and spikes at t also had a part in the drive at t+1; ``weights`` are
    transposed.
    """
    place, inside = _tile(batch, units, ROWS, UNITS)
    decay = tl.load(decays + place, inside, 0.0)
    threshold = tl.load(thresholds + place, inside, 0.0)
    theta = tl.load(thetas + place, inside, 0.0)
    if CHUNK == UNITS:
        weight = _weights(weights, 0, units, UNITS, UNITS)
    to_next = tl.full((ROWS, UNITS), 0.0, tl.float32)
    to_trace = to_next
    to_decay = to_next
    to_threshold = to_next
    end = (steps - 1).to(tl.int64) * stride  # may not fit in 32 bits
    gradient += end
    potentials += end
    to_drive += end
    for step in range(steps):
        to_spike = tl.load(gradient + place, inside, 0.0)
        if CHUNK == UNITS:
            to_spike = tl.dot(to_next, weight, to_spike, input_precision=PRECISION)
        else:
            to_spike = _streamed(
                to_drive + stride,
                weights,
                to_spike,
                step > 0,
                batch,
                units,
                ROWS,
                UNITS,
                CHUNK,
            )
        to_next, to_trace, decay_part, threshold_part = retrace(
            tl.load(potentials + place, inside, 0.0),
            to_spike,
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
        if PARAMETERS:
            to_decay += decay_part
            to_threshold += threshold_part
        tl.store(to_drive + place, to_next, inside)
        gradient -= stride
        potentials -= stride
        to_drive -= stride
    if PARAMETERS:
        tl.store(to_decays + place, to_decay, inside)
        tl.store(to_thresholds + place, to_threshold, inside)


def _launch(shape: torch.Size, device: torch.device) -> tuple[tuple[int, int], dict[str, Any]]:
    """Grid, and how a kernel is laid out, for a drive (time, member, batch, unit)."""
    _, members, batch, units = shape
    padded = max(16, triton.next_power_of_2(units))
    if padded <= resident_units(device):
        chunk = padded
        # the more warps, the fewer of the weights in each one's registers
        warps = 4 if padded <= 64 else 8 if padded <= 128 else 16
    else:
        chunk = max(16, CHUNK_WEIGHTS // padded)
        warps = 8 if padded <= 256 else 16
    layout = {
        "ROWS": ROWS,
        "UNITS": padded,
        "CHUNK": chunk,
        "num_warps": warps,
        "enable_fp_fusion": False,
    }
    return (triton.cdiv(batch, ROWS), members), layout


class _Spikes(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        weights: Tensor,
        decay: Tensor,
        threshold: Tensor,
        theta: Tensor,
        reset: str,
        surrogate: tuple[str, float, float],
    ) -> Tensor:
        spikes, potentials = torch.empty_like(drive), torch.empty_like(drive)
        parameters = (decay, threshold, theta)
        weights = weights.to(drive.dtype)
        grid, layout = _launch(drive.shape, drive.device)
        with on(drive):
            _forward[grid](
                drive,
                weights.contiguous(),
                spikes,
                potentials,
                *parameters,
                len(drive),
                drive[0].numel(),
                *drive.shape[2:],
                RESET=reset,
                **layout,
            )
        ctx.save_for_backward(potentials, spikes, weights, *parameters)
        ctx.reset, ctx.surrogate = reset, surrogate
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        potentials, spikes, weights, *parameters = ctx.saved_tensors
        to_drive = torch.empty_like(potentials)
        to_decay, to_threshold = (torch.empty_like(parameters[0]) for _ in range(2))
        grid, layout = _launch(potentials.shape, potentials.device)
        with on(gradient):
            _backward[grid](
                gradient.contiguous(),
                weights.transpose(1, 2).contiguous(),
                potentials,
                *parameters,
                to_drive,
                to_decay,
                to_threshold,
                len(potentials),
                to_decay.numel(),
                *potentials.shape[2:],
                ctx.reset,
                *ctx.surrogate,
                PARAMETERS=any(ctx.needs_input_grad[2:4]),
                **layout,
            )
        to_weights = None
        if ctx.needs_input_grad[1]:
            # (member, unit, time x batch) times (member, time x batch, unit)
            before, after = (x.transpose(0, 1).flatten(1, 2) for x in (spikes[:-1], to_drive[1:]))
            to_weights = torch.bmm(before.transpose(1, 2), after)
        return to_drive, to_weights, to_decay, to_threshold, *[None] * 3


def spikes(drive: Tensor, weights: Tensor, neuron: KernelNeuron) -> Tensor:
    """Spikes over time of neurons that read each other's last spikes.

    Args:
        drive: (time, member, batch, unit), float32.
        weights: (member, unit, unit), from each unit's last output to each unit's drive; no more
            than ``MOST_UNITS``.
        neuron: what fires.

    Returns:
        Zeros and ones, shaped like ``drive``.
    """
    return _Spikes.apply(
        drive.contiguous(), weights, *neuron.parameters, neuron.reset, neuron.surrogate
    )
