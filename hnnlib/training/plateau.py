"""A learning rate that falls where the training loss has come to rest."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Plateau"]


@dataclass(frozen=True)
class Plateau:
    """The rate is multiplied by ``decay`` behind more than ``patience`` passes in a row whose mean
    training loss was not below the least so far (torch's ``ReduceLROnPlateau``, no rate too low).

    Attributes:
        decay: below 1.
        patience: passes without a lower loss that are borne; counted anew behind each fall.
        threshold: share of the least loss by which a lower one must be lower (torch's default).
    """

    decay: float
    patience: int
    threshold: float = 1e-4

    def factors(self, losses: Tensor) -> Tensor:
        """The next pass's rate as a multiple of the first one's, (member,) on a CPU.

        It follows from the losses alone, so that a training which goes on has the same.

        Args:
            losses: (pass, member), of all passes so far; NaN is never lower.

        >>> Plateau(0.4, patience=1).factors(torch.tensor([[1.0], [1.0], [1.0]]))
        tensor([0.4000], dtype=torch.float64)
        """
        losses = losses.cpu().double()
        least = torch.full(losses.shape[1:], torch.inf, dtype=losses.dtype)
        waited, factors = torch.zeros_like(least), torch.ones_like(least)
        for loss in losses:
            lower = loss < least * (1 - self.threshold)
            least = torch.where(lower, loss, least)
            waited = (waited + 1).masked_fill(lower, 0)
            rests = waited > self.patience
            factors = torch.where(rests, self.decay * factors, factors)
            waited = waited.masked_fill(rests, 0)
        return factors
