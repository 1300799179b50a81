"""Dense artificial layers without autograd, for training steps of small networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hnnlib.engines.base import bring
from hnnlib.networks.layers import Dense

__all__ = ["ACTIVATIONS", "GradedStep"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu, "sigmoid": torch.sigmoid}
_BACK: dict[str | None, Callable[[Tensor, Tensor], Tensor]] = {
    None: lambda gradient, values: gradient,
    "relu": lambda gradient, values: torch.ops.aten.threshold_backward(gradient, values, 0),
    "sigmoid": torch.ops.aten.sigmoid_backward,
}
"""Gradient of what an activation read, from that of its values, as autograd computes it."""


class GradedStep:
    """Layers forward, and back: what autograd does, in the same operations, to the bit.

    Args:
        layers: with biases.
        activations: behind each of them, of ``ACTIVATIONS``, or None.
    """

    def __init__(self, layers: Sequence[Dense], activations: Sequence[str | None]) -> None:
        self.layers = list(zip(layers, activations, strict=True))
        self.values: list[Tensor] = []

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Values of the last layer, (member, batch, unit), of x (member, batch, *in)."""
        self.values = [x.flatten(2)]
        for layer, activation in self.layers:
            drive = torch.bmm(self.values[-1], layer.weight).add_(layer.bias)
            self.values.append(ACTIVATIONS[activation](drive) if activation else drive)
        return self.values[-1]

    @torch.no_grad()
    def back(self, gradient: Tensor) -> None:
        """Leave the parameters' gradients, from that of the last layer's values."""
        for place in range(len(self.layers) - 1, -1, -1):
            (layer, activation), x = self.layers[place], self.values[place]
            gradient = _BACK[activation](gradient, self.values[place + 1])
            bring(layer.weight, torch.bmm(x.transpose(1, 2), gradient))
            bring(layer.bias, gradient.sum(1, True))
            if place:
                gradient = torch.bmm(gradient, layer.weight.transpose(1, 2))
