"""The choice of kernels; imports Triton only when an engine is made."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from torch import Tensor

from hnnlib.engines.base import Engine, Synapse
from hnnlib.engines.eager import Eager
from hnnlib.errors import ConfigError
from hnnlib.neurons.base import Neuron
from hnnlib.neurons.filters import DualExponential, LeakyIntegrator
from hnnlib.signals import Events, Signal

__all__ = ["Gpu"]


class Gpu(Engine):
    """Kernels in Triton that walk over time, for the neurons in ``hnnlib.neurons`` with the
    surrogates in ``hnnlib.surrogates``.

    A feed-forward neuron is one kernel forward and one backward in time, and so is a recurrent one
    of up to ``recurrent.MOST_UNITS`` units. Everything else is ``eager``, step by step.

    Raises:
        ConfigError: no Triton, or nothing to run it on.
    """

    name = "gpu"

    def __init__(self) -> None:
        if importlib.util.find_spec("triton") is None:
            raise ConfigError("engine 'gpu' needs Triton, which this Python doesn't have")
        # not at the top: they import Triton
        from hnnlib.engines.gpu import equations, events, filter, launch, recurrent, scan

        self._equations, self._events, self._filter = equations, events, filter
        self._launch, self._recurrent, self._scan = launch, recurrent, scan
        if not (torch.cuda.is_available() or launch.INTERPRETED):
            raise ConfigError("engine 'gpu' needs a CUDA device, and PyTorch sees none here")

    def scan(
        self, neuron: Neuron, drive: Tensor, recurrent: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """See ``hnnlib.engines.Engine.scan``; the final state is given only where ``eager``
        computes it.

        Raises:
            ConfigError: the drive is not on a CUDA device.
        """
        self._check(drive)
        if drive.numel() and drive.dtype in (torch.float32, torch.float64):
            outputs = self._scan_by_kernel(neuron, drive, recurrent)
            if outputs is not None:
                return outputs, None
        return Eager().scan(neuron, drive, recurrent)

    def layer(
        self,
        neuron: Neuron,
        synapse: Synapse,
        signal: Signal,
        recurrent: Tensor | None = None,
        axon: DualExponential | None = None,
    ) -> Signal:
        """See ``hnnlib.engines.Engine.layer``; events are multiplied on the device, without the
        tensor they stand for.

        Raises:
            ConfigError: the weights are not on a CUDA device.
        """
        if not isinstance(signal, Events):
            return super().layer(neuron, synapse, signal, recurrent, axon)
        weight, shift = synapse.weight, synapse.shift()
        self._check(weight)
        signal = signal.to(weight.device)
        if weight.ndim != 3:  # a convolution
            return super().layer(neuron, synapse, signal, recurrent, axon)
        drive = self.potentials(axon, self._events.product(signal, weight))
        return self.scan(neuron, drive if shift is None else drive + shift, recurrent)[0]

    def product(self, synapse: Synapse, signal: Signal) -> Tensor:
        """See ``hnnlib.engines.Engine.product``; events are multiplied as in ``layer``.

        Raises:
            ConfigError: the weights are not on a CUDA device.
        """
        weight, shift = synapse.weight, synapse.shift()
        self._check(weight)
        if not isinstance(signal, Events):
            return super().product(synapse, signal)
        signal = signal.to(weight.device)
        if weight.ndim != 3:
            return super().product(synapse, signal)
        drive = self._events.product(signal, weight)
        return drive if shift is None else drive + shift

    def _scan_by_kernel(
        self, neuron: Neuron, drive: Tensor, recurrent: Tensor | None
    ) -> Tensor | None:
        """Outputs over time, or None if there is no kernel for it."""
        if type(neuron) is LeakyIntegrator:  # a filter of first order
            neuron = DualExponential(neuron.decay, 0.0, 1 - neuron.decay)
        if type(neuron) is DualExponential:
            return self._filter.potentials(drive, neuron) if recurrent is None else None
        own = self._equations.make(neuron, drive[0])
        if own is None:
            return None
        if recurrent is None:
            return self._scan.spikes(drive, own)
        if drive.dtype != torch.float32 or drive.shape[-1] > self._recurrent.MOST_UNITS:
            return None
        return self._recurrent.spikes(drive, recurrent, own)

    def _check(self, tensor: Tensor) -> None:
        if not (tensor.is_cuda or self._launch.INTERPRETED):
            raise ConfigError(
                f"engine 'gpu' needs a network on a CUDA device, and this one is on {tensor.device}"
            )
