"""``AdaptiveLIF``; the trace is its adaptation, and the state is the potential before the reset."""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import VIEWS
from hnnlib.engines.cpu.row import Row
from hnnlib.neurons.adaptive import AdaptiveLIF

__all__ = ["ROWS"]


@njit(**VIEWS)
def _forward(constants, drive, state, trace, potential):
    threshold, alpha, beta = constants[0, 0], constants[1], constants[2]
    a, b = constants[3], constants[4]
    zero, one = state.dtype.type(0), state.dtype.type(1)
    for n in range(len(potential)):
        fired = one if state[n] > threshold else zero
        trace[n] = beta[n] * trace[n] + a[n] * state[n] + b[n] * fired
        state[n] = alpha[n] * (state[n] - fired) - (one - alpha[n]) * trace[n] + drive[n]
        potential[n] = state[n]


@njit(**VIEWS)
def _backward(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    threshold, alpha, beta = constants[0, 0], constants[1], constants[2]
    a, b = constants[3], constants[4]
    zero, one = carried.dtype.type(0), carried.dtype.type(1)
    for n in range(len(potential)):
        u, w = potential[n], trace[n]
        fired = one if u > threshold else zero
        to_w = traced[n] - (one - alpha[n]) * carried[n]  # the gradient of the next w
        if len(to_constants):
            later = beta[n] * w + a[n] * u + b[n] * fired
            to_constants[1, n] += carried[n] * (u - fired + later)
            to_constants[2, n] += to_w * w
            to_constants[3, n] += to_w * u
            to_constants[4, n] += to_w * fired
        to_spike = gradient[n] + b[n] * to_w - alpha[n] * carried[n]
        carried[n] = alpha[n] * carried[n] + a[n] * to_w + to_spike * slope[n]
        traced[n] = beta[n] * to_w
        potential[n] = carried[n]


ROWS = (
    Row(
        AdaptiveLIF,
        lambda neuron: (1.0, neuron.alpha, neuron.beta, neuron.a, neuron.b),
        _forward,
        _backward,
        by_unit=True,
        keeps_trace=True,
    ),
)
