"""Engines: how a neuron is run over time. All engines give the spikes of ``eager``, only faster.

``base`` says what an engine is.
"""

from __future__ import annotations

from hnnlib.engines.adjoint import Adjoint
from hnnlib.engines.base import Engine
from hnnlib.engines.cpu import Cpu
from hnnlib.engines.eager import Eager
from hnnlib.engines.gpu import Gpu
from hnnlib.errors import ConfigError

__all__ = ["Adjoint", "Cpu", "Eager", "Engine", "Gpu", "get"]


_ENGINES = {"adjoint": Adjoint, "cpu": Cpu, "eager": Eager, "gpu": Gpu}


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
