"""Engines against ``eager`` under autograd: the same spikes, the same gradients, on any shape and
any drive.
"""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.errors import ConfigError
from hnnlib.neurons.filters import DualExponential
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.surrogates import ATan, Gaussian, SuperSpike

CPU, EAGER = engines.get("cpu"), engines.get("eager")
shapes = st.tuples(
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([(), (2, 3)]),
)


def gradients(engine, neuron_of, drive, *parameters):
    leaves = [t.detach().clone().requires_grad_() for t in (drive, *parameters)]
    outputs, _ = engine.scan(neuron_of(*leaves[1:]), leaves[0])
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    (outputs * weights).sum().backward()
    return outputs.detach(), [leaf.grad for leaf in leaves]


def agree(neuron_of, *tensors):
    expected, wanted = gradients(EAGER, neuron_of, *tensors)
    outputs, got = gradients(CPU, neuron_of, *tensors)
    exact = tensors[0].dtype == torch.float64
    torch.testing.assert_close(
        outputs, expected, rtol=0 if not exact else 1e-12, atol=1e-5 if not exact else 1e-12
    )
    for mine, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5 if not exact else 1e-11)


@pytest.mark.parametrize("surrogate", [Gaussian(), ATan(), SuperSpike()])
@given(shape=shapes, level=st.sampled_from([-3.0, 0.0, 1.0, 10.0]), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_refractory_neurons(surrogate, shape, level, seed):
    *lead, units = shape
    generator = torch.Generator().manual_seed(seed)
    drive = level + 2 * torch.randn(*lead, *units, generator=generator, dtype=torch.float64)
    agree(lambda: RefractoryLIF(surrogate=surrogate), drive)


@given(shape=shapes, seed=st.integers(0, 99))
@settings(max_examples=25)
def test_trained_filters(shape, seed):
    steps, members, batch, first, rest = shape
    generator = torch.Generator().manual_seed(seed)
    drive = torch.randn(
        steps, members, batch, first, *rest, generator=generator, dtype=torch.float64
    )
    coefficients = [
        c + 0.05 * torch.randn(members, 1, first, *rest, generator=generator, dtype=torch.float64)
        for c in (1.1467, -0.2865, 0.4109)
    ]
    agree(lambda *c: DualExponential(*c), drive, *coefficients)


def test_spikes_are_the_same_bits_in_single_precision():
    drive = 2 * torch.randn(25, 2, 8, 50, generator=torch.Generator().manual_seed(0))
    expected, _ = EAGER.scan(RefractoryLIF(), drive)
    assert torch.equal(engines.get().scan(RefractoryLIF(), drive)[0], expected)


@pytest.mark.parametrize(("triton", "taken"), [(True, "gpu"), (False, "eager")])
def test_auto_takes_what_a_device_can_run(triton, taken, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: triton)
    monkeypatch.setattr("hnnlib.engines.gpu.Gpu", lambda: SimpleNamespace(name="gpu"))
    assert engines.get("auto", "cpu").name == "cpu"
    assert engines.get("auto", "cuda").name == taken


def test_an_unknown_engine_is_refused():
    with pytest.raises(ConfigError, match="choose auto, cpu, eager, gpu"):
        engines.get("warp")
