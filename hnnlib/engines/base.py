"""What an engine is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from hnnlib.neurons.base import Neuron
from hnnlib.neurons.filters import DualExponential
from hnnlib.signals import Separable, Signal, count, counts, dense

__all__ = ["Engine", "Learned", "Loss", "Stage", "Synapse", "bring", "brought_back"]

Loss = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From outputs, which autograd knows nothing of, to losses (member,) and the gradient of their sum,
shaped like the outputs."""


class Synapse(Protocol):
    """Weights between a signal and a layer, as ``hnnlib.networks.layers`` has them.

    Attributes:
        weight: (member, unit in, unit out), or kernels (member, channel out, channel in, y, x) of a
            convolution, which also has a ``padding``, the zeros around an image.
    """

    weight: Tensor

    def product(self, x: Tensor) -> Tensor:
        """Weights times x, no bias: (..., member, batch, *in) to (..., member, batch, *units)."""

    def shift(self) -> Tensor | None:
        """Bias that broadcasts against one step of the product, or None."""


class Stage(NamedTuple):
    """A spiking layer, see ``Engine.layer``."""

    neuron: Neuron
    synapse: Synapse
    axon: DualExponential | None = None


class Learned(NamedTuple):
    """What ``Engine.learn`` gives.

    Attributes:
        losses: (member,).
        alone: whether the layers ran without autograd.
    """

    losses: Tensor
    alone: bool


