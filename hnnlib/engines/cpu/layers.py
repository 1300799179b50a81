"""Kernels under autograd: layers that read events, layers that read a drive, and the trained
synaptic filter.

Outputs of spiking layers are events. What autograd sees of them is a carrier: a tensor of their
shape without memory of its own (one zero, expanded), which exists to bring gradients back.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import filter_kernels, kernels
from hnnlib.engines.cpu.forms import Form, Output, Table
from hnnlib.engines.cpu.plans import Plan
from hnnlib.engines.cpu.products import to_input, to_weight, weight_rows
from hnnlib.engines.cpu.threads import share
from hnnlib.engines.cpu.tiles import panels
from hnnlib.signals import Events, Spikes

__all__ = ["filtered", "gather", "integrate", "scan"]

Filtering = tuple[float, float, float]


def gather(
    events: Events,
    carrier: Tensor | None,
    weight: Tensor,
    bias: Tensor | None,
    recurrent: Tensor | None,
    plan: Plan,
    filtering: Filtering | None = None,
) -> Spikes | Tensor:
    """A dense layer that reads events: spikes, or the values of a leaky integrator.

    Args:
        events: of the input, with the layer's members or one for all of them.
        carrier: brings gradients back to the input, or None where nothing is trained behind it.
        weight: (member, input, unit). bias: (member, 1, unit). recurrent: (member, unit, unit).
        plan: of the neuron.
        filtering: coefficients a1, a2, b of a fixed synaptic filter. It is linear and the same for
            all units, so that it can stand behind the product, which then reads spikes.
    """
    steps, _, batch = events.shape[:3]
    form = Form(steps, len(weight), batch, (weight.shape[2],))
    spiking = plan.neuron != kernels.INTEGRATOR
    keep = torch.is_grad_enabled() or not spiking
    output = Output(form, weight.dtype, keep, stepwise=recurrent is not None)
    if bias is None:
        bias = weight.new_zeros(form.members, 1, form.width)
    coefficients = np.array(filtering or (), output.potential.numpy().dtype)
    out = _Gathered.apply(
        carrier, weight, bias[:, 0], recurrent, events, plan, coefficients, output
    )
    return Spikes(out, output.events()) if spiking else out


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx, carrier, weight, bias, recurrent, events, plan, coefficients, output):
        form = output.form
        share(
            kernels.gathered,
            form.rows,
            form.batch,
            events.shape[1] != form.members,
            events.units.numpy(),
            events.starts.numpy(),
            weight_rows(weight),
            bias.contiguous().numpy(),
            _loops(recurrent, weight),
            coefficients,
            plan.neuron,
            plan.constants,
            form.names(),
            output.keep,
            output.lines,
            *output.arrays(),
        )
        ctx.save_for_backward(weight, recurrent)
        ctx.rest = events, plan, coefficients, output
        return output.carrier() if plan.neuron != kernels.INTEGRATOR else output.values()

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        weight, recurrent = ctx.saved_tensors
        events, plan, coefficients, output = ctx.rest
        form = output.form
        adjoint = output.take_potential()
        to_bias = weight.new_zeros(form.rows, form.width)
        if recurrent is None:
            _reverse(form, gradient, plan, adjoint, to_bias, coefficients)
        else:
            _reverse_recurrent(form, gradient, plan, adjoint, recurrent)
            if ctx.needs_input_grad[2]:
                torch.sum(form.by_step(adjoint), 0, out=to_bias)
        needs = ctx.needs_input_grad
        return (
            to_input(adjoint, weight, form, events.shape) if needs[0] else None,
            to_weight(events, adjoint, weight, form) if needs[1] else None,
            to_bias.view(form.members, form.batch, -1).sum(1) if needs[2] else None,
            _to_recurrent(output, adjoint, recurrent) if needs[3] else None,
            *[None] * 4,
        )


def _loops(recurrent: Tensor | None, like: Tensor) -> np.ndarray:
    """Recurrent weights as the kernels take them: of no member where there are none."""
    recurrent = like.new_empty(0, 1, 1) if recurrent is None else recurrent
    return recurrent.contiguous().numpy()


def _reverse(form, gradient, plan, adjoint, to_bias, filtering, envelope=None, to_values=None):
    """The reverse-time pass of all rows; ``adjoint`` holds the potentials and is written over."""
    numbers = adjoint.numbers.reshape(form.rows, form.steps, form.width)
    nothing = np.empty(0, numbers.dtype)
    share(
        kernels.reverse,
        form.rows,
        form.batch,
        form.to_rows(gradient).numpy(),
        plan.neuron,
        plan.constants,
        plan.surrogate,
        plan.shape,
        plan.powers,
        filtering,
        nothing if envelope is None else envelope,
        numbers,
        to_bias.numpy(),
        nothing[None] if to_values is None else to_values.numpy(),
    )


def _reverse_recurrent(form, gradient, plan, adjoint, recurrent) -> None:
    """The same with recurrence."""
    known = form.to_table(gradient)
    share(
        kernels.reverse_looped,
        form.rows,
        form.steps,
        form.batch,
        known.numbers,
        known.lines,
        panels(recurrent.transpose(1, 2).numpy()),
        plan.neuron,
        plan.constants,
        plan.surrogate,
        plan.shape,
        plan.powers,
        *adjoint,
    )


def _to_recurrent(output: Output, adjoint: Table, recurrent: Tensor) -> Tensor:
    """Gradient of recurrent weights: a spike reaches the drive one step later."""
    return to_weight(output.events(), adjoint, recurrent, output.form, delay=1)


def scan(
    current: Tensor,
    shift: Tensor | None,
    envelope: Tensor | None,
    plan: Plan,
    form: Form,
    filtering: Filtering | None = None,
    recurrent: Tensor | None = None,
    spare: bool = False,
) -> Spikes:
    """Spiking neurons under a known drive, current + shift or current * envelope + shift.

    Args:
        current: (time, member, batch, *units), or (member, batch, *units) under an envelope (time,)
        shift: broadcasts against (member, 1, *units), or None.
        filtering: of the current, as in ``gather``; not under an envelope, nor with recurrence.
        recurrent: (member, unit, unit); not under an envelope.
        spare: whether ``current`` is read by nothing else, so that it may be written over.
    """
    keep, stepwise = torch.is_grad_enabled(), recurrent is not None
    rows = form.to_rows((current if envelope is None else current[None]).detach())
    own = spare or rows.data_ptr() != current.data_ptr()
    room = rows.view(-1, form.width) if own and envelope is None and not stepwise else None
    output = Output(form, current.dtype, keep, stepwise, room)
    out = _scan(current, rows, shift, envelope, plan, output, filtering, recurrent)
    return Spikes(out, output.events())


def integrate(current: Tensor, plan: Plan, form: Form) -> Tensor:
    """A leaky integrator's values (time, member, batch, *units)."""
    output = Output(form, current.dtype, keep=True)
    return _scan(current, form.to_rows(current.detach()), None, None, plan, output)


