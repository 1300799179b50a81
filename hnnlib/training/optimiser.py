"""Adam for a population: every member has its own learning rate and never feels the others."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

__all__ = ["PopulationAdam"]


class PopulationAdam:
    """Adam (Kingma & Ba 2015) on parameters with a leading member axis.

    The same update as ``torch.optim.Adam`` without weight decay, except that the learning rate is a
    vector over members, which torch's parameter groups can't express.

    Args:
        parameters: tensors (member, ...).
        betas, epsilon: as in Adam.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self.parameters = list(parameters)
        self.betas, self.epsilon, self.steps = betas, epsilon, 0
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, learning_rate: Tensor) -> None:
        """One update with the gradients at hand, which are cleared.

        Args:
            learning_rate: (member,).
        """
        self.steps += 1
        beta1, beta2 = self.betas
        unbias = (1 - beta2**self.steps) ** 0.5
        for p, first, second in zip(self.parameters, self.first, self.second, strict=True):
            if p.grad is None:
                continue
            first.lerp_(p.grad, 1 - beta1)
            second.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
            rate = (learning_rate * (unbias / (1 - beta1**self.steps))).view(
                -1, *[1] * (p.ndim - 1)
            )
            p.sub_(rate * first / (second.sqrt().add_(self.epsilon * unbias)))
            p.grad = None

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on."""
        moments = {f"first{k}": t for k, t in enumerate(self.first)}
        moments |= {f"second{k}": t for k, t in enumerate(self.second)}
        return moments | {"steps": torch.tensor(self.steps)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a stored state."""
        self.steps = int(state["steps"])
        for name, moments in (("first", self.first), ("second", self.second)):
            for k, tensor in enumerate(moments):
                tensor.copy_(state[f"{name}{k}"])
