"""Adam for a population, and what is done to gradients before it: every member has its own learning
rate and never feels the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

__all__ = ["PopulationAdam", "ascend", "clip"]


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
        moved = [
            several
            for several in zip(self.parameters, self.first, self.second, strict=True)
            if several[0].grad is not None
        ]
        if learning_rate.device.type == "cpu":
            self._in_one_pass(moved, learning_rate)
        else:
            self._in_several_passes(moved, learning_rate)
        for p, _, _ in moved:
            p.grad = None

    def _in_one_pass(self, moved: list[tuple[Tensor, ...]], learning_rate: Tensor) -> None:
        """By torch's fused kernel, which knows one learning rate: members of one rate together.

        On a CPU the update waits for memory: one pass over it takes a quarter of the time of
        several.
        """
        rates = learning_rate.tolist()
        kinds = [[p, p.grad, first, second] for p, first, second in moved]
        members = (zip(*kind, strict=True) for kind in kinds)
        groups = [kinds] if len(set(rates)) == 1 else zip(*members, strict=True)
        steps = [torch.tensor(float(self.steps))] * len(moved)
        for group, rate in zip(groups, rates, strict=False):
            torch._fused_adam_(
                *map(list, zip(*group, strict=True)),
                [],
                steps,
                amsgrad=False,
                beta1=self.betas[0],
                beta2=self.betas[1],
                lr=rate,
                weight_decay=0.0,
                eps=self.epsilon,
                maximize=False,
            )

    def _in_several_passes(self, moved: list[tuple[Tensor, ...]], learning_rate: Tensor) -> None:
        beta1, beta2 = self.betas
        unbias = (1 - beta2**self.steps) ** 0.5
        for p, first, second in moved:
            first.lerp_(p.grad, 1 - beta1)
            second.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
            rate = _by_member(learning_rate * (unbias / (1 - beta1**self.steps)), p)
            p.sub_(rate * first / (second.sqrt().add_(self.epsilon * unbias)))

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


def _norms(gradients: Iterable[Tensor]) -> Tensor:
    """Norm of each member's whole gradient, (member,)."""
    return sum(g.flatten(1).square().sum(1) for g in gradients).sqrt()


def _by_member(factor: Tensor, like: Tensor) -> Tensor:
    return factor.view(-1, *[1] * (like.ndim - 1))


@torch.no_grad()
def clip(parameters: Sequence[Tensor], most: float) -> None:
    """Scale down the gradients of members whose norm is above ``most``, to that norm."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    factor = most / _norms(gradients).clamp(min=most)
    for g in gradients:
        g.mul_(_by_member(factor, g))


@contextlib.contextmanager
def ascend(parameters: Sequence[Tensor], radius: float) -> Iterator[None]:
    """Parameters at theta + radius g / |g|, for a second gradient there; theta again afterwards.

    The first gradient is cleared (sharpness-aware minimisation, Foret et al. 2021, eq. 2-3). A
    member without gradient stays where it is.
    """
    moved = [p for p in parameters if p.grad is not None]
    with torch.no_grad():
        norm = _norms(p.grad for p in moved)
        factor = torch.where(norm > 0, radius / norm, 0.0)
        before = [p.detach().clone() for p in moved]
        for p in moved:
            p.add_(_by_member(factor, p) * p.grad)
            p.grad = None
    yield
    with torch.no_grad():
        for p, old in zip(moved, before, strict=True):
            p.copy_(old)
