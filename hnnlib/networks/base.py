"""What every network is to those who train and measure it, and what it gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

from torch import Tensor

from hnnlib.engines.base import Learned, Loss, Synapse
from hnnlib.randomness import MemberNoise
from hnnlib.signals import Events

__all__ = ["TRAINED_COPIES", "Activity", "Costed", "Learner", "Network", "ShapedSynapse"]

TRAINED_COPIES = 6
"""Numbers that training keeps for each trained one: itself, its gradient, two moments, the best so
far, and the update."""


class Activity(NamedTuple):
    """What a forward pass gives.

    Attributes:
        outputs: (member, batch, *what is answered): of a classifier the logits, one a class; spike
            counts or rates of a network that ends in spiking neurons.
        spikes: spikes an example of every spiking layer, each (member, batch).
        encoder_spikes: spikes an example of a Poisson encoder, (member, batch), or None.
        counts: spikes of each unit, (member, batch, unit), differentiable, where a network's
            training needs them.
        operations: spikes times mean fan-out, (member, batch), where a network counts them as it
            goes.
        steps: outputs at each step, (time, member, batch, class), whose mean ``outputs`` is, where
            a network's training needs them.
    """

    outputs: Tensor
    spikes: list[Tensor]
    encoder_spikes: Tensor | None = None
    counts: Tensor | None = None
    operations: Tensor | None = None
    steps: Tensor | None = None


class ShapedSynapse(Synapse, Protocol):
    """A synapse that knows its shapes and what it costs.

    Attributes:
        in_shape, out_shape: axes of one input and of one output.
        macs: multiply-accumulates of one step of one example.
    """

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    macs: int


class Network(Protocol):
    """A population that can be trained: a torch module whose parameters have a member axis.

    Attributes:
        seeds: one a member; they key its initial weights, its order of examples and its noise.
    """

    seeds: Sequence[int]

    def __call__(self, x: Tensor | Events, noise: MemberNoise | None = None) -> Activity:
        """Outputs and activity for inputs as ``Examples`` gives them."""

    def train(self, mode: bool = True) -> Self:
        """See ``torch.nn.Module``, like all that follows but ``memory``."""

    def eval(self) -> Self:
        """Evaluation mode."""

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """What is trained, each with a leading member axis."""

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """What is kept beside it; floating-point buffers have a leading member axis, too."""

    def state_dict(self) -> dict[str, Any]:
        """Parameters and buffers that outlive the network."""

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any:
        """Take them over."""

    def memory(self, batch: int) -> int:
        """Bytes that training one member takes, about, with so many examples a step."""


@runtime_checkable
class Learner(Protocol):
    """A network that can take a training step without telling autograd of all its layers."""

    def learn(self, x: Tensor | Events, noise: MemberNoise | None, loss: Loss) -> Learned:
        """Losses of the outputs, and gradients of all that is trained, see ``Engine.learn``.

        Args:
            x, noise: as the network is called with.
            loss: of the outputs.
        """


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
