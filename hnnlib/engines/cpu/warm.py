"""One tiny pass through every kernel, which compiles it or loads it from disk."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hnnlib.engines.cpu import (
    compiled,
    delays,
    dropout,
    images,
    layers,
    mixed,
    products,
    repeats,
    winograd,
)
from hnnlib.engines.cpu.layout import Layout
from hnnlib.neurons.filters import LeakyIntegrator
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.synaptic import SynapticLIF
from hnnlib.signals import Events, Spikes, dense

__all__ = ["run"]

_STEPS = 5


def run() -> None:
    """Forward and backward passes in single precision."""
    neuron = compiled.make(LIF(), 1, 1, torch.float32)
    for signal in (
        _of_images(),
        _of_events(neuron),
        _of_currents(neuron),
        _of_repeats(),
        _of_mixed_units(),
    ):
        dense(signal).sum().backward()
    # which takes larger images than these
    image, result = np.ones((1, 1, 1, 1, 1), np.float32), np.empty((1, 1, 3, 3, 1), np.float32)
    kernels = np.ones((1, 1, 1, 3, 3), np.float32)
    winograd.transposed(0, 1, 1, winograd.kernel_panels(kernels), image, result)


def _trained(*shape: int) -> Tensor:
    return torch.full(shape, 0.1, requires_grad=True)


def _spikes(*units: int) -> Spikes:
    """All units firing at every step."""
    shape = (_STEPS, 1, 1, *units)
    return Spikes(torch.zeros(shape, requires_grad=True), Events.of(torch.ones(shape)))


def _of_images() -> Tensor:
    pooled = images.pad(images.pool(_spikes(2, 6, 6), 2), 1)
    sparse, multiplied = (
        images.convolve(pooled, _trained(1, 16, 2, 3, 3), s) for s in (True, False)
    )
    return sparse + multiplied


def _of_events(neuron: compiled.Compiled) -> Tensor:
    # before many units and before few: the gradient of weights has a kernel for either
    products.listed(torch.ones(_STEPS, 1, 1, 1))
    many = products.product(_spikes(1).events, None, _trained(1, 1, 1 << 15), None)
    weight, around = _trained(1, 1, 2), _trained(1, 2, 2)
    looped = layers.gather(_spikes(1).events, None, weight, None, around, neuron)
    spikes = layers.gather(looped.events, looped.carrier, _trained(1, 2, 2), None, None, neuron)
    readout = compiled.make(LeakyIntegrator(), 1, 1, torch.float32)
    values = layers.gather(spikes.events, spikes.carrier, _trained(1, 2, 2), None, None, readout)
    values = values + products.counted(spikes)
    values = values + many[..., :2]
    return values + products.product(spikes.events, spikes.carrier, _trained(1, 2, 2), None)


def _of_repeats() -> Tensor:
    return repeats.multiply(repeats.find(Events.of(torch.ones(_STEPS, 1, 1, 1))), _trained(1, 1, 2))


def _of_currents(neuron: compiled.Compiled) -> Tensor:
    filtered = layers.filtered(_trained(_STEPS, 1, 1, 2), [_trained(1, 1, 2) for _ in range(3)])
    delayed = delays.delayed(filtered, _trained(1, 2, 2), None)
    spikes = layers.scan(delayed, None, None, neuron, Layout(_STEPS, 1, 1, (2,)))
    return dropout.dropped(spikes, torch.ones(_STEPS, 1, 1, 2), 0.5)


def _of_mixed_units() -> Tensor:
    drive = _trained(_STEPS, 1, 1, 2)
    half = SynapticLIF(0.5, 0.5, torch.tensor([1]))
    neuron = compiled.make_mixed(half, drive.shape, drive.dtype)
    return mixed.run(drive, _trained(1, 2, 2), neuron)
