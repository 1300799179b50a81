"""The engine for processors: compiled forward and hand-written reverse-time passes, event-driven
where a layer reads spikes.

A layer that reads events adds the weights of the units that spiked, instead of multiplying all
weights by mostly zeros, forwards and for the gradient of the weights. Where spikes are dense, a
matrix product is faster, and is taken. Spikes are those of ``eager`` but for rounding (sums run
in another order), gradients agree to rounding. What it has no kernel for goes to ``eager``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numba
import torch
from torch import Tensor

from hnnlib.engines.base import Engine, Learned, Loss, Stage, Synapse, brought_back
from hnnlib.engines.cpu import (
    chain,
    compilation,
    compiled,
    delays,
    dropout,
    images,
    layers,
    mixed,
    products,
    repeats,
    warm,
)
from hnnlib.engines.cpu.chain import Drive, First, Graded, Heard, Held, Link
from hnnlib.engines.cpu.compiled import Compiled
from hnnlib.engines.cpu.layout import Layout
from hnnlib.engines.eager import Eager
from hnnlib.neurons.base import Neuron
from hnnlib.neurons.filters import DualExponential
from hnnlib.signals import Events, Separable, Signal, Spikes, count, dense

__all__ = ["Cpu"]

BREAK_EVEN = {"dense": 0.45, "convolution": 0.33}
"""Share of units that fire from which multiplying takes less time than adding rows, forward and
backward pass together; ``python -m benchmarks --suite curves`` measures it."""


class Cpu(Engine):
    """See the module."""

    name = "cpu"

    def prepare(self, say: Callable[[str], None]) -> None:
        """Compile the kernels unless they were compiled before: they are kept beside the code, or
        in a folder of the user's where that can't be written, and loaded where they are called.
        """
        started = time.perf_counter()
        waiting = "another process compiles the engine's kernels: waiting"
        if compilation.once(Path(numba.config.CACHE_DIR), warm.run, lambda: say(waiting)):
            say(f"compiled the engine's kernels in {time.perf_counter() - started:.0f} s")

    def scan(
        self, neuron: Neuron, drive: Tensor, recurrent: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """See ``Engine.scan``; the final state is given only where ``eager`` computes it."""
        if drive.ndim > 3:
            if recurrent is None and type(neuron) is DualExponential and _trained(neuron):
                return layers.filtered(drive, (neuron.a1, neuron.a2, neuron.b)), None
            own = compiled.make(neuron, drive.shape[1], drive.ndim - 3, drive.dtype)
            layout = Layout.of(drive.shape)
            if own is not None and own.row.spiking:
                spikes = layers.scan(drive, None, None, own, layout, recurrent=recurrent)
                return products.write(spikes, drive.dtype), None
            if own is not None and recurrent is None:
                return layers.integrate(drive, own, layout), None
            graded = compiled.make_mixed(neuron, drive.shape, drive.dtype)
            if graded is not None:
                return mixed.run(drive, recurrent, graded), None
        return Eager().scan(neuron, drive, recurrent)

    def spikes(self, neuron: Neuron, drive: Tensor | Separable) -> Signal:
        """See ``Engine.spikes``."""
        held = isinstance(drive, Separable)
        shape = (len(drive.envelope), *drive.values.shape) if held else drive.shape
        own = compiled.make(neuron, shape[1], len(shape) - 3, drive[0].dtype)
        if own is None or not own.row.spiking:
            return self.scan(neuron, dense(drive))[0]
        if held:
            return layers.scan(drive.values, None, drive.envelope, own, Layout.of(shape))
        return layers.scan(drive, None, None, own, Layout.of(drive.shape), spare=True)

    def counts(self, signal: Signal) -> Tensor:
        """See ``Engine.counts``."""
        return products.counted(signal) if isinstance(signal, Spikes) else super().counts(signal)

    def written(self, signal: Signal) -> Tensor:
        """See ``Engine.written``."""
        if isinstance(signal, Spikes):
            return products.write(signal, signal.carrier.dtype)
        if isinstance(signal, Events):
            return products.write(signal, torch.float32)
        return dense(signal)

    def dropped(self, signal: Signal, noise: Tensor, share: float) -> Tensor:
        """See ``Engine.dropped``."""
        if isinstance(signal, Spikes) and noise.ndim == 4:
            return dropout.dropped(signal, noise, share)
        return super().dropped(signal, noise, share)

    def layer(
        self,
        neuron: Neuron,
        synapse: Synapse,
        signal: Signal,
        recurrent: Tensor | None = None,
        axon: DualExponential | None = None,
    ) -> Signal:
        """See ``Engine.layer``: by the first of ``STRATEGIES`` that takes it."""
        weight = synapse.weight
        own = compiled.make(neuron, len(weight), weight.ndim - 2, weight.dtype)
        if own is None and axon is None:
            return self.scan(neuron, self.product(synapse, signal), recurrent)[0]
        if own is not None:
            task = _Layer(own, synapse, signal, _listed(signal, weight), recurrent, axon)
            found = task.first()
            if found is not None:
                return found.run(own, recurrent)
        return super().layer(neuron, synapse, signal, recurrent, axon)

    def stack(self, stages: Sequence[Stage], signal: Signal) -> tuple[Tensor, list[Tensor]]:
        """See ``Engine.stack``; in training, a small one is a ``chain``."""
        links = _links(stages) if torch.is_grad_enabled() else None
        if not links:
            return super().stack(stages, signal)
        first, done = _begun(links, stages[0], signal)
        return self._stacked(links, stages, first, done)

    def learn(self, stages: Sequence[Stage], signal: Signal, loss: Loss) -> Learned:
        """See ``Engine.learn``; a small one is a ``chain``, which autograd knows nothing of."""
        links = _links(stages)
        if not links:
            return super().learn(stages, signal, loss)
        first, done = _begun(links, stages[0], signal)
        if done is not None and done.whole:
            return Learned(done.learn(loss), alone=True)
        counts, _ = self._stacked(links, stages, first, done)
        return Learned(brought_back(counts, loss), alone=False)

    def _stacked(
        self,
        links: Sequence[Link],
        stages: Sequence[Stage],
        first: First,
        done: chain.Pass | None,
    ) -> tuple[Tensor, list[Tensor]]:
        """``stack``, from what ``_begun`` gives."""
        if done is not None:
            result, each = done.under_autograd()
        else:
            result = first.run(links[0].neuron)
            each = [count(result)]
        if isinstance(result, Tensor):
            return result, each
        if len(each) == len(stages):
            return self.counts(result), each
        result, more = super().stack(stages[len(each) :], result)
        return result, each + more

    def product(self, synapse: Synapse, signal: Signal) -> Tensor:
        """See ``Engine.product``; adds the weights of units that fired where they are few."""
        weight = synapse.weight
        listed = _listed(signal, weight)
        real = weight.dtype in (torch.float32, torch.float64)
        if isinstance(listed, Events | Spikes) and weight.ndim == 3 and real:
            events, carrier = _parts(listed)
            if _readable(events, carrier, weight) and _sparse(events, "dense"):
                return products.product(events, carrier, weight, synapse.shift())
        return super().product(synapse, signal)

    def read(
        self,
        neuron: Neuron,
        synapse: Synapse,
        signal: Signal,
        recurrent: Tensor | None,
        readout: Synapse,
    ) -> tuple[Tensor, Tensor]:
        """See ``Engine.read``; mixed populations are read while they run."""
        weight = synapse.weight
        if weight.ndim == 3 and readout.shift() is None:
            shape = (1, len(weight), 1, weight.shape[2])
            mixed_neuron = compiled.make_mixed(neuron, shape, weight.dtype)
            if mixed_neuron is not None:
                drive = self.product(synapse, signal)
                return mixed.read(drive, recurrent, readout.weight, mixed_neuron)
        return super().read(neuron, synapse, signal, recurrent, readout)

    def delayed(self, signal: Tensor, taps: Tensor, reach: Sequence[int] | None = None) -> Tensor:
        """See ``Engine.delayed``."""
        return delays.delayed(signal, taps, reach)

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


class _Layer(NamedTuple):
    """What ``Engine.layer`` is asked for.

    Attributes:
        neuron: for the kernels.
        listed: the signal, as events where it is a spike train.
        others: as in ``Engine.layer``.
    """

    neuron: Compiled
    synapse: Synapse
    signal: Signal
    listed: Signal
    recurrent: Tensor | None
    axon: DualExponential | None

    @property
    def filtering(self) -> layers.Filtering | None:
        """Coefficients of the axon, which acts on the product, so that the product reads spikes."""
        return _coefficients(self.axon)

    def drive(self, current: Tensor) -> Drive:
        """A product, for neurons that read it behind the axon."""
        layout = Layout.of(current.shape)
        return Drive(current, self.synapse.shift(), None, layout, self.filtering)

    def first(self) -> First | None:
        """What the neurons read, by the first of ``STRATEGIES`` that takes it."""
        return next((f for f in (strategy(self) for strategy in STRATEGIES) if f is not None), None)


def _links(stages: Sequence[Stage]) -> list[Link] | None:
    """Layers for a ``chain``, or None where one is not for it."""
    links = []
    for neuron, synapse, axon in stages:
        weight = synapse.weight
        own = compiled.make(neuron, len(weight), weight.ndim - 2, weight.dtype)
        if own is None or weight.ndim != 3 or not own.row.spiking or own.row.by_unit:
            return None
        links.append(Link(own, weight, synapse.shift(), _coefficients(axon)))
    return links


def _begun(links: Sequence[Link], stage: Stage, signal: Signal) -> tuple[First, chain.Pass | None]:
    """What the first layer of a stack reads, and a ``chain`` as far as it goes, or None where the
    step is not for one.
    """
    listed = _listed(signal, stage.synapse.weight)
    first = _Layer(links[0].neuron, stage.synapse, signal, listed, None, stage.axon).first()
    if isinstance(first, Heard) and first.carrier is not None:
        return first, None
    return first, chain.run(links, first, BREAK_EVEN["dense"])


def _coefficients(axon: DualExponential | None) -> layers.Filtering | None:
    return None if axon is None else (axon.a1, axon.a2, axon.b)


def _by_flips(task: _Layer) -> Drive | None:
    """Spiking neurons that read a spike train that repeats itself."""
    weight = task.synapse.weight
    dense_weights = weight.ndim == 3 and task.recurrent is None
    if not (isinstance(task.listed, Events) and dense_weights and task.neuron.row.spiking):
        return None
    train = repeats.find(task.listed)
    return None if train is None else task.drive(repeats.multiply(train, weight))


def _by_convolved_events(task: _Layer) -> Drive | None:
    """A convolution of the spikes of another layer."""
    weight = task.synapse.weight
    spiking = task.neuron.row.spiking and isinstance(task.listed, Spikes)
    if not spiking or weight.ndim != 5 or task.recurrent is not None:
        return None
    if task.listed.events.shape[1] != len(weight):
        return None
    sparse = _sparse(task.listed.events, "convolution")
    padded = images.pad(task.listed, task.synapse.padding)
    return task.drive(images.convolve(padded, weight, sparse))


def _by_events(task: _Layer) -> Heard | None:
    """Few events before dense weights: the weights of units that fired are added."""
    weight, around = task.synapse.weight, task.recurrent
    if not isinstance(task.listed, Events | Spikes) or weight.ndim != 3:
        return None
    events, carrier = _parts(task.listed)
    if around is not None and task.axon is not None:
        return None
    if not (_readable(events, carrier, weight) and _sparse(events, "dense")):
        return None
    layout = Layout(events.shape[0], len(weight), events.shape[2], (weight.shape[2],))
    return Heard(events, carrier, weight, task.synapse.shift(), layout, task.filtering)


def _by_product(task: _Layer) -> Drive | Held | Graded | None:
    """Spiking neurons that read anything else, which is multiplied."""
    if not task.neuron.row.spiking:
        return None
    engine, synapse = Cpu(), task.synapse
    signal = engine.potentials(task.axon, engine._tensor(task.signal, synapse.weight))
    if isinstance(signal, Separable) and task.recurrent is None:
        values, envelope, weight = signal.values, signal.envelope, synapse.weight
        envelope = envelope.to(weight.dtype).contiguous()
        if _multiplied(values, values.shape[2:], weight):
            layout = Layout(len(envelope), *values.shape[:2], (weight.shape[2],))
            return Held(values.flatten(2), weight, synapse.shift(), envelope, layout)
        current = synapse.product(values)
        return Drive(current, synapse.shift(), envelope, Layout.of((len(envelope), *current.shape)))
    signal = dense(signal)
    if _multiplied(signal, signal.shape[3:], synapse.weight):
        return Graded.of(signal, synapse.weight, synapse.shift())
    current = synapse.product(signal)
    return Drive(current, synapse.shift(), None, Layout.of(current.shape))


STRATEGIES: tuple[Callable[[_Layer], First | None], ...] = (
    _by_flips,
    _by_convolved_events,
    _by_events,
    _by_product,
)
"""Ways to what the neurons of a layer read; the first that takes it before the others; None: it
doesn't take it.
"""


def _listed(signal: Signal, weight: Tensor) -> Signal:
    """A tensor before a dense layer as events, if it is a spike train, of a Poisson coding say, and
    unless it will be multiplied: finding them takes less than a tenth of a product. Events of other
    members or units than the weights have are written out: what multiplies them refuses them.
    """
    if isinstance(signal, Separable) or weight.ndim != 3:
        return signal
    shape = (signal.events if isinstance(signal, Spikes) else signal).shape
    if shape[1] not in (1, len(weight)) or math.prod(shape[3:]) != weight.shape[1]:
        return dense(signal)
    if not isinstance(signal, Tensor) or signal.requires_grad:
        return signal
    some = products.listed(repeats.sample(signal))
    if some is None:
        return signal
    full = not _sparse(some, "dense") and not repeats.worth(some)
    if full and signal.sum() >= BREAK_EVEN["dense"] * signal.numel():
        return signal
    return products.listed(signal) or signal


def _parts(signal: Events | Spikes) -> tuple[Events, Tensor | None]:
    """Events, and what brings gradients back to them, if anything."""
    return (signal.events, signal.carrier) if isinstance(signal, Spikes) else (signal, None)


def _readable(events: Events, carrier: Tensor | None, weight: Tensor) -> bool:
    """Whether each member has its events, or all share some that need no gradient."""
    return events.shape[1] == len(weight) or carrier is None


def _multiplied(values: Tensor, units: torch.Size, weight: Tensor) -> bool:
    """Whether values of these units are what dense weights read: a synapse refuses others."""
    same = weight.ndim == 3 and values.dtype == weight.dtype
    return same and units.numel() == weight.shape[1]


def _trained(neuron: DualExponential) -> bool:
    return all(isinstance(c, Tensor) and c.ndim > 2 for c in (neuron.a1, neuron.a2, neuron.b))


def _sparse(events: Events, synapse: str) -> bool:
    return events.total < BREAK_EVEN[synapse] * math.prod(events.shape)
