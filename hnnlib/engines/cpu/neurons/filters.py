"""``LeakyIntegrator``; synaptic filters have kernels of their own."""

from __future__ import annotations

import math

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS
from hnnlib.engines.cpu.row import Row
from hnnlib.neurons.filters import LeakyIntegrator

__all__ = ["ROWS"]


@njit(**OPTIONS)
def _forward(constants, drive, state, trace, potential):
    decay = constants[1, 0]
    for n in range(len(potential)):
        v = drive[n] + decay * (state[n] - drive[n])
        potential[n] = v
        state[n] = v


@njit(**OPTIONS)
def _backward(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    decay = constants[1, 0]
    one = carried.dtype.type(1)
    for n in range(len(potential)):
        total = gradient[n] + carried[n]
        potential[n] = (one - decay) * total
        carried[n] = decay * total


ROWS = (
    Row(
        LeakyIntegrator,
        lambda neuron: (math.inf, neuron.decay),
        _forward,
        _backward,
        spiking=False,
    ),
)
