"""``LIF``."""

from __future__ import annotations

from hnnlib.engines.gpu.equation import Equation
from hnnlib.neurons.lif import LIF

__all__ = ["ROWS"]


def _equation(neuron: LIF) -> Equation:
    return Equation("hard" if neuron.hard_reset else "soft", neuron.decay, neuron.threshold)


ROWS = ((LIF, _equation),)
