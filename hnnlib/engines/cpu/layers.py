"""Kernels under autograd: layers that read events, layers that read a drive, and the trained
synaptic filter.

Outputs of spiking layers are events. What autograd sees of them is a carrier: a tensor of their
shape without memory of its own (one zero, expanded), which exists to bring gradients back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import filter_kernels, kernels
from hnnlib.engines.cpu.compiled import Compiled
from hnnlib.engines.cpu.layout import Layout, Output, Table
from hnnlib.engines.cpu.products import to_input, to_weight, weight_rows
from hnnlib.engines.cpu.threads import in_threads
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
    neuron: Compiled,
    filtering: Filtering | None = None,
) -> Spikes | Tensor:
    """A dense layer that reads events: spikes, or the values of a leaky integrator.

    Args:
        events: of the input, with the layer's members or one for all of them.
        carrier: brings gradients back to the input, or None where nothing is trained behind it.
        weight: (member, input, unit). bias: (member, 1, unit). recurrent: (member, unit, unit).
        neuron: reads them.
        filtering: coefficients a1, a2, b of a fixed synaptic filter. It is linear and the same for
            all units, so that it can stand behind the product, which then reads spikes.
    """
    steps, _, batch = events.shape[:3]
    layout = Layout(steps, len(weight), batch, (weight.shape[2],))
    row = neuron.row
    keep = torch.is_grad_enabled() or not row.spiking
    output = Output(layout, weight.dtype, keep, row.keeps_trace, stepwise=recurrent is not None)
    if bias is None:
        bias = weight.new_zeros(layout.members, 1, layout.width)
    constants = neuron.constants(layout)
    out = _Gathered.apply(
        carrier,
        weight,
        bias,
        recurrent,
        constants,
        events,
        neuron,
        output.coefficients(filtering),
        output,
    )
    return Spikes(out, output.events()) if row.spiking else out


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        carrier: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        recurrent: Tensor | None,
        constants: Tensor,
        events: Events,
        neuron: Compiled,
        filtering: np.ndarray,
        output: Output,
    ) -> Tensor:
        layout = output.layout
        in_threads(
            kernels.gathered,
            layout.rows,
            layout.batch,
            events.shape[1] != layout.members,
            events.units.numpy(),
            events.starts.numpy(),
            weight_rows(weight),
            layout.of_members(bias).numpy(),
            _loops(recurrent, weight),
            filtering,
            neuron.place,
            constants.numpy(),
            layout.names(),
            output.keep,
            output.lines,
            *output.arrays(),
        )
        ctx.save_for_backward(weight, recurrent, constants)
        ctx.rest = events, neuron, filtering, output
        return output.carrier() if neuron.row.spiking else output.values()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, recurrent, constants = ctx.saved_tensors
        events, neuron, filtering, output = ctx.rest
        layout, needs = output.layout, ctx.needs_input_grad
        adjoint = output.take_potential()
        to_bias = weight.new_zeros(layout.rows, layout.width)
        reverse = _Reverse(output, gradient, neuron, constants, adjoint, needs[4])
        if recurrent is None:
            reverse.run(to_bias, filtering)
        else:
            reverse.run_recurrent(recurrent)
            if needs[2]:
                torch.sum(layout.by_step(adjoint), 0, out=to_bias)
        return (
            to_input(adjoint, weight, layout, events.shape) if needs[0] else None,
            to_weight(events, adjoint, weight, layout) if needs[1] else None,
            to_bias.view(layout.members, layout.batch, -1).sum(1, True) if needs[2] else None,
            _to_recurrent(output, adjoint, recurrent) if needs[3] else None,
            reverse.gradient_of_constants() if needs[4] else None,
            *[None] * 4,
        )


def _loops(recurrent: Tensor | None, like: Tensor) -> np.ndarray:
    """Recurrent weights as the kernels take them: of no member where there are none."""
    recurrent = like.new_empty(0, 1, 1) if recurrent is None else recurrent
    return recurrent.contiguous().numpy()


class _Reverse:
    """The reverse-time pass of all rows; ``adjoint`` holds the potentials and is written over."""

    def __init__(
        self,
        output: Output,
        gradient: Tensor,
        neuron: Compiled,
        constants: Tensor,
        adjoint: Table,
        learns: bool,
    ) -> None:
        self.layout, self.traces = output.layout, output.traces
        self.gradient, self.adjoint = gradient, adjoint
        self.neuron = (neuron.place, constants.numpy(), *neuron.surrogate)
        kept = (self.layout.rows, *constants.shape[1:]) if learns else (1, 0, 0)
        self.to_constants = constants.new_zeros(kept)

    def run(
        self,
        to_bias: Tensor,
        filtering: np.ndarray,
        envelope: np.ndarray | None = None,
        to_values: Tensor | None = None,
    ) -> None:
        layout = self.layout
        numbers = self.adjoint.numbers.reshape(layout.rows, layout.steps, layout.width)
        nothing = np.empty(0, numbers.dtype)
        in_threads(
            kernels.reverse,
            layout.rows,
            layout.batch,
            layout.to_rows(self.gradient).numpy(),
            *self.neuron,
            filtering,
            nothing if envelope is None else envelope,
            numbers,
            self.traces,
            to_bias.numpy(),
            nothing[None] if to_values is None else to_values.numpy(),
            self.to_constants.numpy(),
        )

    def run_recurrent(self, recurrent: Tensor) -> None:
        layout, known = self.layout, self.layout.to_table(self.gradient)
        in_threads(
            kernels.reverse_looped,
            layout.rows,
            layout.steps,
            layout.batch,
            known.numbers,
            known.lines,
            panels(recurrent.transpose(1, 2).numpy()),
            *self.neuron,
            self.adjoint.numbers,
            self.traces,
            self.adjoint.lines,
            self.to_constants.numpy(),
        )

    def gradient_of_constants(self) -> Tensor:
        layout = self.layout
        return self.to_constants.unflatten(0, (layout.members, layout.batch)).sum(1)


def _to_recurrent(output: Output, adjoint: Table, recurrent: Tensor) -> Tensor:
    """Gradient of recurrent weights: a spike reaches the drive one step later."""
    return to_weight(output.events(), adjoint, recurrent, output.layout, delay=1)


def scan(
    current: Tensor,
    shift: Tensor | None,
    envelope: Tensor | None,
    neuron: Compiled,
    layout: Layout,
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
    rows = layout.to_rows((current if envelope is None else current[None]).detach())
    own = spare or rows.data_ptr() != current.data_ptr()
    room = rows.view(-1, layout.width) if own and envelope is None and not stepwise else None
    output = Output(layout, current.dtype, keep, neuron.row.keeps_trace, stepwise, room)
    out = _scan(current, rows, shift, envelope, neuron, output, filtering, recurrent)
    return Spikes(out, output.events())


def integrate(current: Tensor, neuron: Compiled, layout: Layout) -> Tensor:
    """A leaky integrator's values (time, member, batch, *units)."""
    output = Output(layout, current.dtype, keep=True, traces=neuron.row.keeps_trace)
    return _scan(current, layout.to_rows(current.detach()), None, None, neuron, output)


