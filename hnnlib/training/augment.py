"""Augmentation of recordings: pieces of others, and masks (public code of Karilanova et al.)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from hnnlib.randomness import MemberNoise
from hnnlib.signals import Signal, dense

__all__ = ["MixAndMask"]


@dataclass(frozen=True)
class MixAndMask:
    """CutMix along time, then a mask of some steps and one of some channels.

    Each happens to a member's whole batch with its probability. CutMix takes a stretch of time of
    every recording from another one of the batch; labels become shares of time. All draws are the
    member's own.

    Attributes:
        classes: number of classes.
        axis: what the mask over ``time`` runs along; the public code indexes ``batch`` instead, and
            so silences whole recordings, whose labels stay.
        mix, mask: probabilities.
        steps, channels: the longest masks.
    """

    classes: int
    axis: Literal["time", "batch"] = "time"
    mix: float = 0.5
    mask: float = 0.65
    steps: int = 8
    channels: int = 28

    def __call__(self, inputs: Signal, labels: Tensor, noise: MemberNoise) -> tuple[Tensor, Tensor]:
        """See ``Augmentation``; labels become (member, batch, class)."""
        x = dense(inputs)
        steps, members, batch, channels = x.shape
        draws = noise.uniform(9, x.new_empty(members)).unbind(0)
        order = noise.uniform(1, x.new_empty(members, batch))[0].argsort(1)
        shares = functional.one_hot(labels, self.classes).to(x.dtype)
        here = _stretch(steps, draws[0] * steps, draws[1]) & (draws[2] < self.mix)
        member = torch.arange(members, device=x.device)[:, None]
        x = torch.where(here[:, :, None, None], x[:, member, order], x)
        taken = here.to(x.dtype).mean(0)[:, None, None]
        shares = (1 - taken) * shares + taken * shares[member, order]
        silent = draws[5] < self.mask, draws[7] < self.mask
        if self.axis == "time":
            gone = (_stretch(steps, draws[3] * self.steps, draws[4]) & silent[0])[:, :, None, None]
        else:
            gone = (_stretch(batch, draws[3] * self.steps, draws[4]) & silent[0]).T[
                None, :, :, None
            ]
        deaf = (_stretch(channels, draws[6] * self.channels, draws[8]) & silent[1]).T
        return x.masked_fill(gone, 0).masked_fill(deaf[None, :, None], 0), shares


def _stretch(places: int, length: Tensor, start: Tensor) -> Tensor:
    """Which of so many places (place, member) lie in a stretch of this length, rounded, that starts
    anywhere between the first and the last place where it fits; both (member,).
    """
    length = length.round().clamp(max=places)
    first = (start * (places - length + 1)).floor()
    at = torch.arange(places, device=length.device)[:, None]
    return (at >= first) & (at < first + length)
