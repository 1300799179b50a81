"""``QuadraticIF``."""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS
from hnnlib.engines.cpu.row import Row
from hnnlib.neurons.quadratic import QuadraticIF

__all__ = ["ROWS"]


@njit(**OPTIONS)
def _forward(constants, drive, state, trace, potential):
    threshold, square, slope = constants[0, 0], constants[1, 0], constants[2, 0]
    shift, floor = constants[3, 0], constants[4, 0]
    zero = state.dtype.type(0)
    for n in range(len(potential)):
        u = state[n] if state[n] > floor else floor
        v = (square * u + slope) * u + shift + drive[n]
        potential[n] = v
        state[n] = zero if v > threshold else v


@njit(**OPTIONS)
def _backward(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    """``carried`` is the adjoint of the next potential, which the map's slope is put to here, where
    the potential after reset is known.
    """
    threshold, square, rise, floor = (
        constants[0, 0],
        constants[1, 0],
        constants[2, 0],
        constants[4, 0],
    )
    zero, two = carried.dtype.type(0), carried.dtype.type(2)
    for n in range(len(potential)):
        v = potential[n]
        u = zero if v > threshold else v
        after = (two * square * u + rise) * carried[n] if u > floor else zero
        kept = zero if v > threshold else after
        adjoint = kept + (gradient[n] - v * after) * slope[n]
        potential[n] = adjoint
        carried[n] = adjoint


ROWS = (
    Row(
        QuadraticIF,
        lambda neuron: (neuron.threshold, *neuron.map, neuron.floor),
        _forward,
        _backward,
        at_threshold=True,
    ),
)