def _scan(
    current, rows, shift, envelope, plan: Plan, output: Output, filtering=None, recurrent=None
) -> Tensor:
    form = output.form
    if shift is None:
        shift = current.new_zeros(1)
    shift = shift.expand(form.members, 1, *form.units)
    if envelope is not None:
        current = current[None]
    coefficients = np.array(filtering or (), output.potential.numpy().dtype)
    return _Scanned.apply(
        current, shift, recurrent, envelope, plan, rows.numpy(), output, coefficients
    )


class _Scanned(torch.autograd.Function):
    """Of ``current`` only the gradient is wanted: ``rows`` are its numbers."""

    @staticmethod
    def forward(ctx, current, shift, recurrent, envelope, plan, rows, output, filtering):
        form, spiking = output.form, plan.neuron != kernels.INTEGRATOR
        once = Form(1, form.members, 1, form.units)
        course = rows[0, 0, :0] if envelope is None else envelope.contiguous().numpy()
        share(
            kernels.scanned,
            form.rows,
            form.batch,
            rows,
            course,
            once.to_rows(shift[None])[:, 0].numpy(),
            filtering,
            _loops(recurrent, current),
            plan.neuron,
            plan.constants,
            form.names(),
            output.keep,
            output.lines,
            spiking,
            *output.arrays(),
        )
        ctx.save_for_backward(recurrent)
        ctx.rest = plan, course, output, filtering
        return output.carrier() if spiking else output.values()

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        plan, course, output, filtering = ctx.rest
        (recurrent,) = ctx.saved_tensors
        form = output.form
        adjoint = output.take_potential()
        to_shift = torch.zeros(form.rows, form.width, dtype=output.dtype)
        if recurrent is None:
            to_values = torch.zeros_like(to_shift) if len(course) else None
            _reverse(form, gradient, plan, adjoint, to_shift, filtering, course, to_values)
        else:
            to_values = None
            _reverse_recurrent(form, gradient, plan, adjoint, recurrent)
            torch.sum(form.by_step(adjoint), 0, out=to_shift)
        if to_values is None:
            current = form.from_table(adjoint)
        else:
            current = Form(1, *form.shape[1:3], form.units).from_rows(to_values)
        by_member = to_shift.view(form.members, form.batch, -1).sum(1)
        once = Form(1, form.members, 1, form.units)
        around = _to_recurrent(output, adjoint, recurrent) if ctx.needs_input_grad[2] else None
        return current, once.from_rows(by_member)[0], around, *[None] * 5


def filtered(signal: Tensor, coefficients: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """A signal (time, member, batch, *units) through the trained synaptic filter, whose
    coefficients are (member, 1, *units).
    """
    return _Filtered.apply(signal, *coefficients)


class _Filtered(torch.autograd.Function):
    @staticmethod
    def forward(ctx, signal, a1, a2, b):
        form = Form(*signal.shape[:3], tuple(signal.shape[3:]))
        once = Form(1, form.members, 1, form.units)
        rows = form.to_rows(signal)
        stacked = torch.stack(
            [once.to_rows(c.expand(once.shape[1:])[None])[:, 0] for c in (a1, a2, b)]
        )
        values = torch.empty_like(rows)
        share(
            filter_kernels.filter_forward,
            form.rows,
            form.batch,
            stacked.numpy(),
            rows.numpy(),
            values.numpy(),
        )
        ctx.save_for_backward(rows, values, stacked)
        ctx.form = form
        return form.from_rows(values)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        rows, values, stacked = ctx.saved_tensors
        form: Form = ctx.form
        to_signal, to_rows = torch.empty_like(rows), rows.new_zeros(form.rows, 3, form.width)
        share(
            filter_kernels.filter_backward,
            form.rows,
            form.batch,
            stacked.numpy(),
            rows.numpy(),
            values.numpy(),
            form.to_rows(gradient).numpy(),
            to_signal.numpy(),
            to_rows.numpy(),
        )
        once = Form(1, form.members, 1, form.units)
        by_member = to_rows.view(form.members, form.batch, 3, form.width).sum(1)
        to_coefficients = (once.from_rows(by_member[:, k, None].contiguous())[0] for k in range(3))
        return form.from_rows(to_signal), *to_coefficients
