"""Engines: how a neuron is run over time. All engines give the spikes of ``eager``, only faster.

An engine is an object with a ``name`` and one method, ``scan``; a network holds one and never loops
over time itself.
"""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from hnnlib.engines.adjoint import Adjoint
from hnnlib.engines.eager import Eager
from hnnlib.errors import ConfigError

__all__ = ["Adjoint", "Eager", "Engine", "get"]


class Engine(Protocol):
    """Runs a neuron over a drive."""

    name: str

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


_ENGINES = {"adjoint": Adjoint, "eager": Eager}


def get(name: str = "auto") -> Engine:
    """An engine by name; ``auto`` takes the best one there is.

    Raises:
        ConfigError: no engine of that name.
    """
    if name == "auto":
        return Adjoint()
    if name not in _ENGINES:
        raise ConfigError(
            f"there is no engine '{name}': choose auto, {', '.join(sorted(_ENGINES))}"
        )
    return _ENGINES[name]()
