"""Kernels under autograd: layers that read events, layers that read a drive, and the trained
synaptic filter.

Outputs of spiking layers are events. What autograd sees of them is a carrier: a tensor of their
shape without memory of its own (one zero, expanded), which exists to bring gradients back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.cpu import filter_kernels, kernels
from hnnlib.engines.cpu.plans import Plan
from hnnlib.engines.cpu.threads import share
from hnnlib.signals import Events, Spikes, count

__all__ = ["Form", "filtered", "gather", "integrate", "listed", "scan", "write"]

Filtering = tuple[float, float, float]

_THIN = 32
"""Inner axes shorter than this are multiplied by a kernel, not by the matrix library."""
_SEVERAL = 3
"""Events of a unit in one example from which it pays to order events by unit."""


@dataclass(frozen=True)
class Form:
    """Axes of a signal (time, member, batch, *units), and how they lie in rows (row, step, unit).

    Images lie channels last, so that the channels of a pixel, which a convolution reads together,
    are neighbours.
    """

    steps: int
    members: int
    batch: int
    units: tuple[int, ...]

    @property
    def rows(self) -> int:
        return self.members * self.batch

    @property
    def width(self) -> int:
        return torch.Size(self.units).numel()

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.steps, self.members, self.batch, *self.units)

    @property
    def images(self) -> bool:
        return len(self.units) == 3

    def names(self) -> np.ndarray:
        """Place of each unit of a row on the flattened axes ``units``."""
        places = torch.arange(self.width, dtype=torch.int32).view(self.units)
        return (places.movedim(0, -1) if self.images else places).flatten().numpy()

    def places(self) -> np.ndarray:
        """The reverse: where in a row the unit of each place on the axes lies."""
        places = np.empty(self.width, np.int32)
        places[self.names()] = np.arange(self.width, dtype=np.int32)
        return places

    def to_rows(self, signal: Tensor) -> Tensor:
        """(time, member, batch, *units) to (row, step, unit), contiguous; a copy where needed."""
        signal = signal.movedim(0, 2)
        if self.images:
            signal = signal.movedim(3, -1)
        return signal.reshape(self.rows, -1, self.width).contiguous()

    def from_rows(self, rows: Tensor) -> Tensor:
        """The reverse; never a copy."""
        units = (*self.units[1:], self.units[0]) if self.images else self.units
        signal = rows.view(self.members, self.batch, self.steps, *units)
        if self.images:
            signal = signal.movedim(-1, 3)
        return signal.movedim(2, 0)


class _Output:
    """Room for what a layer gives: potentials, if a backward pass will need them, and events."""

    def __init__(self, form: Form, dtype: torch.dtype, keep: bool) -> None:
        self.form, self.keep = form, keep
        rows = (form.rows, form.steps, form.width) if keep else (1, 1, form.width)
        self.potential = torch.empty(rows, dtype=dtype)
        self.units = torch.empty(form.rows * form.steps * form.width, dtype=torch.int32)
        self.starts = torch.empty((form.rows, form.steps + 1), dtype=torch.int64)

    def arrays(self) -> tuple[np.ndarray, ...]:
        return self.potential.numpy(), self.units.numpy(), self.starts.numpy()

    def carrier(self) -> Tensor:
        return self.potential.new_zeros(1).expand(self.form.shape)

    def values(self) -> Tensor:
        """The potentials as outputs: the backward pass of an integrator doesn't read them."""
        values, self.potential = self.potential, torch.empty_like(self.potential)
        return self.form.from_rows(values)

    def events(self) -> Events:
        return Events(self.units, self.starts, self.form.shape)

    def take_potential(self) -> np.ndarray:
        """The potentials, for the backward pass to write over; it can do so once."""
        if self.potential is None:
            raise RuntimeError(
                "the engine cpu keeps the states of a forward pass for one backward pass: "
                "run the forward pass again, or use the engine eager"
            )
        potential, self.potential = self.potential.numpy(), None
        return potential


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
    output = _Output(form, weight.dtype, torch.is_grad_enabled() or not spiking)
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
            kernels.gathered, form.rows, form.batch, events.shape[1] != form.members,
            events.units.numpy(), events.starts.numpy(), weight.contiguous().numpy(),
            bias.contiguous().numpy(), _loops(recurrent, weight), coefficients,
            plan.neuron, plan.constants, form.names(), output.keep, *output.arrays(),
        )  # fmt: skip
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
                torch.sum(torch.from_numpy(adjoint), 1, out=to_bias)
        needs = ctx.needs_input_grad
        return (
            _to_input(adjoint, weight, form, events.shape) if needs[0] else None,
            _to_weight(events, adjoint, weight, form) if needs[1] else None,
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
    nothing = np.empty(0, adjoint.dtype)
    share(
        kernels.reverse, form.rows, form.batch, form.to_rows(gradient).numpy(),
        plan.neuron, plan.constants, plan.surrogate, plan.shape, plan.powers,
        filtering, nothing if envelope is None else envelope, adjoint, to_bias.numpy(),
        nothing[None] if to_values is None else to_values.numpy(),
    )  # fmt: skip


def _reverse_recurrent(form, gradient, plan, adjoint, recurrent) -> None:
    """The same with recurrence: step by step, a matrix product between steps.

    Adjoints are dense, since surrogate derivatives are nowhere zero, so that there is nothing to
    skip in this product: it bounds the whole from below.
    """
    gradient = form.to_rows(gradient).numpy()
    backwards = recurrent.transpose(1, 2).contiguous()
    looped, carried, traced = (recurrent.new_zeros(form.rows, form.width) for _ in range(3))
    adjoints = torch.from_numpy(adjoint).view(form.members, form.batch, form.steps, form.width)
    members = looped.view(form.members, form.batch, form.width)
    scratch = np.empty(form.width, np.int32), np.empty(form.width, adjoint.dtype)
    arrays = carried.numpy(), traced.numpy(), *scratch, adjoint
    constants = plan.neuron, plan.constants, plan.surrogate, plan.shape, plan.powers
    rows = looped.numpy()
    for t in range(form.steps - 1, -1, -1):
        kernels.reverse_step(t, form.batch, gradient, rows, *constants, *arrays)
        if t:
            torch.bmm(adjoints[:, :, t], backwards, out=members)


def _to_weight(events: Events, adjoint, weight: Tensor, form: Form, delay: int = 0) -> Tensor:
    """Gradient of weights (member, input, unit) that read events."""
    units, starts = events.units.numpy(), events.starts.numpy()
    inputs = weight.shape[1]
    gradient = torch.zeros_like(weight, memory_format=torch.contiguous_format)
    kernel, order = kernels.scattered, (units, starts)
    if count(events).sum() > _SEVERAL * len(starts) * inputs:
        kernel = kernels.outer
        order = np.empty(len(units), np.int32), np.empty((len(starts), inputs + 1), np.int64)
        share(kernels.by_unit, len(starts), units, starts, *order)
    shared = events.shape[1] != form.members
    for member in range(form.members):
        share(kernel, inputs, member, form.batch, shared, *order, delay, adjoint, gradient.numpy())
    return gradient


def _to_recurrent(output: _Output, adjoint, recurrent: Tensor) -> Tensor:
    """Gradient of recurrent weights: a spike reaches the drive one step later."""
    return _to_weight(output.events(), adjoint, recurrent, output.form, delay=1)


def _to_input(adjoint, weight: Tensor, form: Form, shape: tuple[int, ...]) -> Tensor:
    """Gradient of a layer's input, (time, member, batch, *units)."""
    transposed = weight.transpose(1, 2)
    if form.width < _THIN:
        product = weight.new_empty(form.rows, form.steps, weight.shape[1])
        share(
            kernels.thin_product, form.rows, form.batch, adjoint,
            transposed.contiguous().numpy(), product.numpy(),
        )  # fmt: skip
    else:
        folded = torch.from_numpy(adjoint).view(form.members, -1, form.width)
        product = torch.bmm(folded, transposed)
    product = product.view(form.members, form.batch, form.steps, -1)
    return product.movedim(2, 0).unflatten(-1, shape[3:])


def scan(
    current: Tensor,
    shift: Tensor | None,
    envelope: Tensor | None,
    plan: Plan,
    form: Form,
    filtering: Filtering | None = None,
    recurrent: Tensor | None = None,
) -> Spikes:
    """Spiking neurons under a known drive, current + shift or current * envelope + shift.

    Args:
        current: (time, member, batch, *units), or (member, batch, *units) under an envelope (time,)
        shift: broadcasts against (member, 1, *units), or None.
        filtering: of the current, as in ``gather``; not under an envelope, nor with recurrence.
        recurrent: (member, unit, unit); not under an envelope.
    """
    output = _Output(form, current.dtype, torch.is_grad_enabled())
    out = _scan(current, shift, envelope, plan, output, filtering, recurrent)
    return Spikes(out, output.events())


def integrate(current: Tensor, plan: Plan, form: Form) -> Tensor:
    """A leaky integrator's values (time, member, batch, *units)."""
    output = _Output(form, current.dtype, keep=True)
    return _scan(current, None, None, plan, output)


def _scan(
    current, shift, envelope, plan: Plan, output: _Output, filtering=None, recurrent=None
) -> Tensor:
    form = output.form
    if shift is None:
        shift = current.new_zeros(1)
    shift = shift.expand(form.members, 1, *form.units)
    if envelope is not None:
        current = current[None]
    coefficients = np.array(filtering or (), output.potential.numpy().dtype)
    return _Scanned.apply(current, shift, recurrent, envelope, plan, output, coefficients)


class _Scanned(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, shift, recurrent, envelope, plan, output, filtering):
        form, spiking = output.form, plan.neuron != kernels.INTEGRATOR
        rows = form.to_rows(current).numpy()
        once = Form(1, form.members, 1, form.units)
        course = rows[0, 0, :0] if envelope is None else envelope.contiguous().numpy()
        share(
            kernels.scanned, form.rows, form.batch, rows, course,
            once.to_rows(shift[None])[:, 0].numpy(), filtering, _loops(recurrent, current),
            plan.neuron, plan.constants,
            form.names(), output.keep, spiking, *output.arrays(),
        )  # fmt: skip
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
        to_shift = torch.from_numpy(np.zeros((form.rows, form.width), adjoint.dtype))
        to_values = torch.zeros_like(to_shift) if len(course) else None
        if recurrent is None:
            _reverse(form, gradient, plan, adjoint, to_shift, filtering, course, to_values)
        else:
            _reverse_recurrent(form, gradient, plan, adjoint, recurrent)
            torch.sum(torch.from_numpy(adjoint), 1, out=to_shift)
        drive = torch.from_numpy(adjoint) if to_values is None else to_values[:, None]
        current = _drop_steps(form, drive)
        by_member = to_shift.view(form.members, form.batch, -1).sum(1)
        once = Form(1, form.members, 1, form.units)
        around = _to_recurrent(output, adjoint, recurrent) if ctx.needs_input_grad[2] else None
        return current, once.from_rows(by_member[:, None])[0], around, *[None] * 4


def _drop_steps(form: Form, rows: Tensor) -> Tensor:
    """(row, step or 1, unit) to (step or 1, member, batch, *units)."""
    return Form(rows.shape[1], form.members, form.batch, form.units).from_rows(rows)


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
            filter_kernels.filter_forward, form.rows, form.batch, stacked.numpy(), rows.numpy(),
            values.numpy(),
        )  # fmt: skip
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
            filter_kernels.filter_backward, form.rows, form.batch, stacked.numpy(), rows.numpy(),
            values.numpy(), form.to_rows(gradient).numpy(), to_signal.numpy(), to_rows.numpy(),
        )  # fmt: skip
        once = Form(1, form.members, 1, form.units)
        by_member = to_rows.view(form.members, form.batch, 3, form.width).sum(1)
        to_coefficients = (once.from_rows(by_member[:, k, None].contiguous())[0] for k in range(3))
        return form.from_rows(to_signal), *to_coefficients