def _scan(
    current: Tensor,
    rows: Tensor,
    shift: Tensor | None,
    envelope: Tensor | None,
    neuron: Compiled,
    output: Output,
    filtering: Filtering | None = None,
    recurrent: Tensor | None = None,
) -> Tensor:
    layout = output.layout
    if shift is None:
        shift = current.new_zeros(1)
    if shift.shape != (layout.members, 1, *layout.units):
        shift = shift.expand(layout.members, 1, *layout.units)
    return _Scanned.apply(
        current,
        shift,
        recurrent,
        neuron.constants(layout),
        envelope,
        neuron,
        rows.numpy(),
        output,
        output.coefficients(filtering),
    )


class _Scanned(torch.autograd.Function):
    """Of ``current`` only the gradient is wanted: ``rows`` are its numbers."""

    @staticmethod
    def forward(
        ctx: Any,
        current: Tensor,
        shift: Tensor,
        recurrent: Tensor | None,
        constants: Tensor,
        envelope: Tensor | None,
        neuron: Compiled,
        rows: np.ndarray,
        output: Output,
        filtering: np.ndarray,
    ) -> Tensor:
        layout, spiking = output.layout, neuron.row.spiking
        course = rows[0, 0, :0] if envelope is None else envelope.contiguous().numpy()
        in_threads(
            kernels.scanned,
            layout.rows,
            layout.batch,
            rows,
            course,
            layout.of_members(shift).numpy(),
            filtering,
            _loops(recurrent, current),
            neuron.place,
            constants.numpy(),
            layout.names(),
            output.keep,
            output.lines,
            spiking,
            *output.arrays(),
        )
        ctx.save_for_backward(recurrent, constants)
        ctx.rest = neuron, course, output, filtering
        return output.carrier() if spiking else output.values()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        neuron, course, output, filtering = ctx.rest
        recurrent, constants = ctx.saved_tensors
        layout, needs = output.layout, ctx.needs_input_grad
        adjoint = output.take_potential()
        to_shift = torch.zeros(layout.rows, layout.width, dtype=output.dtype)
        reverse = _Reverse(output, gradient, neuron, constants, adjoint, needs[3])
        to_values = torch.zeros_like(to_shift) if len(course) else None
        if recurrent is None:
            reverse.run(to_shift, filtering, course, to_values)
        else:
            reverse.run_recurrent(recurrent)
            torch.sum(layout.by_step(adjoint), 0, out=to_shift)
        if to_values is None:
            current = layout.from_table(adjoint)
        else:
            current = Layout(1, *layout.shape[1:3], layout.units).from_rows(to_values)[0]
        return (
            current,
            layout.to_members(to_shift.view(layout.members, layout.batch, -1).sum(1)),
            _to_recurrent(output, adjoint, recurrent) if needs[2] else None,
            reverse.gradient_of_constants() if needs[3] else None,
            *[None] * 5,
        )


