"""What every network is to those who train and measure it, and what it gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from hnnlib.randomness import MemberNoise

__all__ = ["Activity", "Costed", "Network"]


class Activity(NamedTuple):
    """What a forward pass gives.

    Attributes:
        logits: (member, batch, class); spike counts for a network that ends in spiking neurons.
        spikes: spikes an example of every spiking layer, each (member, batch).
        encoder_spikes: spikes an example of a Poisson encoder, (member, batch), or None.
        counts: spikes of each unit, (member, batch, unit), differentiable, where a network's
            training needs them.
        operations: spikes times mean fan-out, (member, batch), where a network counts them as it
            goes.
    """

    logits: Tensor
    spikes: list[Tensor]
    encoder_spikes: Tensor | None = None
    counts: Tensor | None = None
    operations: Tensor | None = None


class Network(Protocol):
    """A population that can be trained: a torch module whose parameters have a member axis.

    Attributes:
        seeds: one a member.
    """

    seeds: Sequence[int]

    def __call__(self, x, noise: MemberNoise | None = None) -> Activity:
        """Outputs and activity for inputs as ``Examples`` gives them."""

    def train(self, mode: bool = True): ...

    def eval(self): ...

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]: ...

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]: ...


class Costed(Network, Protocol):
    """A population that knows what its activity costs, in products and additions."""

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes times mean fan-out of each example, (member, batch)."""

    def graded_products(self) -> float:
        """Products with graded values an example, all time steps together."""

    def products(self) -> float:
        """Multiply-accumulates an example, all time steps, zeros multiplied too."""

    def parameter_count(self) -> int:
        """Trained numbers of one member."""