def listed(signal: Tensor, density: float) -> Events | None:
    """Events of a signal (time, member, batch, *units), or None unless it is made of zeros and ones
    with at most a share ``density`` of ones in every example.
    """
    steps, members, batch = signal.shape[:3]
    rows, width = members * batch, signal[0, 0, 0].numel()
    units = torch.empty(signal.numel(), dtype=torch.int32)
    starts = torch.empty((rows, steps + 1), dtype=torch.int64)
    good = np.empty(rows, np.bool_)
    share(
        kernels.list_ones, rows, signal.reshape(steps, rows, width).numpy(),
        int(density * steps * width), units.numpy(), starts.numpy(), good,
    )  # fmt: skip
    return Events(units, starts, tuple(signal.shape)) if good.all() else None


def write(signal: Events | Spikes, dtype: torch.dtype) -> Tensor:
    """Events as a tensor (time, member, batch, *units)."""
    events = signal.events if isinstance(signal, Spikes) else signal
    carrier = signal.carrier if isinstance(signal, Spikes) else torch.zeros(1, dtype=dtype)
    return _Written.apply(carrier, events, dtype)


class _Written(torch.autograd.Function):
    @staticmethod
    def forward(ctx, carrier: Tensor, events: Events, dtype: torch.dtype):
        form = Form(*events.shape[:3], tuple(events.shape[3:]))
        rows = torch.empty(form.rows, form.steps, form.width, dtype=dtype)
        share(
            kernels.write_out, form.rows, form.places(), events.units.numpy(),
            events.starts.numpy(), rows.numpy(),
        )  # fmt: skip
        return form.from_rows(rows)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return gradient, None, None
