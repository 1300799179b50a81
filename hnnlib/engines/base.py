"""What an engine is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor

from hnnlib.signals import Separable, Signal, dense

__all__ = ["Engine"]


class Engine(ABC):
    """Runs neurons, and whole layers, over time; a network holds one and never loops over time
    itself.

    Attributes:
        name: written into the results.
    """

    name: ClassVar[str]

    @abstractmethod
    def scan(
        self, neuron: Any, drive: Tensor, recurrent: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Outputs over time and the final state.

        Args:
            neuron: see ``hnnlib.neurons``.
            drive: (time, member, batch, *units).
            recurrent: weights (member, unit, unit) from each unit's last output to each unit's
                drive, or None.

        Returns:
            Outputs, shaped like ``drive``, and the state after the last step, or None where an
            engine doesn't keep it.
        """

    def layer(
        self, neuron: Any, synapse: Any, signal: Signal, recurrent: Tensor | None = None
    ) -> Signal:
        """Outputs of a neuron layer: ``scan`` of the synapse's product with a signal.

        Args:
            neuron: see ``hnnlib.neurons``.
            synapse: has ``product(x)`` and ``shift()``, see ``hnnlib.networks.layers``.
            signal: what the layer reads.
            recurrent: as in ``scan``.
        """
        return self.scan(neuron, self.drive(synapse, signal), recurrent)[0]

    def drive(self, synapse: Any, signal: Signal) -> Tensor:
        """The synapse's product with a signal, and its shift: (time, member, batch, *units)."""
        if isinstance(signal, Separable):  # the product doesn't change over time: one is enough
            product = signal._replace(values=synapse.product(signal.values)).over_time()
        else:
            product = synapse.product(dense(signal))
        shift = synapse.shift()
        return product if shift is None else product + shift
