"""Engines: how neurons and layers are run over time. All give the spikes of ``eager``, only faster.

``base`` says what an engine is, ``eager`` is the reference. The others are imported when they are
asked for: compilers take a second to load.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch

from hnnlib.engines.base import Engine
from hnnlib.errors import ConfigError

__all__ = ["NAMES", "Engine", "get"]

NAMES = ("cpu", "eager", "gpu")


def get(name: str = "auto", device: torch.device | str = "cpu") -> Engine:
    """An engine by name; ``auto`` takes the fastest one for a device.

    Raises:
        ConfigError: no engine of that name, or it can't work on this device.
    """
    on_cpu = torch.device(device).type == "cpu"
    if name == "auto":
        name = "cpu" if on_cpu else "gpu" if find_spec("triton") else "eager"
    if name == "cpu":
        if not on_cpu:
            raise ConfigError(f"the engine cpu can't work on {device}: choose auto, or device cpu")
        from hnnlib.engines.cpu import Cpu

        return Cpu()
    if name == "gpu":
        from hnnlib.engines.gpu import Gpu

        return Gpu()
    if name == "eager":
        from hnnlib.engines.eager import Eager

        return Eager()
    raise ConfigError(f"there is no engine '{name}': choose auto, {', '.join(NAMES)}")