class Engine(ABC):
    """Runs neurons, and whole layers, over time; a network holds one and never loops over time
    itself.

    Attributes:
        name: written into the results.
    """

    name: ClassVar[str]

    @abstractmethod
    def scan(
        self, neuron: Neuron, drive: Tensor, recurrent: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Outputs over time and the final state.

        Args:
            neuron: what is run.
            drive: (time, member, batch, *units).
            recurrent: weights (member, unit, unit) from each unit's last output to each unit's
                drive, or None.

        Returns:
            Outputs, shaped like ``drive``, and the state after the last step, or None where an
            engine doesn't keep it.
        """

    def spikes(self, neuron: Neuron, drive: Tensor | Separable) -> Signal:
        """Outputs as ``scan`` gives them, in the form that the engine's products read fastest.

        Args:
            neuron: as in ``scan``.
            drive: (time, member, batch, *units); nothing else may need its numbers afterwards.
        """
        return self.scan(neuron, dense(drive))[0]

    def written(self, signal: Signal) -> Tensor:
        """What ``spikes`` gives, as a tensor (time, member, batch, *units)."""
        return dense(signal)

    def dropped(self, signal: Signal, noise: Tensor, share: float) -> Tensor:
        """Dropout: a signal of which units are silent where the noise is below ``share``, and
        others are scaled by 1 / (1 - share); (time, member, batch, *units).

        Args:
            signal: as ``spikes`` gives it.
            noise: (time, member, batch, *units), from U[0, 1), of the signal's precision.
            share: of the units that is left out.
        """
        return self.written(signal) * (noise >= share) / (1 - share)

    def counts(self, signal: Signal) -> Tensor:
        """Sum of a signal over time, (member, batch, *units), see ``hnnlib.signals.counts``."""
        return counts(signal)

    def prepare(self, say: Callable[[str], None]) -> None:
        """Do what is done once, such as compiling, before anything is timed.

        Args:
            say: takes a line where it took seconds.
        """
        return

    def layer(
        self,
        neuron: Neuron,
        synapse: Synapse,
        signal: Signal,
        recurrent: Tensor | None = None,
        axon: DualExponential | None = None,
    ) -> Signal:
        """Outputs of a neuron layer: axon, product, neuron.

        Args:
            neuron, synapse: what it is made of.
            signal: what the layer reads.
            recurrent: as in ``scan``.
            axon: a fixed synaptic filter on the signal, or None. Being linear and the same for all
                units, it may as well act on the product.
        """
        signal = self.potentials(axon, self._tensor(signal, synapse.weight))
        return self.scan(neuron, self._drive(synapse, signal), recurrent)[0]

    def stack(self, stages: Sequence[Stage], signal: Signal) -> tuple[Tensor, list[Tensor]]:
        """Layers one behind the other: how often each unit of the last one fired, (member, batch,
        *units), and the spikes of every layer an example, (member, batch).

        Args:
            stages: spiking layers.
            signal: what the first one reads.
        """
        each = []
        for neuron, synapse, axon in stages:
            signal = self.layer(neuron, synapse, signal, axon=axon)
            each.append(count(signal))
        return self.counts(signal), each

    def learn(self, stages: Sequence[Stage], signal: Signal, loss: Loss) -> Learned:
        """The losses of what ``stack`` counts; their sum's gradients are added to ``grad`` of all
        that the counts depend on, of what made the signal, too.

        Args:
            stages, signal: as in ``stack``.
            loss: of the counts.
        """
        return Learned(brought_back(self.stack(stages, signal)[0], loss), alone=False)

    def product(self, synapse: Synapse, signal: Signal) -> Tensor:
        """The drive that a signal gives a layer, weights times signal plus bias, without a neuron:
        (time, member, batch, *units).

        Args:
            synapse, signal: as in ``layer``.
        """
        return self._drive(synapse, self._tensor(signal, synapse.weight))

    def read(
        self,
        neuron: Neuron,
        synapse: Synapse,
        signal: Signal,
        recurrent: Tensor | None,
        readout: Synapse,
    ) -> tuple[Tensor, Tensor]:
        """A layer that one product reads, by what others see of it: ``product`` of its outputs, and
        ``counts`` of units that spike, whatever it gives for those that don't.

        Args:
            neuron, synapse, signal, recurrent: as in ``layer``.
            readout: the product.
        """
        outputs = self.layer(neuron, synapse, signal, recurrent)
        return self.product(readout, outputs), self.counts(outputs)

    def delayed(self, signal: Tensor, taps: Tensor, reach: Sequence[int] | None = None) -> Tensor:
        """A line of delays on every unit: m[t] = sum_i taps[i] signal[t - i], silence before t = 0.

        Args:
            signal: (time, member, batch, unit).
            taps: (member, lag, unit); the first is of lag 0.
            reach: how many lags each member has, where others are 0 and their gradients are not
                wanted, so that an engine may leave them out; None: all.
        """
        steps, members, batch, units = signal.shape
        lags = taps.shape[1]
        lines = signal.permute(2, 1, 3, 0).reshape(batch, members * units, steps)
        kernels = taps.transpose(1, 2).reshape(members * units, 1, lags).flip(2)
        padded = functional.pad(lines, (lags - 1, 0))
        found = functional.conv1d(padded, kernels, groups=members * units)
        return found.view(batch, members, units, steps).permute(3, 1, 0, 2)

    def potentials(self, axon: DualExponential | None, signal: Signal) -> Signal:
        """Postsynaptic potentials of a signal under a fixed filter: one product with the filter's
        T x T impulse response, not T small steps.
        """
        if axon is None:
            return signal
        if isinstance(signal, Separable):
            response = _response(axon, *_like(signal.envelope))
            return signal._replace(envelope=response @ signal.envelope)
        signal = self.written(signal)
        return torch.tensordot(_response(axon, *_like(signal)), signal, dims=1)

    def pool(self, signal: Signal, window: int) -> Signal:
        """Max-pooling at every step, over windows of ``window`` x ``window`` pixels; a rest at the
        border is dropped.
        """
        signal = self.written(signal)
        pooled = functional.max_pool2d(signal.flatten(0, 2), window)
        return pooled.unflatten(0, signal.shape[:3])

    @staticmethod
    def _tensor(signal: Signal, weight: Tensor) -> Tensor | Separable:
        """A signal in a form that can be multiplied with weights of these members."""
        if isinstance(signal, Separable):
            return signal
        x = dense(signal).to(weight.dtype)
        if x.shape[1] != len(weight):  # events that all members share
            x = x.expand(-1, len(weight), *[-1] * (x.ndim - 2))
        return x

    @staticmethod
    def _drive(synapse: Synapse, signal: Tensor | Separable) -> Tensor:
        if isinstance(signal, Separable):  # the product doesn't change over time: one is enough
            product = signal._replace(values=synapse.product(signal.values)).over_time()
        else:
            product = synapse.product(signal)
        shift = synapse.shift()
        return product if shift is None else product + shift


def bring(tensor: Tensor, gradient: Tensor) -> None:
    """Add a gradient to the ``grad`` of all that a tensor depends on."""
    if tensor.is_leaf and tensor.grad is None:
        tensor.grad = gradient
    else:
        tensor.backward(gradient)


def brought_back(outputs: Tensor, loss: Loss) -> Tensor:
    """Losses (member,) of some outputs; autograd takes the gradient of their sum from there."""
    losses, gradient = loss(outputs.detach())
    outputs.backward(gradient)
    return losses


def _like(signal: Tensor) -> tuple[int, torch.dtype, torch.device]:
    return len(signal), signal.dtype, signal.device


@lru_cache(maxsize=64)
def _response(
    axon: DualExponential, steps: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Impulse response from each step (column) to each later one (row)."""
    impulses = torch.eye(steps, dtype=dtype, device=device)
    state, rows = axon.initial(impulses[0]), []
    for impulse in impulses:
        value, state = axon.step(impulse, state)
        rows.append(value)
    return torch.stack(rows)
