"""The reference engine: a plain PyTorch loop over time with autograd, short and obviously right."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hnnlib.engines.base import Engine
from hnnlib.neurons.base import Neuron

__all__ = ["Eager"]


class Eager(Engine):
    """One ``step`` after another; every other engine is tested against this one."""

    name = "eager"

    def scan(
        self, neuron: Neuron, drive: Tensor, recurrent: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """See ``hnnlib.engines.Engine.scan``."""
        # unbind, not drive[t]: the backward of an index allocates the whole drive at every step
        currents = drive.unbind(0)
        state = neuron.initial(currents[0])
        outputs: list[Tensor] = []
        for current in currents:
            if recurrent is not None and outputs:
                current = torch.baddbmm(current, outputs[-1], recurrent)
            output, state = neuron.step(current, state)
            outputs.append(output)
        return torch.stack(outputs), state
