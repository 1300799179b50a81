"""``RefractoryLIF``."""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS
from hnnlib.engines.cpu.row import Row
from hnnlib.neurons.refractory import RefractoryLIF

__all__ = ["ROWS"]


@njit(**OPTIONS)
def _forward(constants, drive, state, trace, potential):
    threshold, decay, refractory = constants[0, 0], constants[1, 0], constants[2, 0]
    zero, one = state.dtype.type(0), state.dtype.type(1)
    for n in range(len(potential)):
        v = drive[n] - threshold * trace[n]
        v += decay * state[n]
        potential[n] = v
        state[n] = v
        trace[n] = refractory * trace[n] + (one if v > threshold else zero)


@njit(**OPTIONS)
def _backward(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    threshold, decay, refractory = constants[0, 0], constants[1, 0], constants[2, 0]
    for n in range(len(potential)):
        adjoint = (gradient[n] + traced[n]) * slope[n] + carried[n]
        potential[n] = adjoint
        carried[n] = decay * adjoint
        traced[n] = refractory * traced[n] - threshold * adjoint


ROWS = (
    Row(
        RefractoryLIF,
        lambda neuron: (neuron.threshold, neuron.membrane_decay, neuron.refractory_decay),
        _forward,
        _backward,
    ),
)
