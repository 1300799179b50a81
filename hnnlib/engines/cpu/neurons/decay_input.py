"""``DecayInputLIF``; its potential counts from its reset."""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS
from hnnlib.engines.cpu.row import Row
from hnnlib.neurons.decay_input import DecayInputLIF

__all__ = ["ROWS"]


@njit(**OPTIONS)
def _forward(constants, drive, state, trace, potential):
    threshold, tau = constants[0, 0], constants[1, 0]
    zero = state.dtype.type(0)
    for n in range(len(potential)):
        v = state[n] + (drive[n] - state[n]) / tau
        potential[n] = v
        state[n] = zero if v > threshold else v


@njit(**OPTIONS)
def _backward(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    threshold, tau = constants[0, 0], constants[1, 0]
    zero, one = carried.dtype.type(0), carried.dtype.type(1)
    for n in range(len(potential)):
        v = potential[n]
        kept = zero if v > threshold else carried[n]
        adjoint = (kept + (gradient[n] - v * carried[n]) * slope[n]) / tau
        potential[n] = adjoint
        carried[n] = (tau - one) * adjoint


ROWS = (
    Row(
        DecayInputLIF,
        lambda neuron: (neuron.threshold - neuron.reset, neuron.tau),
        _forward,
        _backward,
        at_threshold=True,
    ),
)
