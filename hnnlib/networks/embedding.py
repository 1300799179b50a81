"""Numbers of an example as channels over time, for an operator (Ghafourpour et al. 2025, 3.4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

__all__ = ["Embedding", "Kind", "waves"]

Kind = Literal["frequency", "amplitude_scaled", "constant"]


def waves(p: Tensor, frequencies: int, steps: int) -> Tensor:
    """sin and cos of 2^k pi p tau with tau from 0 to 2 pi, k from 0: frequency modulated by p.

    Args:
        p: any shape.

    Returns:
        (*shape, 2, frequencies, steps).
    """
    tau = torch.linspace(0, 2 * math.pi, steps, device=p.device, dtype=p.dtype)
    octaves = 2.0 ** torch.arange(frequencies, device=p.device, dtype=p.dtype)
    angle = math.pi * p[..., None, None] * octaves[:, None] * tau
    return torch.stack([angle.sin(), angle.cos()], -3)


@dataclass(frozen=True)
class Embedding:
    """From (onset, amplitude, features of the cell ...) to channels over time.

    The first channel is the current itself, a pulse. Then each number p that is shown:
    ``frequency`` as ``waves`` of p; ``amplitude_scaled`` as waves of 1, times p; ``constant`` as p.

    Attributes:
        pulse, dt: duration of the pulse and of a step, ms.
        features: how many features of the cell there are; they have one frequency.
        kind: how numbers are shown.
        amplitude, cell: whether the amplitude, and the features, are shown.
        frequencies: K of the amplitude, whose unit is 0.1 nA.
    """

    pulse: float
    dt: float
    features: int
    kind: Kind = "frequency"
    amplitude: bool = True
    cell: bool = True
    frequencies: int = 9

    @property
    def channels(self) -> int:
        """Of what it gives."""
        shown = self._shown()
        return 1 + (len(shown) if self.kind == "constant" else 2 * sum(shown.values()))

    def _shown(self) -> dict[int, int]:
        """Frequencies of each number that is shown, by its place in an example."""
        amplitude = {1: self.frequencies} if self.amplitude else {}
        return amplitude | ({2 + k: 1 for k in range(self.features)} if self.cell else {})

    def __call__(self, x: Tensor, steps: int) -> Tensor:
        """Channels (member, time, batch, channel) of numbers (member, batch, number).

        Args:
            x: onset of the pulse in ms, amplitude in 0.1 nA, features as they were scaled.
        """
        time = self.dt * torch.arange(steps, device=x.device, dtype=x.dtype)[:, None]
        since = time - x[:, None, :, 0]
        found = [(x[:, None, :, 1] * ((since >= 0) & (since < self.pulse)))[..., None]]
        for place, frequencies in self._shown().items():
            p = x[..., place]
            if self.kind == "constant":
                found.append(p[:, None, :, None].expand(-1, steps, -1, 1))
                continue
            if self.kind == "frequency":
                shown = waves(p, frequencies, steps)
            else:
                shown = p[..., None, None, None] * waves(p.new_ones(()), frequencies, steps)
            found.append(shown.flatten(2, 3).movedim(-1, 1))
        return torch.cat(found, -1)
