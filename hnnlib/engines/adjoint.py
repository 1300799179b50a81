"""Hand-written reverse-time passes in PyTorch, on any device: no autograd graph over time.

Autograd keeps a dozen tensors a step and walks them back one by one; the equations need two.
Forward spikes are those of ``eager`` to the last bit, gradients agree to rounding. What it has no
pass for goes to ``eager``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hnnlib.engines.base import Engine
from hnnlib.engines.eager import Eager
from hnnlib.neurons import DualExponential, RefractoryLIF

__all__ = ["Adjoint"]


class Adjoint(Engine):
    """``RefractoryLIF`` and ``DualExponential`` by their adjoint equations; anything else by
    ``eager``.
    """

    name = "adjoint"

    def scan(
        self, neuron: Any, drive: Tensor, recurrent: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """See ``hnnlib.engines.Engine.scan``; the final state is given only where ``eager``
        computes it.
        """
        if recurrent is None and isinstance(neuron, RefractoryLIF) and not neuron.membrane_decay:
            return _Refractory.apply(drive, neuron), None
        if (
            recurrent is None
            and isinstance(neuron, DualExponential)
            and isinstance(neuron.a1, Tensor)
        ):
            return _Filter.apply(drive, neuron.a1, neuron.a2, neuron.b), None
        return Eager().scan(neuron, drive, recurrent)


class _Refractory(torch.autograd.Function):
    """V = I - c R, O = [V > c], R' = theta R + O."""

    @staticmethod
    def forward(ctx, drive: Tensor, neuron: RefractoryLIF) -> Tensor:
        potential, spikes = torch.empty_like(drive), torch.empty_like(drive)
        trace = torch.zeros_like(drive[0])
        for current, v, out in zip(
            drive.unbind(), potential.unbind(), spikes.unbind(), strict=True
        ):
            torch.sub(current, trace, alpha=neuron.threshold, out=v)
            out.copy_(v > neuron.threshold)
            torch.add(out, trace, alpha=neuron.refractory_decay, out=trace)
        ctx.save_for_backward(potential)
        ctx.neuron = neuron
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        """With r the adjoint of R: dI = (dO + r') S(V - c), r = theta r' - c dI, from the last step
        to the first.
        """
        (potential,) = ctx.saved_tensors
        neuron = ctx.neuron
        slope = neuron.surrogate.derivative(potential - neuron.threshold)
        carried = torch.zeros_like(slope[0])
        for step in range(len(slope) - 1, -1, -1):
            to_drive = slope[step]  # overwritten by the gradient: nobody needs the slope again
            to_drive.mul_(gradient[step] + carried)
            carried.mul_(neuron.refractory_decay).sub_(to_drive, alpha=neuron.threshold)
        return slope, None


class _Filter(torch.autograd.Function):
    """F = a1 F' + a2 F'' + b x with coefficients (member, 1, *units)."""

    @staticmethod
    def forward(ctx, drive: Tensor, a1: Tensor, a2: Tensor, b: Tensor) -> Tensor:
        values = torch.empty_like(drive)
        last = before = torch.zeros_like(drive[0])
        for x, value in zip(drive.unbind(), values.unbind(), strict=True):
            torch.mul(a1, last, out=value).addcmul_(a2, before).addcmul_(b, x)
            last, before = value, last
        ctx.save_for_backward(drive, values, a1, a2, b)
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        """With f the adjoint of F: f = dF + a1 f' + a2 f'' backwards in time; dx = b f, da = sum of
        f times F', F'', x.
        """
        drive, values, a1, a2, b = ctx.saved_tensors
        adjoint = torch.empty_like(values)
        after = later = torch.zeros_like(values[0])
        for step in range(len(values) - 1, -1, -1):
            torch.mul(a1, after, out=adjoint[step]).addcmul_(a2, later).add_(gradient[step])
            after, later = adjoint[step], after
        to_a1 = (adjoint[1:] * values[:-1]).sum((0, 2)).unsqueeze(1)
        to_a2 = (adjoint[2:] * values[:-2]).sum((0, 2)).unsqueeze(1)
        to_b = (adjoint * drive).sum((0, 2)).unsqueeze(1)
        return adjoint * b if ctx.needs_input_grad[0] else None, to_a1, to_a2, to_b
