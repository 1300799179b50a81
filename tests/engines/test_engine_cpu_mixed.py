"""The engine for processors against ``eager``: populations of spiking, graded and tanh units."""

import pytest
import torch
from agreement import (
    CPU,
    SURROGATES,
    agree,
    densities,
    of_members,
    recurrent_weights,
    scaled,
    sizes,
    spikes_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hnnlib.engines import Engine
from hnnlib.networks.layers import Dense
from hnnlib.neurons.filters import LeakyIntegrator
from hnnlib.neurons.synaptic import SynapticLIF
from hnnlib.signals import Events


@pytest.mark.parametrize("form", ["plain", "recurrent"])
@pytest.mark.parametrize("others", ["graded", "through", "unreset", "tanh"])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
@given(
    size=sizes,
    density=densities,
    seed=st.integers(0, 99),
    data=st.data(),
    listed=st.booleans(),
)
@settings(max_examples=4)
def test_some_units_spike_and_others_do_not(
    surrogate, others, form, size, density, seed, data, listed
):
    """Any number of spiking units, a different one in each member; a reader of what they give."""
    steps, members, batch, inputs, units = size
    spiking = torch.tensor([data.draw(st.integers(0, units + 1)) for _ in range(members)])
    kind = "tanh" if others == "tanh" else "graded"
    gradient = "through" if others == "through" else "stopped"
    neuron = SynapticLIF(0.5, 0.6, spiking, kind, others != "unreset", surrogate, gradient)
    first = scaled(Dense((inputs,), units, range(members), "a"), 6.0)
    second = scaled(Dense((units,), 3, range(members), "b"))
    around = recurrent_weights(seed, members, units) if form == "recurrent" else None

    def run(engine, signal):
        hidden = engine.layer(neuron, first, signal, around)
        return hidden, engine.layer(LeakyIntegrator(0.8), second, hidden)

    tensor = spikes_of(seed, density, steps, members, batch, inputs)
    parameters = [*first.parameters(), *second.parameters()]
    agree(
        run,
        Events.of(tensor) if listed else tensor,
        tensor,
        parameters + ([] if around is None else [around]),
    )


@pytest.mark.parametrize("gradient", ["stopped", "through"])
@pytest.mark.parametrize("level", [-30.0, 0.0, 30.0])
def test_mixed_units_that_are_silent_or_saturated(level, gradient):
    drive = level + torch.randn(9, 2, 3, 12, generator=torch.Generator().manual_seed(0)).double()
    drive, around = nn.Parameter(drive), recurrent_weights(0, 2, 12)
    decays = of_members(0.5, 0.9), of_members(0.7, 0.2)
    neuron = SynapticLIF(*decays, torch.tensor([5, 9]), reset_gradient=gradient)
    agree(
        lambda engine, signal: [engine.scan(neuron, signal, around)[0]],
        drive,
        drive,
        [drive, around],
    )


def test_mixed_units_without_gradients_and_on_threads():
    neuron = SynapticLIF(0.5, 0.6, torch.tensor([5, 0]))
    drive = 3 * torch.randn(9, 2, 3, 12, generator=torch.Generator().manual_seed(0))
    around = recurrent_weights(0, 2, 12).float()
    threads, outputs = torch.get_num_threads(), []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            with torch.no_grad():
                outputs.append(CPU.scan(neuron, drive, around)[0])
            outputs.append(CPU.scan(neuron, drive, around)[0].detach())
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(out, outputs[0]) for out in outputs)


@pytest.mark.parametrize("recurs", [True, False])
@pytest.mark.parametrize("others", ["graded", "through", "unreset", "tanh"])
def test_what_is_read_while_a_population_runs_is_what_its_outputs_give(others, recurs):
    """Product and counts, with and without gradients, and all gradients."""
    spiking = torch.tensor([2, 0, 5])
    kind, gradient = "tanh" if others == "tanh" else "graded", "through"
    gradient = gradient if others == "through" else "stopped"
    neuron = SynapticLIF(0.5, 0.6, spiking, kind, others != "unreset", SURROGATES[0], gradient)
    first = scaled(Dense((4,), 5, range(3), "a"), 6.0).double()
    readout = Dense((5,), 2, range(3), "b", bias=False).double()
    around = recurrent_weights(0, 3, 5) if recurs else None
    parameters = [*first.parameters(), *readout.parameters(), *([around] if recurs else [])]
    signal = spikes_of(0, 0.4, 6, 3, 2, 4)
    fires = torch.arange(5) < spiking[:, None, None]

    def read(reader):
        product, counts = reader(neuron, first, signal, around, readout)
        return product, counts * fires

    found = []
    for reader in (CPU.read, lambda *given: Engine.read(CPU, *given)):
        product, counts = read(reader)
        total = product.sin().sum() + (counts * counts.detach()).sum()
        found.append([product, counts, *torch.autograd.grad(total, parameters)])
        with torch.no_grad():
            assert all(map(torch.equal, read(reader), (product, counts)))
    torch.testing.assert_close(*found)
    assert found[0][1].any()
