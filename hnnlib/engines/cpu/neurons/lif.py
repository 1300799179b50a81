"""``LIF``: soft and hard reset; and either with decays of each unit, which may be trained."""

from __future__ import annotations

from numba import njit
from torch import Tensor

from hnnlib.engines.cpu.compilation import OPTIONS, VIEWS
from hnnlib.engines.cpu.row import Row
from hnnlib.neurons.lif import LIF

__all__ = ["ROWS"]


@njit(**OPTIONS)
def _soft(constants, drive, state, trace, potential):
    threshold, decay = constants[0, 0], constants[1, 0]
    for n in range(len(potential)):
        v = decay * state[n] + drive[n]
        potential[n] = v
        state[n] = v - threshold if v > threshold else v


@njit(**OPTIONS)
def _soft_back(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    threshold, decay = constants[0, 0], constants[1, 0]
    for n in range(len(potential)):
        adjoint = carried[n] + (gradient[n] - threshold * carried[n]) * slope[n]
        potential[n] = adjoint
        carried[n] = decay * adjoint


@njit(**OPTIONS)
def _hard(constants, drive, state, trace, potential):
    threshold, decay = constants[0, 0], constants[1, 0]
    zero = state.dtype.type(0)
    for n in range(len(potential)):
        v = decay * state[n] + drive[n]
        potential[n] = v
        state[n] = zero if v > threshold else v


@njit(**OPTIONS)
def _hard_back(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    threshold, decay = constants[0, 0], constants[1, 0]
    zero = carried.dtype.type(0)
    for n in range(len(potential)):
        v = potential[n]
        kept = zero if v > threshold else carried[n]
        adjoint = kept + (gradient[n] - v * carried[n]) * slope[n]
        potential[n] = adjoint
        carried[n] = decay * adjoint


@njit(**VIEWS)
def _by_unit(constants, drive, state, trace, potential):
    threshold, decay, hard = constants[0, 0], constants[1], constants[2, 0] > 0
    zero = state.dtype.type(0)
    for n in range(len(potential)):
        v = decay[n] * state[n] + drive[n]
        potential[n] = v
        reset = zero if hard else v - threshold
        state[n] = reset if v > threshold else v


@njit(**VIEWS)
def _by_unit_back(constants, slope, gradient, trace, carried, traced, potential, to_constants):
    """``carried`` is the adjoint of the next potential, which the decay's gradient needs."""
    threshold, decay, hard = constants[0, 0], constants[1], constants[2, 0] > 0
    zero = carried.dtype.type(0)
    if len(to_constants):
        to_decay = to_constants[1]
        for n in range(len(potential)):
            v = potential[n]
            reset = zero if hard else v - threshold
            to_decay[n] += carried[n] * (reset if v > threshold else v)
    for n in range(len(potential)):
        v, after = potential[n], decay[n] * carried[n]
        kept = zero if hard and v > threshold else after
        jump = v if hard else threshold
        adjoint = kept + (gradient[n] - jump * after) * slope[n]
        potential[n] = adjoint
        carried[n] = adjoint


def _constants(neuron: LIF) -> tuple[Tensor | float, ...]:
    return neuron.threshold, neuron.decay


ROWS = (
    Row(LIF, _constants, _soft, _soft_back, when=lambda neuron: not neuron.hard_reset),
    Row(LIF, _constants, _hard, _hard_back, when=lambda neuron: neuron.hard_reset),
    Row(
        LIF,
        lambda neuron: (neuron.threshold, neuron.decay, float(neuron.hard_reset)),
        _by_unit,
        _by_unit_back,
        by_unit=True,
    ),
)
