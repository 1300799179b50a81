"""The engine for processors against ``eager``: rate-coded input and padded convolutions.

Double precision: sums run in another order, which in single precision may move a spike.
"""

import pytest
import torch
from agreement import spikes_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.engines.base import Stage
from hnnlib.engines.cpu import repeats
from hnnlib.errors import DataError
from hnnlib.networks.layers import Conv, Dense
from hnnlib.neurons.filters import DualExponential, LeakyIntegrator
from hnnlib.neurons.lif import LIF
from hnnlib.signals import Events, Separable, dense

CPU, EAGER = engines.get("cpu"), engines.get("eager")


def rate_coded(seed, steps, members, batch, inputs):
    """Spikes of pixels that are on, off or between, as those of images are."""
    generator = torch.Generator().manual_seed(seed)
    pixels = 1.6 * torch.rand(members, batch, inputs, generator=generator) - 0.3
    return (torch.rand(steps, *pixels.shape, generator=generator) < pixels).double()


def double(layer, gain=2.0):
    with torch.no_grad():
        layer.weight *= gain
    return layer.double()


def agree(run, parameters):
    found = []
    for engine in (CPU, EAGER):
        for p in parameters:
            p.grad = None
        out = dense(run(engine))
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        found.append([out.detach(), *(p.grad for p in parameters)])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-7, atol=1e-9)


@given(
    size=st.tuples(*(st.integers(1, most) for most in (9, 3, 3, 40, 37))),
    shared=st.booleans(),
    filtered=st.booleans(),
    seed=st.integers(0, 99),
)
@example(size=(10, 2, 3, 60, 33), shared=True, filtered=False, seed=0)
@example(size=(70, 1, 2, 20, 5), shared=True, filtered=False, seed=0)  # steps fill a word of bits
@example(size=(64, 1, 2, 20, 70), shared=True, filtered=False, seed=0)
@settings(max_examples=25)
def test_rate_coded_input_gives_the_same_spikes_and_gradients(size, shared, filtered, seed):
    steps, members, batch, inputs, units = size
    layer = double(Dense((inputs,), units, range(members), "a"))
    signal = rate_coded(seed, steps, 1 if shared else members, batch, inputs)
    axon = DualExponential.from_time_constants() if filtered else None
    neuron = LIF(hard_reset=True, threshold=0.5)
    agree(lambda engine: engine.layer(neuron, layer, signal, None, axon), [*layer.parameters()])


def test_flips_are_fewer_than_events_only_where_units_repeat_themselves():
    assert repeats.find(Events.of(rate_coded(0, 20, 1, 4, 50))) is not None
    rare = (torch.rand(20, 1, 4, 50, generator=torch.Generator().manual_seed(0)) < 0.2).float()
    assert repeats.find(Events.of(rare)) is None


def test_a_train_in_which_a_unit_stands_twice_at_a_step_has_no_flips():
    units, starts = torch.tensor([0, 0, 0, 0], dtype=torch.int32), torch.tensor([[0, 2, 3, 4]])
    assert repeats.find(Events(units, starts, (3, 1, 1, 2))) is None
    once = Events(units[:3], torch.tensor([[0, 1, 2, 3]]), (3, 1, 1, 2))
    assert repeats.find(once) is not None


def test_a_repeated_train_is_its_bases_and_flips():
    train = torch.tensor([[1, 0, 1, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 0, 1]])[:, None, None]
    found = repeats.find(Events.of(train.float()))
    begins, units = found.begins[0], found.units[0]
    assert units[: begins[1]].tolist() == [0, 2, 4]  # on at most steps
    changes = [units[begins[k] : begins[k + 1]].tolist() for k in range(1, 7)]
    assert changes == [[], [], [], [2], [1], []]  # up and down, step by step


@pytest.mark.parametrize("channels", [16, 5])
@pytest.mark.parametrize("density", [0.1, 0.7])
@pytest.mark.parametrize("edges", [(2, 3), (6, 5)])
def test_convolutions_with_a_rim_of_zeros(channels, density, edges):
    first = double(Conv((2, *edges), 4, 1, (0, 1), "a"), 4.0)
    second = double(Conv((4, *edges), channels, 3, (0, 1), "b", padding=1))
    assert second.out_shape == (channels, *edges)
    generator = torch.Generator().manual_seed(1)
    signal = (torch.rand(3, 2, 2, 2, *edges, generator=generator) < density).double()
    neuron = LIF(hard_reset=True, threshold=0.3)

    def run(engine):
        hidden = engine.layer(neuron, first, signal)
        return engine.layer(neuron, second, hidden)

    agree(run, [*first.parameters(), *second.parameters()])


@pytest.mark.parametrize("shape", [(5, 1, 1, 7), (5, 2, 3, 7), (5, 1, 1, 4, 6, 6)])
@pytest.mark.parametrize("neuron", [LIF(), LeakyIntegrator(0.9)], ids=repr)
def test_a_drive_that_the_caller_holds_is_left_as_it_was(neuron, shape):
    drive = torch.randn(shape, generator=torch.Generator().manual_seed(0), requires_grad=True)
    before = drive.detach().clone()
    CPU.scan(neuron, drive)[0].sum().backward()
    assert torch.equal(drive.detach(), before)


@pytest.mark.parametrize(
    "form", [lambda x: x, Events.of, lambda x: Separable(x[0], torch.ones(len(x)))]
)
@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("engine", [CPU, EAGER])
def test_inputs_that_weights_do_not_read_are_refused(engine, density, form):
    """Events of units without weights would be looked up behind them."""
    layer, signal = Dense((5,), 4, range(2), "a"), form(spikes_of(0, density, 9, 2, 3, 6).float())
    for read in (engine.product, lambda *given: engine.layer(LIF(), *given)):
        with pytest.raises(DataError, match="build the network with the in_shape"):
            read(layer, signal)
    with pytest.raises(DataError, match="build the network with the in_shape"):
        engine.stack([Stage(LIF(), layer)], signal)


def test_events_of_other_members_are_refused():
    layer, signal = Dense((5,), 4, range(2), "a"), spikes_of(0, 0.2, 9, 3, 1, 5).float()
    for read in (CPU.product, lambda *given: CPU.layer(LIF(), *given)):
        with pytest.raises(RuntimeError, match="must match the existing size"):
            read(layer, Events.of(signal))
