"""Product of weights with a list of spikes, on the device and without the tensor they stand for.

Forward, a program gathers the weights' rows of the units that fired at one step of one example.
Backward, a program gathers, for one unit, the gradients at the steps at which it fired: sorted
events and a fixed order of summation, so that the same run gives the same gradient, which atomic
additions don't.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.gpu.launch import on
from hnnlib.signals import Events

__all__ = ["product"]

OUTPUTS = 64  # output units a program
GATHER = tl.constexpr(16)  # rows read at once


@triton.jit
def _sum_of_rows(table, places, start, end, width, output, inside, OUTPUTS: tl.constexpr):
    """Sum over i in [start, end) of table[places[i], output]; float, (OUTPUTS,)."""
    total = tl.full((GATHER, OUTPUTS), 0.0, table.dtype.element_ty)
    for first in range(start, end, GATHER):
        event = first + tl.arange(0, GATHER)
        row = tl.load(places + event, event < end, 0).to(tl.int64)
        total += tl.load(
            table + row[:, None] * width + output[None, :],
            (event < end)[:, None] & inside[None, :],
            0.0,
        )
    return tl.sum(total, 0)


@triton.jit(do_not_specialize=["steps"])
def _forward(
    units,
    starts,
    weights,
    drive,
    steps,
    members,
    batch,
    inputs,
    width,
    SHARED: tl.constexpr,
    OUTPUTS: tl.constexpr,
):
    """drive[step, member, example] = sum of the rows of weights[member] whose units fired."""
    slot = tl.program_id(0)
    example = slot % batch
    member = slot // batch % members
    step = slot // batch // members
    row = example if SHARED else member * batch + example
    output = tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS)
    inside = output < width
    bound = starts + row.to(tl.int64) * (steps + 1) + step
    table = weights + member.to(tl.int64) * inputs * width
    first, end = tl.load(bound), tl.load(bound + 1)
    total = _sum_of_rows(table, units, first, end, width, output, inside, OUTPUTS)
    tl.store(drive + slot.to(tl.int64) * width + output, total, inside)


@triton.jit(do_not_specialize=["steps"])
def _list(units, starts, keys, slots, steps, members, batch, inputs):
    """For each event, what to sort it by, member * inputs + unit, and the place of its step and
    example in a tensor (time, member, batch), for the first of ``members``.
    """
    row = tl.program_id(0) // steps
    step = tl.program_id(0) % steps
    bound = starts + row.to(tl.int64) * (steps + 1) + step
    end = tl.load(bound + 1)
    for first in range(tl.load(bound), end, GATHER):
        event = first + tl.arange(0, GATHER)
        unit = tl.load(units + event, event < end, 0)
        tl.store(keys + event, row // batch * inputs + unit, event < end)
        slot = step * members * batch + row % batch
        tl.store(slots + event, tl.full((GATHER,), 0, tl.int32) + slot, event < end)


@triton.jit
def _backward(
    slots,
    bounds,
    gradient,
    to_weights,
    batch,
    inputs,
    width,
    SHARED: tl.constexpr,
    OUTPUTS: tl.constexpr,
):
    """to_weights[member, unit] = sum of the gradients at the steps at which the unit fired."""
    place = tl.program_id(0)
    member = place // inputs
    key = place % inputs if SHARED else place
    output = tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS)
    inside = output < width
    table = gradient + member.to(tl.int64) * batch * width
    first, end = tl.load(bounds + key), tl.load(bounds + key + 1)
    total = _sum_of_rows(table, slots, first, end, width, output, inside, OUTPUTS)
    tl.store(to_weights + place.to(tl.int64) * width + output, total, inside)


def _by_unit(events: Events, members: int, inputs: int) -> tuple[Tensor, Tensor]:
    """Places of events as ``_list`` gives them, sorted by unit, and where each unit's begin."""
    steps, lists, batch = events.shape[:3]
    count = lists * inputs
    keys = torch.full_like(events.units, count)  # room between rows sorts behind all units
    slots = torch.zeros_like(events.units)
    with on(keys):
        _list[(lists * batch * steps,)](
            events.units,
            events.starts,
            keys,
            slots,
            steps,
            members,
            batch,
            inputs,
            enable_fp_fusion=False,
        )
    keys, order = torch.sort(keys, stable=True)
    edges = torch.arange(count + 1, device=keys.device, dtype=keys.dtype)
    return slots[order], torch.searchsorted(keys, edges)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, events: Events) -> Tensor:
        (members, inputs, width), (steps, lists, batch) = weights.shape, events.shape[:3]
        drive = weights.new_empty(steps, members, batch, width)
        grid = (steps * members * batch, triton.cdiv(width, OUTPUTS))
        with on(weights):
            _forward[grid](
                events.units,
                events.starts,
                weights.contiguous(),
                drive,
                steps,
                members,
                batch,
                inputs,
                width,
                SHARED=lists == 1,
                OUTPUTS=OUTPUTS,
                enable_fp_fusion=False,
            )
        ctx.events, ctx.shape = events, weights.shape
        return drive

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        events, (members, inputs, width) = ctx.events, ctx.shape
        slots, bounds = _by_unit(events, members, inputs)
        to_weights = gradient.new_empty(ctx.shape)
        with on(gradient):
            _backward[(members * inputs, triton.cdiv(width, OUTPUTS))](
                slots,
                bounds,
                gradient.contiguous(),
                to_weights,
                events.shape[2],
                inputs,
                width,
                SHARED=events.shape[1] == 1,
                OUTPUTS=OUTPUTS,
                enable_fp_fusion=False,
            )
        return to_weights, None


def product(events: Events, weights: Tensor) -> Tensor:
    """Weights times events: (time, member, batch, unit out).

    Args:
        events: on the device of the weights; of one member, for all, or of as many as weights.
        weights: (member, unit in, unit out).
    """
    return _Product.apply(weights, events)
