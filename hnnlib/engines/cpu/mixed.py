"""Populations of spiking, graded and tanh units under autograd, step by step.

Graded outputs are dense, so that there is little to skip: a matrix product for the recurrence and a
pass of a kernel, one after the other, over arrays (step, row, unit). What a layer reads may still
be events: the product with them comes first, see ``hnnlib.engines.cpu.products``.

Adding the weights of the units that spike, and multiplying only the others, was measured: at half
spiking units it saves 4 % of a training step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import mixed_kernels, surrogate_kernels
from hnnlib.engines.cpu.compiled import CompiledMixed
from hnnlib.engines.cpu.layout import Layout, Table, once
from hnnlib.engines.cpu.threads import in_threads

__all__ = ["read", "run"]


def run(drive: Tensor, recurrent: Tensor | None, neuron: CompiledMixed) -> Tensor:
    """Outputs over time, (time, member, batch, unit).

    Args:
        drive: shaped like the outputs.
        recurrent: (member, unit, unit), or None.
    """
    return _Mixed.apply(drive, recurrent, None, neuron, torch.is_grad_enabled())


def read(
    drive: Tensor, recurrent: Tensor | None, weight: Tensor, neuron: CompiledMixed
) -> tuple[Tensor, Tensor]:
    """What reads the outputs instead of the outputs, which are not kept where no gradient is
    wanted: their product with weights (member, unit, unit out), (time, member, batch, unit out),
    and the spikes of each unit, (member, batch, unit).

    Outputs and their gradients are as large as all else together. Here both are used step by step,
    while they are in cache.
    """
    return _Mixed.apply(drive, recurrent, weight, neuron, torch.is_grad_enabled())


class _Mixed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        recurrent: Tensor | None,
        weight: Tensor | None,
        neuron: CompiledMixed,
        keep: bool,
    ) -> Tensor | tuple[Tensor, Tensor]:
        layout = Layout.of(drive.shape)
        rows = layout.rows, layout.width
        slots = layout.steps if keep else 2
        kept = slots if weight is not None else layout.steps
        potential, out = drive.new_empty(slots, *rows), drive.new_empty(kept, *layout.shape[1:])
        current, last = drive.new_zeros(rows), drive.new_empty(rows).numpy()
        potential[0] = 0
        total = drive.new_empty(layout.shape[1:])
        through = keep and neuron.others == mixed_kernels.THROUGH
        currents = drive.new_empty(layout.steps, *rows) if through else None
        product = None
        if weight is not None:
            product = drive.new_empty(*layout.shape[:3], weight.shape[2])
            counts = drive.new_zeros(layout.shape[1:])
        spikes = neuron.spiking.any()
        # looked at once: at each step it would take longer than a small step's arithmetic
        sent, known, now = out.unbind(), total.view(rows).numpy(), current.numpy()
        outs, potentials = out.view(-1, *rows).numpy(), potential.numpy()
        for t, added in enumerate(drive.unbind()):
            if recurrent is not None and t:
                torch.baddbmm(added, sent[(t - 1) % kept], recurrent, out=total)
            else:
                total.copy_(added)
            if neuron.others == mixed_kernels.TANH:
                torch.tanh(total, out=sent[t % kept])
            if through:
                currents[t] = current
            in_threads(
                mixed_kernels.advance,
                layout.rows,
                layout.batch,
                neuron.spiking,
                neuron.others,
                neuron.decays,
                known,
                now,
                potentials[t % slots],
                last if t == layout.steps - 1 else potentials[(t + 1) % slots],
                outs[t % kept],
            )
            if product is not None:
                torch.bmm(sent[t % kept], weight, out=product[t])
                if spikes:
                    counts += sent[t % kept]
        ctx.save_for_backward(recurrent, weight, out)
        ctx.rest = layout, neuron
        ctx.potential, ctx.currents = potential, currents
        return out if product is None else (product, counts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        recurrent, weight, out = ctx.saved_tensors
        layout, neuron = ctx.rest
        adjoint, ctx.potential = once(ctx.potential), None
        currents, ctx.currents = ctx.currents, None
        rows = layout.rows, layout.width
        looped, to_potential, to_current, slope = (out.new_zeros(rows) for _ in range(4))
        members = looped.view(layout.shape[1:])
        if weight is None:
            known = layout.to_table(gradients[0])
        else:
            to_product, to_counts = gradients[0].unbind(), gradients[1].contiguous()
            to_outputs, turned = torch.empty_like(members), weight.transpose(1, 2)
            known = Table(to_outputs.view(rows).numpy(), (1, 0))
        spikes = neuron.spiking.any()
        learns = recurrent is not None and ctx.needs_input_grad[1]
        around = torch.zeros_like(recurrent) if learns else None
        back = None if recurrent is None else recurrent.transpose(1, 2)
        reached, sent = adjoint.view(layout.shape).unbind(), out.transpose(2, 3).unbind()
        adjoints, outs = adjoint.numpy(), out.view(-1, *rows).numpy()
        slope, looped_rows = slope.numpy(), looped.numpy()
        states = to_potential.numpy(), to_current.numpy()
        kept = None if currents is None else currents.numpy()
        for t in range(layout.steps - 1, -1, -1):
            now = adjoints[t]
            if weight is not None:
                torch.baddbmm(to_counts, to_product[t], turned, out=to_outputs)
            if spikes:
                in_threads(
                    surrogate_kernels.sloped,
                    layout.rows,
                    layout.batch,
                    neuron.spiking,
                    *neuron.surrogate,
                    now,
                    slope,
                )
            in_threads(
                mixed_kernels.step_back,
                layout.rows,
                t,
                layout.batch,
                neuron.spiking,
                neuron.others,
                neuron.decays,
                slope,
                known.numbers,
                known.lines,
                looped_rows,
                outs[t],
                states[1] if kept is None else kept[t],
                *states,
                now,
            )
            if recurrent is None:
                looped.zero_()
            elif t:
                torch.bmm(reached[t], back, out=members)
                if learns:
                    around.baddbmm_(sent[t - 1], reached[t])
        to_weight = None
        if weight is not None and ctx.needs_input_grad[2]:
            outputs, changes = (x.movedim(1, 0).flatten(1, 2) for x in (out, gradients[0]))
            to_weight = torch.bmm(outputs.transpose(1, 2), changes)
        return adjoint.view(layout.shape), around, to_weight, None, None
