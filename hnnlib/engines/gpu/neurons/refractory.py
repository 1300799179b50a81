"""``RefractoryLIF``."""

from __future__ import annotations

from hnnlib.engines.gpu.equation import Equation
from hnnlib.neurons.refractory import RefractoryLIF

__all__ = ["ROWS"]


def _equation(neuron: RefractoryLIF) -> Equation:
    decay = neuron.membrane_decay
    return Equation("trace", decay, neuron.threshold, neuron.refractory_decay)


ROWS = ((RefractoryLIF, _equation),)
