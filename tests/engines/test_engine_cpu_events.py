"""The engine for processors against ``eager``: events, products with them, counts of them."""

from dataclasses import replace

import pytest
import torch
from agreement import CPU, agree, densities, recurrent_weights, scaled, sizes, spikes_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hnnlib.engines import cpu
from hnnlib.engines.cpu import layers, products
from hnnlib.engines.cpu.layout import Layout, Table
from hnnlib.networks.layers import Dense
from hnnlib.neurons.lif import LIF
from hnnlib.signals import Events, Separable, count, counts, dense


def test_a_unit_listed_twice_counts_twice():
    layer = scaled(Dense((4,), 6, range(1), "a"), 8.0)
    events = Events(
        torch.tensor([1, 1, 3], dtype=torch.int32), torch.tensor([[0, 2, 3]]), (2, 1, 1, 4)
    )
    tensor = torch.tensor([[0.0, 2, 0, 0], [0, 0, 0, 1]], dtype=torch.float64).view(2, 1, 1, 4)
    assert torch.equal(dense(events).double(), tensor)
    agree(
        lambda engine, signal: [engine.layer(LIF(), layer, signal)],
        events,
        tensor,
        list(layer.parameters()),
    )


@given(size=st.tuples(*(st.integers(1, 5) for _ in range(6))), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_events_hold_what_the_tensor_held(size, seed):
    tensor = spikes_of(seed, 0.3, *size)
    events = Events.of(tensor)
    assert torch.equal(dense(events).double(), tensor)
    assert torch.equal(CPU.written(events).double(), tensor)
    assert torch.equal(count(events).double(), tensor.sum((0, 3, 4, 5)))


def scattered_over(events, room, seed):
    """The same events, their rows in any order in a longer array, with room between."""
    generator = torch.Generator().manual_seed(seed)
    starts, end = torch.empty_like(events.starts), room
    units = torch.full((len(events.units) + room * (len(starts) + 1),), -1, dtype=torch.int32)
    for row in torch.randperm(len(starts), generator=generator).tolist():
        own = events.starts[row]
        units[end : end + own[-1] - own[0]] = events.units[own[0] : own[-1]]
        starts[row] = own - own[0] + end
        end = int(starts[row, -1]) + room
    return Events(units, starts, events.shape)


@given(size=sizes, density=densities, room=st.integers(0, 9), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_rows_of_events_may_lie_anywhere(size, density, room, seed):
    steps, members, batch, inputs, units = size
    layer = scaled(Dense((inputs,), units, range(members), "a"))
    tensor = spikes_of(seed, density, steps, members, batch, inputs)
    events = scattered_over(Events.of(tensor), room, seed)
    assert torch.equal(dense(events).double(), tensor)
    assert torch.equal(dense(events.packed()).double(), tensor)
    assert len(events.packed().units) == tensor.sum()
    assert torch.equal(counts(events).double(), tensor.sum(0))
    agree(
        lambda engine, signal: [engine.layer(LIF(), layer, signal)],
        events,
        tensor,
        list(layer.parameters()),
    )


@pytest.mark.parametrize("units", [5, 40])  # the gradient of the input has a path for few units
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_a_product_reads_events_and_brings_gradients_back(bias, recurrent, units):
    first, second = (scaled(Dense((n,), m, range(2), "a")) for n, m in ((30, 40), (40, units)))
    around = recurrent_weights(0, 2, 40) if recurrent else None
    second.shift = second.shift if bias else lambda: None

    def run(engine, signal):
        hidden = engine.layer(LIF(), first, signal, around)
        return [engine.product(first, signal), engine.product(second, hidden)]

    tensor = spikes_of(1, 0.2, 6, 2, 4, 30)
    own = [*first.parameters(), second.weight, *([second.bias] if bias else [])]
    agree(run, Events.of(tensor), tensor, own + ([around] if recurrent else []))


@pytest.mark.parametrize("listed", [True, False])
def test_a_product_of_shared_events_or_of_a_spike_train(listed):
    layer = scaled(Dense((30,), 12, range(3), "a"))
    tensor = spikes_of(1, 0.2, 6, 1, 4, 30)
    agree(
        lambda engine, signal: [engine.product(layer, signal)],
        Events.of(tensor) if listed else tensor.expand(-1, 3, -1, -1),
        tensor,
        list(layer.parameters()),
    )


def test_spikes_of_each_unit_are_counted_and_bring_gradients_back():
    layer = scaled(Dense((30,), 12, range(2), "a"))

    def run(engine, signal):
        hidden = engine.layer(LIF(), layer, signal)
        return [counts(hidden), engine.product(layer, signal).sum(0) + counts(hidden)]

    tensor = spikes_of(1, 0.2, 6, 2, 4, 30)
    agree(run, Events.of(tensor), tensor, list(layer.parameters()))


def test_a_constant_current_is_summed_over_its_course():
    values = spikes_of(0, 0.5, 2, 3, 8)
    signal = Separable(values, torch.linspace(0.5, 1.5, 6, dtype=torch.float64))
    torch.testing.assert_close(counts(signal), dense(signal).sum(0))


@given(
    size=st.tuples(*(st.integers(1, 5) for _ in range(5))),
    density=densities,
    seed=st.integers(0, 99),
)
@settings(max_examples=30)
def test_spike_trains_are_listed_and_nothing_else(size, density, seed):
    tensor = spikes_of(seed, density, *size)
    found = products.listed(tensor)
    assert torch.equal(dense(found).double(), tensor)
    tensor.view(-1)[-1] = 0.5
    assert products.listed(tensor) is None


@pytest.mark.parametrize(
    ("density", "repeats", "listed"), [(0.2, False, True), (0.5, False, False), (0.7, True, True)]
)
def test_a_full_spike_train_is_listed_only_where_it_repeats_itself(density, repeats, listed):
    tensor = spikes_of(0, density, 9, 2, 3, 40)
    if repeats:
        tensor = tensor[:1].expand(9, -1, -1, -1)
    found = cpu._listed(tensor, torch.zeros(2, 40, 5, dtype=tensor.dtype))
    assert isinstance(found, Events) is listed


def test_a_held_signal_passes_a_trained_filter_with_the_bits_of_a_written_one():
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(1, 2, 3, 20, generator=generator)
    found = []
    for repeat in (Tensor.expand, lambda x, *shape: x.expand(*shape).contiguous()):
        for trained in (values.clone().requires_grad_(), values):
            constants = [torch.full((2, 1, 20), c, requires_grad=True) for c in (0.9, -0.2, 0.5)]
            out = layers.filtered(repeat(trained, 7, -1, -1, -1), constants)
            (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
            found.append([out, *(c.grad for c in constants), trained.grad])
    held, constant, written, _ = found
    assert constant.pop() is None
    assert all(torch.equal(h, w) for h, w in zip(held, written, strict=True))
    assert all(torch.equal(h, c) for h, c in zip(held, constant, strict=False))


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("delay", [0, 1])
def test_gradients_of_weights_have_the_same_bits_ordered_by_unit_or_not(
    members, delay, monkeypatch
):
    layout = Layout(7, 2, 3, (19,))
    weight = torch.zeros(2, 5, 19)
    events = Events.of(spikes_of(0, 0.3, 7, members, 3, 5))
    generator = torch.Generator().manual_seed(1)
    lines = torch.randn(layout.rows * layout.steps, 19, generator=generator).numpy()
    table = Table(lines, layout.lines(stepwise=False))
    as_they_come = products.to_weight(events, table, weight, layout, delay)
    monkeypatch.setattr(products, "_NEAR", 0)
    monkeypatch.setattr(products, "_SEVERAL", 0)
    assert torch.equal(products.to_weight(events, table, weight, layout, delay), as_they_come)
    assert as_they_come.any()
    # the same rows in another order among others, as a loader has them
    order = torch.arange(len(events.starts)).flip(0)
    recordings = Events(events.units, events.starts[order], (7, 1, len(order), 5))
    loaded = replace(events, source=(recordings, order.argsort()))
    assert torch.equal(products.to_weight(loaded, table, weight, layout, delay), as_they_come)
