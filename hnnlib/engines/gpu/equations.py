"""One time step of the neurons, forward and backward in time, as device functions.

All neurons are one equation with three resets (see ``Equation``), A the membrane after reset:

    V[t] = decay A[t-1] + I[t]            O[t] = [V[t] > V_th]
    soft     A[t] = V[t] - V_th O[t]      LIF
    hard     A[t] = V[t] (1 - O[t])       LIF(hard_reset=True)
    trace    A[t] = V[t], and V[t] has - V_th R[t] with R[t+1] = theta R[t] + O[t]    RefractoryLIF

The backward step is the adjoint of that, with the surrogate derivative S for d[V > V_th]/dV. It
needs the potentials of the forward pass and nothing else: A[t], O[t] follow from V[t].
"""

from __future__ import annotations

import math
from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor

from hnnlib.engines import rows
from hnnlib.neurons.base import Neuron
from hnnlib.surrogates import ATan, Gaussian, SuperSpike, Surrogate

__all__ = ["KernelNeuron", "fire", "make", "retrace"]


NEURONS = dict(rows.found("hnnlib.engines.gpu.neurons"))


class KernelNeuron(NamedTuple):
    """A neuron as the kernels see it; tensors are laid out like one step of the drive.

    Attributes:
        parameters: decay, threshold, theta (decay of the refractory trace; 0 for other resets).
        reset: ``soft``, ``hard`` or ``trace``.
        surrogate: its curve, peak and scale, see ``slope``.
    """

    parameters: tuple[Tensor, Tensor, Tensor]
    reset: str
    surrogate: tuple[str, float, float]


def make(neuron: Neuron, step: Tensor) -> KernelNeuron | None:
    """A neuron as a ``KernelNeuron``, or None if the kernels don't know it.

    Args:
        neuron: of a type in the table, exactly: a subclass may have another step.
        step: one step of the drive, (member, batch, *units).
    """
    if type(neuron) not in NEURONS:
        return None
    surrogate = _surrogate(neuron.surrogate)
    if surrogate is None:
        return None
    reset, *values = NEURONS[type(neuron)](neuron)
    return KernelNeuron(tuple(spread(value, step) for value in values), reset, surrogate)


def spread(parameter: Tensor | float, step: Tensor) -> Tensor:
    """A parameter laid out like one step of the drive: kernels need no strides, and its gradient is
    summed over the batch by autograd, in a fixed order.
    """
    if isinstance(parameter, Tensor):
        return parameter.to(step).expand_as(step).contiguous()
    return step.new_full(step.shape, parameter)


def _surrogate(surrogate: Surrogate) -> tuple[str, float, float] | None:
    """Curve, peak and scale of a surrogate derivative."""
    if type(surrogate) is Gaussian and not isinstance(surrogate.sigma, Tensor):
        sigma = surrogate.sigma
        return "gaussian", 1 / (math.sqrt(2 * math.pi) * sigma), math.sqrt(0.5) / sigma
    if type(surrogate) is ATan:
        return "atan", surrogate.alpha / 2, math.pi / 2 * surrogate.alpha
    if type(surrogate) is SuperSpike:
        return "superspike", 1.0, surrogate.slope
    return None


@triton.jit
def slope(distance, CURVE: tl.constexpr, PEAK: tl.constexpr, SCALE: tl.constexpr):
    """Surrogate derivative at a distance from threshold."""
    x = distance * SCALE
    if CURVE == "gaussian":
        value = tl.exp(-x * x) * PEAK
    elif CURVE == "atan":
        value = PEAK / (1.0 + x * x)
    else:
        root = tl.abs(x) + 1.0
        value = PEAK / (root * root)
    return value


@triton.jit
def after_reset(potential, fired, threshold, RESET: tl.constexpr):
    """Membrane after reset."""
    if RESET == "soft":
        membrane = potential - threshold * fired
    elif RESET == "hard":
        membrane = potential * (1.0 - fired)
    else:
        membrane = potential
    return membrane


@triton.jit
def fire(current, membrane, trace, decay, threshold, theta, RESET: tl.constexpr):
    """One step: potential, spikes, membrane after reset, trace.

    The order of operations, and which are fused, is that of the step functions in PyTorch, so that
    spikes are the same to the last bit; kernels are compiled without further fusion.
    """
    if RESET == "trace":
        potential = tl.fma(-threshold, trace, current) + decay * membrane
    else:
        potential = decay * membrane + current
    fired = (potential - threshold > 0).to(potential.dtype)
    if RESET == "trace":
        trace = tl.fma(theta, trace, fired)
    return potential, fired, after_reset(potential, fired, threshold, RESET), trace


@triton.jit
def retrace(
    potential,
    to_spike,
    to_next,
    to_trace,
    decay,
    threshold,
    theta,
    RESET: tl.constexpr,
    CURVE: tl.constexpr,
    PEAK: tl.constexpr,
    SCALE: tl.constexpr,
):
    """One step backwards.

    Args:
        potential: V[t].
        to_spike: gradient to O[t] from outside the neuron.
        to_next: gradient to I[t+1], which is that to V[t+1].
        to_trace: gradient to R[t+1].

    Returns:
        Gradients to I[t] and R[t], and what this step adds to those of decay (as it stands in step
        t+1) and threshold. The latter isn't complete for ``trace``, where it is a float.
    """
    distance = potential - threshold
    fired = (distance > 0).to(potential.dtype)
    to_membrane = decay * to_next
    through = to_membrane
    to_threshold = tl.full(potential.shape, 0.0, potential.dtype)
    if RESET == "soft":
        to_spike -= threshold * to_membrane
        to_threshold -= fired * to_membrane
    elif RESET == "hard":
        to_spike -= potential * to_membrane
        through = to_membrane * (1.0 - fired)
    else:
        to_spike += to_trace
    by_slope = to_spike * slope(distance, CURVE, PEAK, SCALE)
    to_drive = by_slope + through
    if RESET == "trace":
        to_trace = theta * to_trace - threshold * to_drive
    to_decay = to_next * after_reset(potential, fired, threshold, RESET)
    return to_drive, to_trace, to_decay, to_threshold - by_slope
