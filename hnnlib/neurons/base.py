"""What a neuron is."""

from __future__ import annotations

from typing import Protocol, TypeVar

from torch import Tensor

__all__ = ["Neuron"]

State = TypeVar("State")


class Neuron(Protocol[State]):
    """A frozen object with the equations of one time step; its state is what it says it is.

    It knows nothing of time loops, populations or devices. Drives are (member, batch, *units);
    parameters are floats or tensors that broadcast against that shape.
    """

    def initial(self, like: Tensor) -> State:
        """The state at rest of units with a drive like this one."""

    def step(self, drive: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step: outputs, shaped like the drive, and the new state."""