def filtered(signal: Tensor, coefficients: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """A signal (time, member, batch, *units) through the trained synaptic filter, whose
    coefficients are (member, 1, *units).
    """
    return _Filtered.apply(signal, *coefficients)


class _Filtered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, a1: Tensor, a2: Tensor, b: Tensor) -> Tensor:
        layout, held = Layout.of(signal.shape), signal.stride(0) == 0
        rows = layout.to_rows(signal[:1] if held else signal)
        stacked = torch.stack([layout.of_members(c) for c in (a1, a2, b)])
        values = rows.new_empty(layout.rows, layout.steps, layout.width)
        in_threads(
            filter_kernels.filter_forward,
            layout.rows,
            layout.batch,
            stacked.numpy(),
            rows.numpy(),
            values.numpy(),
        )
        ctx.save_for_backward(rows, values, stacked)
        ctx.layout = layout
        return layout.from_rows(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, values, stacked = ctx.saved_tensors
        layout: Layout = ctx.layout
        wanted = ctx.needs_input_grad[0]
        to_signal = torch.empty_like(values) if wanted else values.new_empty(0, 1, 1)
        to_rows = rows.new_zeros(layout.rows, 3, layout.width)
        in_threads(
            filter_kernels.filter_backward,
            layout.rows,
            layout.batch,
            stacked.numpy(),
            rows.numpy(),
            values.numpy(),
            layout.to_rows(gradient).numpy(),
            to_signal.numpy(),
            to_rows.numpy(),
        )
        by_member = to_rows.unflatten(0, (layout.members, layout.batch)).sum(1)
        to_coefficients = (layout.to_members(numbers) for numbers in by_member.unbind(1))
        return layout.from_rows(to_signal) if wanted else None, *to_coefficients
