"""JAX: a whole training step, Adam included, as one compiled function (``jax.jit``).

Loops over time are ``lax.scan``, a spike is a ``custom_vjp``, gradients are JAX's own. The input is
a dense array, since sparse ones of JAX are slow on a processor. Pooling takes the larger of
two twice, which chooses as PyTorch does among equals; gradients of ``reduce_window`` take longer.
Images have their channels last. It runs in an environment of its own, see
``benchmarks.environment``; threads are limited by ``NPROC``, which ``benchmarks.measure`` sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from torch import Tensor, nn

from benchmarks import TASKS
from benchmarks.tasks import Recurrent, Task

__all__ = ["DIFFERENCES", "KEEP_MEMORY", "PACKAGES", "build", "signal"]

PACKAGES = ("jax", "jaxlib")
KEEP_MEMORY = TASKS
DIFFERENCES = "no library of spiking networks; the step is compiled as a whole"

Weights = list[dict[str, jax.Array]]


@jax.custom_vjp
def _spike(potential: jax.Array) -> jax.Array:
    return (potential > 1).astype(potential.dtype)


def _kept(potential: jax.Array) -> tuple[jax.Array, jax.Array]:
    return _spike(potential), potential


def _slope(potential: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    return (gradient / jnp.square(1 + jnp.abs(potential - 1)),)


_spike.defvjp(_kept, _slope)


def _fire(drive: jax.Array, decay: float, around: jax.Array | None = None) -> jax.Array:
    """Spikes (time, ...) of LIF neurons; ``around``: weights between them."""

    def step(state: tuple, current: jax.Array) -> tuple[tuple, jax.Array]:
        left, before = state
        if around is not None:
            current = current + before @ around.T
        potential = decay * left + current
        spikes = _spike(potential)
        return (potential * (1 - spikes), spikes), spikes

    zero = jnp.zeros_like(drive[0])
    return lax.scan(step, (zero, zero), drive)[1]


def _recurrent(task: Recurrent, weights: Weights, x: jax.Array) -> jax.Array:
    inward, around, outward = (layer["weight"] for layer in weights)
    spikes = _fire(x @ inward.T, task.decay, around)
    drive = (1 - task.readout_decay) * (spikes @ outward.T)

    def step(value: jax.Array, current: jax.Array) -> tuple[jax.Array, jax.Array]:
        value = task.readout_decay * value + current
        return value, value

    return lax.scan(step, jnp.zeros_like(drive[0]), drive)[1].max(0)


def _convolved(x: jax.Array, layer: dict[str, jax.Array]) -> jax.Array:
    form = ("NHWC", "OIHW", "NHWC")
    return (
        lax.conv_general_dilated(x, layer["weight"], (1, 1), "VALID", dimension_numbers=form)
        + (layer["bias"])
    )


def _pooled(x: jax.Array) -> jax.Array:
    """The first of the largest in every 2 x 2."""
    edge = x.shape[-2] // 2 * 2
    x = x[..., :edge, :edge, :]
    pairs = [_first(x[..., row::2, 0::2, :], x[..., row::2, 1::2, :]) for row in (0, 1)]
    return _first(*pairs)


def _first(one: jax.Array, two: jax.Array) -> jax.Array:
    return jnp.where(two > one, two, one)


def _feed_forward(kinds: list[type], task: Task, weights: Weights, x: jax.Array) -> jax.Array:
    """Products over all steps at once; images (time * batch, edge, edge, channels)."""
    steps, place = task.steps, 0
    if task.constant:
        x = x.transpose(0, 2, 3, 1)
    for kind in kinds:
        if kind is nn.MaxPool2d:
            x = _pooled(x)
        elif kind is nn.Flatten:  # in PyTorch's order
            x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        else:
            layer = weights[place]
            x = _convolved(x, layer) if kind is nn.Conv2d else x @ layer["weight"].T + layer["bias"]
            once = task.constant and place == 0
            drive = (
                jnp.broadcast_to(x, (steps, *x.shape))
                if once
                else x.reshape(steps, -1, *x.shape[1:])
            )
            spikes = _fire(drive, task.decay)
            x = spikes.reshape(-1, *spikes.shape[2:])
            place += 1
    return x.reshape(steps, -1, x.shape[-1]).sum(0)


class _Network(nn.Module):
    """Initial weights as PyTorch's, by which they are counted; what is trained is JAX's."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.layers = nn.ModuleList(task.layers())
        weights = [
            {name: jnp.asarray(p.detach().numpy()) for name, p in layer.named_parameters()}
            for layer in self.layers
            if list(layer.parameters())
        ]
        kinds = [type(layer) for layer in self.layers]
        self.loss = _loss(task, kinds, jnp.asarray(task.labels().numpy()))
        zeros = jax.tree.map(jnp.zeros_like, weights)
        self.state = (weights, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros(()))
        self.step = jax.jit(_adam(self.loss, task.learning_rate), donate_argnums=0)

    def learn(self, x: jax.Array, _: Tensor) -> float:
        """A training step; its loss. The labels are those of the task."""
        self.state, loss = self.step(self.state, x)
        return float(loss)

    def gradients(self, x: jax.Array) -> Weights:
        """Of the weights as they are, a layer each."""
        return jax.jit(jax.grad(self.loss))(self.state[0], x)


def _loss(task: Task, kinds: list[type], y: jax.Array) -> Callable[..., jax.Array]:
    def loss(weights: Weights, x: jax.Array) -> jax.Array:
        if isinstance(task, Recurrent):
            logits = _recurrent(task, weights, x)
        else:
            logits = _feed_forward(kinds, task, weights, x)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)
        return -chosen.mean()

    return loss


def _adam(loss: Callable[..., jax.Array], rate: float) -> Callable[..., tuple]:
    """A step from (weights, first and second moments, steps so far) and the input."""

    def step(state: tuple, x: jax.Array) -> tuple[tuple, jax.Array]:
        weights, first, second, count = state
        value, gradients = jax.value_and_grad(loss)(weights, x)
        count = count + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        short = 1 - 0.9**count, 1 - 0.999**count

        def moved(weight: Any, m: Any, v: Any) -> Any:
            return weight - rate * (m / short[0]) / (jnp.sqrt(v / short[1]) + 1e-8)

        return (jax.tree.map(moved, weights, first, second), first, second, count), value

    return step


def signal(task: Task, device: str = "cpu") -> jax.Array:
    """Input as JAX's, on a processor; see ``benchmarks.ours.signal``."""
    return jnp.asarray(task.input().numpy())


def build(task: Task) -> nn.Module:
    """See ``benchmarks.ours.build``."""
    return _Network(task)
