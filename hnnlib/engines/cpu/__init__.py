"""The engine for processors: compiled forward and hand-written reverse-time passes, event-driven
where a layer reads spikes.

A layer that reads events adds the weights of the units that spiked, instead of multiplying all
weights by mostly zeros, forwards and for the gradient of the weights. Where spikes are dense, a
matrix product is faster, and is taken. Spikes are those of ``eager`` but for rounding (sums run
in another order), gradients agree to rounding. What it has no kernel for goes to ``eager``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hnnlib.engines.base import Engine
from hnnlib.engines.cpu import images, layers, mixed, plans, products, repeats, warm
from hnnlib.engines.cpu.forms import Form
from hnnlib.engines.eager import Eager
from hnnlib.neurons import DualExponential, LeakyIntegrator
from hnnlib.signals import Events, Separable, Signal, Spikes, count, dense

__all__ = ["Cpu"]

BREAK_EVEN = {"dense": 0.45, "convolution": 0.33}
"""Share of units that fire from which multiplying takes less time than adding rows, forward and
backward pass together; ``python -m benchmarks --suite curves`` measures it."""


class Cpu(Engine):
    """See the module."""

    name = "cpu"

    def prepare(self, say: Callable[[str], None]) -> None:
        """Compile the kernels, or load them: they are kept beside the code, or in Numba's folder
        for the user where that can't be written.
        """
        started = time.perf_counter()
        warm.run()
        seconds = time.perf_counter() - started
        if seconds > 5:
            say(
                f"compiled the engine's kernels in {seconds:.0f} s; the next start takes one or two"
            )

    def scan(
        self, neuron: Any, drive: Tensor, recurrent: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """See ``Engine.scan``; the final state is given only where ``eager`` computes it."""
        if drive.ndim > 3:
            if recurrent is None and isinstance(neuron, DualExponential) and _trained(neuron):
                return layers.filtered(drive, (neuron.a1, neuron.a2, neuron.b)), None
            plan = plans.make(neuron, drive.shape[1], drive.dtype)
            form = _form(drive.shape)
            if plan is not None and not isinstance(neuron, LeakyIntegrator):
                spikes = layers.scan(drive, None, None, plan, form, recurrent=recurrent)
                return products.write(spikes, drive.dtype), None
            if plan is not None and recurrent is None:
                return layers.integrate(drive, plan, form), None
            graded = plans.make_mixed(neuron, drive.shape, drive.dtype)
            if graded is not None:
                return mixed.run(drive, recurrent, graded), None
        return Eager().scan(neuron, drive, recurrent)

    def layer(
        self,
        neuron: Any,
        synapse: Any,
        signal: Signal,
        recurrent: Tensor | None = None,
        axon: DualExponential | None = None,
    ) -> Signal:
        """See ``Engine.layer``."""
        plan = plans.make(neuron, len(synapse.weight), synapse.weight.dtype)
        if plan is None and axon is None:
            return self.scan(neuron, self.product(synapse, signal), recurrent)[0]
        if plan is None:
            return super().layer(neuron, synapse, signal, recurrent, axon)
        out, spiking = None, not isinstance(neuron, LeakyIntegrator)
        listed = self._listed(signal, synapse.weight)
        if (
            isinstance(listed, Events)
            and synapse.weight.ndim == 3
            and recurrent is None
            and spiking
        ):
            train = repeats.find(listed)
            if train is not None:
                return self._by_flips(plan, synapse, train, axon)
        if isinstance(listed, Events | Spikes) and (recurrent is None or axon is None):
            out = self._by_events(plan, synapse, listed, recurrent, axon)
        if out is None and isinstance(neuron, LeakyIntegrator):
            return super().layer(neuron, synapse, signal, recurrent, axon)
        return self._by_product(plan, synapse, signal, recurrent, axon) if out is None else out

    def product(self, synapse: Any, signal: Signal) -> Tensor:
        """See ``Engine.product``; adds the weights of units that fired where they are few."""
        weight = synapse.weight
        listed = self._listed(signal, weight)
        real = weight.dtype in (torch.float32, torch.float64)
        if isinstance(listed, Events | Spikes) and weight.ndim == 3 and real:
            events, carrier = _parts(listed)
            own = events.shape[1] == len(weight)
            if (own or carrier is None) and _sparse(events, "dense"):
                return products.product(events, carrier, weight, synapse.shift())
        return super().product(synapse, signal)

    @staticmethod
    def _listed(signal: Signal, weight: Tensor) -> Signal:
        """A tensor before a dense layer as events, if it is a spike train, of a Poisson coding say:
        finding them takes less than a tenth of a product.
        """
        if isinstance(signal, Tensor) and weight.ndim == 3 and not signal.requires_grad:
            return products.listed(signal) or signal
        return signal

    @staticmethod
    def _by_flips(plan, synapse, train, axon) -> Signal:
        """A layer that reads a spike train that repeats itself."""
        current = repeats.multiply(train, synapse.weight)
        filtering = None if axon is None else (axon.a1, axon.a2, axon.b)
        form = _form(current.shape)
        return layers.scan(current, synapse.shift(), None, plan, form, filtering, spare=True)

    @staticmethod
    def _by_events(plan, synapse, signal, recurrent, axon) -> Signal | None:
        """A layer that adds the weights of units that fired, or None where multiplying is better.

        The filter acts on the product, so that the product reads spikes.
        """
        weight, filtering = synapse.weight, None if axon is None else (axon.a1, axon.a2, axon.b)
        events, carrier = _parts(signal)
        own = events.shape[1] == len(weight)
        if weight.ndim == 5 and carrier is not None and own and recurrent is None:
            sparse = _sparse(events, "convolution")
            current = images.convolve(images.pad(signal, synapse.padding), weight, sparse)
            shift, form = synapse.shift(), _form(current.shape)
            return layers.scan(current, shift, None, plan, form, filtering, spare=True)
        if weight.ndim == 3 and (own or carrier is None) and _sparse(events, "dense"):
            shift = synapse.shift()
            return layers.gather(events, carrier, weight, shift, recurrent, plan, filtering)
        return None

    def _by_product(self, plan, synapse, signal, recurrent, axon) -> Spikes:
        signal = self.potentials(axon, self._tensor(signal, synapse.weight))
        if isinstance(signal, Separable) and recurrent is None:
            current = synapse.product(signal.values)
            envelope = signal.envelope.to(current.dtype)
            form = _form((len(envelope), *current.shape))
            return layers.scan(current, synapse.shift(), envelope, plan, form)
        current = synapse.product(dense(signal))
        form = _form(current.shape)
        shift = synapse.shift()
        return layers.scan(current, shift, None, plan, form, recurrent=recurrent, spare=True)

    @staticmethod
    def _tensor(signal: Signal, weight: Tensor) -> Tensor | Separable:
        if isinstance(signal, Events | Spikes):
            signal = products.write(signal, weight.dtype)
        return Engine._tensor(signal, weight)

    def pool(self, signal: Signal, window: int) -> Signal:
        """See ``Engine.pool``."""
        if isinstance(signal, Spikes):
            return images.pool(signal, window)
        return super().pool(signal, window)


def _form(shape: torch.Size | tuple[int, ...]) -> Form:
    return Form(*shape[:3], tuple(shape[3:]))


def _parts(signal: Events | Spikes) -> tuple[Events, Tensor | None]:
    """Events, and what brings gradients back to them, if anything."""
    return (signal.events, signal.carrier) if isinstance(signal, Spikes) else (signal, None)


def _trained(neuron: DualExponential) -> bool:
    return all(isinstance(c, Tensor) and c.ndim > 2 for c in (neuron.a1, neuron.a2, neuron.b))


def _sparse(events: Events, synapse: str) -> bool:
    return count(events).sum().item() < BREAK_EVEN[synapse] * torch.Size(events.shape).numel()
