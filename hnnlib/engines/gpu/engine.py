"""The choice of kernels; imports Triton only when an engine is made."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import torch
from torch import Tensor

from hnnlib.engines.base import Engine
from hnnlib.engines.eager import Eager
from hnnlib.errors import ConfigError
from hnnlib.neurons import DualExponential, LeakyIntegrator
from hnnlib.signals import Events, Signal

__all__ = ["Gpu"]


class Gpu(Engine):
    """Kernels in Triton that walk over time, for the neurons in ``hnnlib.neurons`` with the
    surrogates in ``hnnlib.surrogates``.

    A feed-forward neuron is one kernel forward and one backward in time, and so is a recurrent one
    of up to ``recurrent.MOST_UNITS`` units. Everything else is ``eager``, step by step: to take the
    launches out of that, record the whole training step with ``capture``.

    Args:
        precision: of the recurrent product: ``float32`` (rounds like it, see ``recurrent``),
            ``tf32`` or ``bfloat16``, of which more units' weights fit on the chip
            (``recurrent.resident_units``). State is float32 in all.

    Raises:
        ConfigError: no Triton, nothing to run it on, or no such precision.
    """

    name = "gpu"

    def __init__(self, precision: str = "float32") -> None:
        if importlib.util.find_spec("triton") is None:
            raise ConfigError("engine 'gpu' needs Triton, which this Python doesn't have")
        self._equations, self._events, self._filter, self._launch, self._recurrent, self._scan = (
            importlib.import_module(f"hnnlib.engines.gpu.{name}")
            for name in ("equations", "events", "filter", "launch", "recurrent", "scan")
        )
        if not (torch.cuda.is_available() or self._launch.INTERPRETED):
            raise ConfigError("engine 'gpu' needs a CUDA device, and PyTorch sees none here")
        known = self._recurrent.PRECISIONS
        if precision not in known:
            raise ConfigError(f"there is no precision '{precision}': choose {', '.join(known)}")
        self.precision = precision

    def scan(
        self, neuron: Any, drive: Tensor, recurrent: Tensor | None = None
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
        neuron: Any,
        synapse: Any,
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

    def product(self, synapse: Any, signal: Signal) -> Tensor:
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

    def _scan_by_kernel(self, neuron: Any, drive: Tensor, recurrent: Tensor | None):
        """Outputs over time, or None if there is no kernel for it."""
        if type(neuron) is LeakyIntegrator:  # a filter of first order
            neuron = DualExponential(neuron.decay, 0.0, 1 - neuron.decay)
        if type(neuron) is DualExponential:
            return self._filter.potentials(drive, neuron) if recurrent is None else None
        cell = self._equations.cell(neuron, drive[0])
        if cell is None:
            return None
        if recurrent is None:
            return self._scan.spikes(drive, cell)
        if drive.dtype != torch.float32 or drive.shape[-1] > self._recurrent.MOST_UNITS:
            return None
        return self._recurrent.spikes(drive, recurrent, cell, self.precision)

    def _check(self, tensor: Tensor) -> None:
        if not (tensor.is_cuda or self._launch.INTERPRETED):
            raise ConfigError(
                f"engine 'gpu' needs a network on a CUDA device, and this one is on {tensor.device}"
            )
