"""Whether the engine for processors gives the spikes and gradients of ``eager``.

Double precision: sums run in another order, which in single precision may move a spike.
"""

import torch
from hypothesis import strategies as st
from torch import nn

from hnnlib import engines
from hnnlib.neurons.adaptive import AdaptiveLIF
from hnnlib.neurons.decay_input import DecayInputLIF
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.neurons.synaptic import SynapticLIF
from hnnlib.signals import dense
from hnnlib.surrogates import ATan, Gaussian, Sigmoid, SuperSpike
from hnnlib.surrogates.rectangle import Rectangle

CPU, EAGER = engines.get("cpu"), engines.get("eager")
SURROGATES = [Gaussian(0.5), ATan(), SuperSpike(3.0), Sigmoid(), Rectangle(0.6)]
KINDS = [
    LIF(hard_reset=True),
    LIF(),
    RefractoryLIF(),
    RefractoryLIF(membrane_decay=0.6),
    DecayInputLIF(2.0, 0.4),
    DecayInputLIF(1.1, 0.4, reset=-0.2),
    SynapticLIF(0.5, 0.6),
    AdaptiveLIF(0.8, 0.9, 0.5, 0.5),
]
"""Every neuron that spikes and that the engine has kernels for."""
TRAINED = [(1, LIF), (1, lambda decay: LIF(decay, 0.8, hard_reset=True)), (4, AdaptiveLIF)]
"""Neurons of constants that are trained, between 0 and 1, and how many these are."""
sizes = st.tuples(*(st.integers(1, most) for most in (7, 3, 3, 9, 37)))
densities = st.sampled_from([0.0, 0.05, 0.25, 1.0])


def of_members(*values):
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)


def spikes_of(seed, density, *shape):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(*shape, generator=generator) < density).double()


def scaled(synapse, gain=3.0):
    """Weights at which a layer neither stays silent nor saturates."""
    with torch.no_grad():
        synapse.weight *= gain
    return synapse.double()


def recurrent_weights(seed, members, units):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(members, units, units, generator=generator, dtype=torch.float64)
    return nn.Parameter(0.3 * drawn)


def outcome(engine, run, signal, parameters):
    """Outputs, and gradients of their sum weighted by place."""
    for parameter in parameters:
        parameter.grad = None
    outputs = [dense(out) for out in run(engine, signal)]
    total = sum((out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum() for out in outputs)
    # eager gives no gradient at all where nothing can have one, such as recurrence in a single step
    if total.requires_grad:
        total.backward()
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    return [out.detach() for out in outputs], gradients


def agree(run, signal, reference, parameters):
    """The same spikes and gradients from ``signal`` as from ``reference`` under ``eager``."""
    outputs, gradients = outcome(CPU, run, signal, parameters)
    expected, wanted = outcome(EAGER, run, reference, parameters)
    for mine, theirs in zip(outputs, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)
    for mine, theirs in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-7, atol=1e-8)
