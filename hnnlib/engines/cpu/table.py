"""The table of neurons, and one compiled function a direction that runs any of them.

The kernels take a neuron as its place in the table, a number: passing a function instead, they
would be compiled for each neuron, and their copies on disk would not be found again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numba import njit

from hnnlib.engines import rows
from hnnlib.engines.cpu.compilation import INNER
from hnnlib.engines.cpu.row import Row

__all__ = ["ROWS", "advance", "chosen", "step_back"]

ROWS: list[Row] = rows.found("hnnlib.engines.cpu.neurons")


def chosen(steps: Sequence[Callable[..., None]], place: int = 0) -> Callable[..., None]:
    """A function that calls the step at a place, the first argument, with the others."""
    step = steps[place]
    others = chosen(steps, place + 1) if place + 1 < len(steps) else None
    if others is None:
        return njit(**INNER)(lambda neuron, *arguments: step(*arguments))

    @njit(**INNER)
    def choose(neuron, *arguments):  # noqa: ANN001, ANN002, ANN202
        if neuron == place:
            step(*arguments)
        else:
            others(neuron, *arguments)

    return choose


advance = chosen([row.forward for row in ROWS])
"""One step forward of a row of units: a neuron's place in the table, and see ``Row``."""
step_back = chosen([row.backward for row in ROWS])
"""One step back."""
