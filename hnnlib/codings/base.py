"""What a coding is to the networks that use it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from hnnlib.randomness import MemberNoise
from hnnlib.signals import Signal, count, dense

__all__ = ["Coding"]


@dataclass(frozen=True)
class Coding(ABC):
    """From graded values (member, batch, *units) to a signal (time, member, batch, *units).

    Everything that a network does otherwise because of its coding is asked here. ``encode`` sees a
    whole batch, and autograd goes through it: a coding may fix the number of its steps, scale by
    the batch, or bring a derivative of its own.

    Attributes:
        steps: time steps T of the signal.
        name: in scale files and result stores.
        graded: whether the layer that reads the signal multiplies by graded values; otherwise it
            adds up spikes.
    """

    steps: int

    name: ClassVar[str]
    graded: ClassVar[bool] = True

    @property
    def linear(self) -> bool:
        """Whether the layer before must not be activated, not even before a pool."""
        return False

    def widen(self, units: int) -> int:
        """Units that the layer before needs for this many units of the signal."""
        return units

    def values(self, drive: Tensor, pooled: bool) -> Tensor:
        """What is encoded, from what the last artificial layer gives.

        Args:
            drive: (member, batch, *units) before the activation; where the coding isn't ``linear``,
                a pool behind the layer has pooled activations.
            pooled: whether there is such a pool.
        """
        return drive

    @abstractmethod
    def encode(self, values: Tensor, noise: MemberNoise | None = None) -> Signal:
        """The signal of some values.

        Args:
            values: (member, batch, *units), of ``widen`` times as many units as the signal has.
            noise: a stream a member, for codings that draw.
        """

    def decode(self, signal: Signal) -> Tensor:
        """The values (member, batch, *units) that a signal stands for: its mean over time."""
        return dense(signal).mean(0)

    def encoder_spikes(self, signal: Signal) -> Tensor | None:
        """Spikes of the encoder an example, (member, batch); None where the signal is graded."""
        return None if self.graded else count(signal)

    def graded_products(self, macs: int) -> int:
        """Products with graded values in a layer of so many products a step, all steps."""
        return self.steps * macs if self.graded else 0
