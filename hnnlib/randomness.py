"""Random numbers keyed by (seed, role): no global state, so that compared members share what should
not differ.

Two cells trained with the same seed see the same data order and, where shapes agree, the same
initial weights (common random numbers), because both are functions of the seed and a role name
only.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # reading results draws resamples, and must not wait for torch
    import torch

__all__ = ["MemberNoise", "key", "numpy_generator", "torch_generator"]


def key(seed: int, *roles: object) -> int:
    """A 63-bit key that depends on the seed and every role; roles are joined by their text.

    >>> key(0, "order", 3) == key(0, "order", 3)
    True
    >>> key(0, "order", 3) == key(0, "order", 4)
    False
    """
    text = "\x1f".join(str(part) for part in (seed, *roles))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def numpy_generator(seed: int, *roles: object) -> np.random.Generator:
    """NumPy generator of one role."""
    return np.random.default_rng(key(seed, *roles))


def torch_generator(
    seed: int, *roles: object, device: str | torch.device = "cpu"
) -> torch.Generator:
    """PyTorch generator of one role on one device; CPU and CUDA streams of one key differ."""
    import torch

    return torch.Generator(device=device).manual_seed(key(seed, *roles))


class MemberNoise:
    """Noise of a population in which each member has a stream of its own, keyed by its seed.

    Args:
        seeds: one a member.
        roles: what the noise is for, such as ``("coding", epoch)``.
        device: where the noise is drawn.
    """

    def __init__(
        self, seeds: Sequence[int], *roles: object, device: str | torch.device = "cpu"
    ) -> None:
        self._streams = [torch_generator(seed, *roles, device=device) for seed in seeds]

    def shared(self) -> MemberNoise:
        """The first member's stream alone: for draws that are made once for members of one seed."""
        one = MemberNoise(())
        one._streams = self._streams[:1]
        return one

    def normal(self, steps: int, like: torch.Tensor) -> torch.Tensor:
        """N(0, 1) for every step: (time, *like.shape), with ``like`` (member, batch, *units)."""
        return self._draw(steps, like, "normal_")

    def uniform(self, steps: int, like: torch.Tensor) -> torch.Tensor:
        """U[0, 1) for every step: (time, *like.shape)."""
        return self._draw(steps, like, "uniform_")

    def _draw(self, steps: int, like: torch.Tensor, fill: str) -> torch.Tensor:
        noise = like.new_empty((like.shape[0], steps, *like.shape[1:]))
        for member, stream in zip(noise, self._streams, strict=True):
            getattr(member, fill)(generator=stream)
        return noise.movedim(0, 1)
