"""The tasks in other libraries, each written the fast way its documentation shows.

``KEEP_MEMORY`` in a module names the tasks that run faster where the allocator keeps its memory
(``hnnlib.training.memory``), as it does when hnnlib trains.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from benchmarks.tasks import Task

__all__ = ["has_weights", "input_currents"]


def has_weights(layer: nn.Module) -> bool:
    """Whether a spiking neuron follows this layer (not a pool, not a flattening)."""
    return isinstance(layer, nn.Linear | nn.Conv2d)


def input_currents(layer: nn.Module, x: Tensor, task: Task) -> Sequence[Tensor]:
    """The first layer's product at every step.

    The whole input is known beforehand, so one product serves all steps: faster for every peer
    than one a step. ``unbind``, since the backward of ``drive[t]`` allocates the whole drive.
    """
    drive = layer(x)
    return [drive] * task.steps if task.constant else drive.unbind(0)
