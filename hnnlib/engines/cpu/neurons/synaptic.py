"""``SynapticLIF`` whose units all spike; others: ``hnnlib.engines.cpu.mixed``."""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS
from hnnlib.engines.cpu.row import Row
from hnnlib.neurons.synaptic import SynapticLIF

__all__ = ["ROWS"]


@njit(**OPTIONS)
def _forward(constants, drive, state, trace, potential):
    """The output is read before the update; the trace is the current."""
    threshold, decay, synapse = constants[0, 0], constants[1, 0], constants[2, 0]
    zero, one = state.dtype.type(0), state.dtype.type(1)
    for n in range(len(potential)):
        v, current = state[n], trace[n]
        potential[n] = v
        state[n] = zero if v > threshold else decay * v + (one - decay) * current
        trace[n] = synapse * current + drive[n]


@njit(**OPTIONS)
def _backward(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    threshold, decay, synapse = constants[0, 0], constants[1, 0], constants[2, 0]
    zero, one = carried.dtype.type(0), carried.dtype.type(1)
    for n in range(len(potential)):
        kept = zero if potential[n] > threshold else carried[n]
        adjoint = traced[n]
        potential[n] = adjoint
        carried[n] = gradient[n] * slope[n] + decay * kept
        traced[n] = synapse * adjoint + (one - decay) * kept


ROWS = (
    Row(
        SynapticLIF,
        lambda neuron: (1.0, neuron.membrane_decay, neuron.synapse_decay),
        _forward,
        _backward,
        when=lambda neuron: neuron.spiking is None,
    ),
)
