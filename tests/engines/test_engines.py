"""Engines against ``eager`` under autograd: the same spikes, the same gradients, on any shape and
any drive.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.errors import ConfigError
from hnnlib.neurons.filters import DualExponential
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.surrogates import ATan, Gaussian, SuperSpike

OTHERS = ["adjoint", "cpu"]
shapes = st.tuples(
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([(), (2, 3)]),
)


def gradients(name, neuron_of, drive, *parameters):
    leaves = [t.detach().clone().requires_grad_() for t in (drive, *parameters)]
    outputs, _ = engines.get(name).scan(neuron_of(*leaves[1:]), leaves[0])
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    (outputs * weights).sum().backward()
    return outputs.detach(), [leaf.grad for leaf in leaves]


def agree(name, neuron_of, *tensors):
    expected, wanted = gradients("eager", neuron_of, *tensors)
    outputs, got = gradients(name, neuron_of, *tensors)
    exact = tensors[0].dtype == torch.float64
    torch.testing.assert_close(
        outputs, expected, rtol=0 if not exact else 1e-12, atol=1e-5 if not exact else 1e-12
    )
    for mine, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5 if not exact else 1e-11)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("surrogate", [Gaussian(), ATan(), SuperSpike()])
@given(shape=shapes, level=st.sampled_from([-3.0, 0.0, 1.0, 10.0]), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_refractory_neurons(name, surrogate, shape, level, seed):
    *lead, units = shape
    generator = torch.Generator().manual_seed(seed)
    drive = level + 2 * torch.randn(*lead, *units, generator=generator, dtype=torch.float64)
    agree(name, lambda: RefractoryLIF(surrogate=surrogate), drive)


@pytest.mark.parametrize("name", OTHERS)
@given(shape=shapes, seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_trained_filters(name, shape, seed):
    steps, members, batch, first, rest = shape
    generator = torch.Generator().manual_seed(seed)
    drive = torch.randn(
        steps, members, batch, first, *rest, generator=generator, dtype=torch.float64
    )
    coefficients = [
        c + 0.05 * torch.randn(members, 1, first, *rest, generator=generator, dtype=torch.float64)
        for c in (1.1467, -0.2865, 0.4109)
    ]
    agree(name, lambda *c: DualExponential(*c), drive, *coefficients)


@pytest.mark.parametrize("name", OTHERS)
def test_spikes_are_the_same_bits_in_single_precision(name):
    drive = 2 * torch.randn(25, 2, 8, 50, generator=torch.Generator().manual_seed(0))
    expected, _ = engines.get("eager").scan(RefractoryLIF(), drive)
    assert torch.equal(engines.get(name).scan(RefractoryLIF(), drive)[0], expected)


@pytest.mark.parametrize("name", OTHERS)
def test_what_an_engine_has_no_pass_for_goes_to_eager(name):
    drive = torch.randn(6, 1, 2, 3, generator=torch.Generator().manual_seed(0))
    weights = torch.randn(1, 3, 3, generator=torch.Generator().manual_seed(1))
    for neuron, recurrent in (
        (LIF(), None),
        (RefractoryLIF(), weights),
        (RefractoryLIF(membrane_decay=0.5), None),
    ):
        expected, _ = engines.get("eager").scan(neuron, drive, recurrent)
        assert torch.equal(engines.get(name).scan(neuron, drive, recurrent)[0], expected)


def test_an_unknown_engine_is_refused():
    with pytest.raises(ConfigError, match="choose auto, adjoint, cpu, eager, gpu"):
        engines.get("warp")
