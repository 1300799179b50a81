"""The engine for processors against ``eager``: layers that read events, convolutions, pools.

Double precision: sums run in another order, which in single precision may move a spike.
"""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from hnnlib import engines
from hnnlib.engines import cpu
from hnnlib.engines.cpu import products
from hnnlib.networks.layers import Conv, Dense
from hnnlib.neurons import (
    LIF,
    DecayInputLIF,
    DualExponential,
    LeakyIntegrator,
    RefractoryLIF,
    SynapticLIF,
)
from hnnlib.signals import Events, Separable, Spikes, count, counts, dense
from hnnlib.surrogates import ATan, Gaussian, Sigmoid, SuperSpike

CPU, EAGER = engines.get("cpu"), engines.get("eager")
SURROGATES = [Gaussian(0.5), ATan(), SuperSpike(3.0), Sigmoid()]
NEURONS = [
    *(LIF(hard_reset=hard, surrogate=s) for hard in (True, False) for s in SURROGATES),
    *(RefractoryLIF(membrane_decay=decay, surrogate=s) for decay in (0.0, 0.6) for s in SURROGATES),
    *(
        DecayInputLIF(tau, 0.4, reset, s)
        for tau, reset in ((2.0, 0.0), (1.1, -0.2))
        for s in SURROGATES
    ),
    *(SynapticLIF(0.5, 0.6, surrogate=s) for s in SURROGATES),
]
AXON = DualExponential.from_time_constants()
sizes = st.tuples(*(st.integers(1, most) for most in (7, 3, 3, 9, 37)))
densities = st.sampled_from([0.0, 0.05, 0.25, 1.0])


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


@pytest.mark.parametrize("neuron", NEURONS, ids=repr)
@pytest.mark.parametrize("form", ["plain", "filtered", "recurrent"])
@given(size=sizes, density=densities, seed=st.integers(0, 99))
@example(size=(5, 2, 3, 40, 33), density=0.2, seed=0)
@settings(max_examples=4, deadline=None)
def test_dense_layers_that_read_events(neuron, form, size, density, seed):
    steps, members, batch, inputs, units = size
    first = scaled(Dense((inputs,), units, range(members), "a"))
    second = scaled(Dense((units,), 3, range(members), "b"))
    around = recurrent_weights(seed, members, units) if form == "recurrent" else None
    axon = AXON if form == "filtered" else None

    def run(engine, signal):
        hidden = engine.layer(neuron, first, signal, around, axon)
        return hidden, engine.layer(neuron, second, hidden, None, axon)

    tensor = spikes_of(seed, density, steps, members, batch, inputs)
    parameters = [
        *first.parameters(),
        *second.parameters(),
        *([around] if around is not None else []),
    ]
    agree(run, Events.of(tensor), tensor, parameters)


@pytest.mark.parametrize("neuron", [LIF(hard_reset=True), RefractoryLIF()], ids=repr)
@pytest.mark.parametrize("channels", [16, 5, 112])
@given(
    size=st.tuples(*(st.integers(1, most) for most in (3, 2, 2, 3))),
    edges=st.tuples(st.integers(8, 11), st.integers(8, 11)),
    density=densities,
    window=st.integers(2, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=6, deadline=None)
def test_convolutions_and_pools_of_spikes(neuron, channels, size, edges, density, window, seed):
    steps, members, batch, depth = size
    first = scaled(Conv((depth, *edges), 4, 3, range(members), "a"), 2.0)
    pooled = tuple((edge - 2) // window for edge in edges)
    deep = min(pooled) >= 3
    second = scaled(Conv((4, *pooled), channels, 3, range(members), "b")) if deep else None

    def run(engine, signal):
        hidden = engine.pool(engine.layer(neuron, first, signal), window)
        return (hidden, engine.layer(neuron, second, hidden)) if deep else (hidden,)

    tensor = spikes_of(seed, density, steps, members, batch, depth, *edges)
    parameters = [*first.parameters(), *(second.parameters() if deep else [])]
    agree(run, tensor, tensor, parameters)


@pytest.mark.parametrize("channels", [16, 48])
@pytest.mark.parametrize("density", [0.1, 0.6])
def test_a_convolution_reads_few_spikes_and_many(channels, density):
    """With few it adds rows of the kernel, with many it multiplies: no difference in the result."""
    neuron = LIF(hard_reset=True)
    first = scaled(Conv((2, 9, 8), 3, 3, range(2), "a"), 8.0 * density)
    second = scaled(Conv((3, 7, 6), channels, 3, range(2), "b"))

    def run(engine, signal):
        hidden = engine.layer(neuron, first, signal)
        return hidden, engine.layer(neuron, second, hidden)

    tensor = spikes_of(0, density, 4, 2, 3, 2, 9, 8)
    agree(run, tensor, tensor, [*first.parameters(), *second.parameters()])


@pytest.mark.parametrize("neuron", NEURONS[:3], ids=repr)
def test_members_may_share_events(neuron):
    layer = scaled(Dense((30,), 12, range(3), "a"))
    tensor = spikes_of(1, 0.2, 6, 1, 4, 30)
    agree(
        lambda engine, signal: [engine.layer(neuron, layer, signal)],
        Events.of(tensor), tensor, list(layer.parameters()),
    )  # fmt: skip


@pytest.mark.parametrize("form", ["plain", "recurrent"])
@pytest.mark.parametrize("others", ["graded", "unreset", "tanh"])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
@given(
    size=sizes, density=densities, seed=st.integers(0, 99), data=st.data(), listed=st.booleans(),
)  # fmt: skip
@settings(max_examples=4, deadline=None)
def test_some_units_spike_and_others_do_not(
    surrogate, others, form, size, density, seed, data, listed
):
    """Any number of spiking units, a different one in each member; a reader of what they give."""
    steps, members, batch, inputs, units = size
    spiking = torch.tensor([data.draw(st.integers(0, units + 1)) for _ in range(members)])
    kind = "tanh" if others == "tanh" else "graded"
    neuron = SynapticLIF(0.5, 0.6, spiking, kind, others == "graded", surrogate)
    first = scaled(Dense((inputs,), units, range(members), "a"), 6.0)
    second = scaled(Dense((units,), 3, range(members), "b"))
    around = recurrent_weights(seed, members, units) if form == "recurrent" else None

    def run(engine, signal):
        hidden = engine.layer(neuron, first, signal, around)
        return hidden, engine.layer(LeakyIntegrator(0.8), second, hidden)

    tensor = spikes_of(seed, density, steps, members, batch, inputs)
    parameters = [*first.parameters(), *second.parameters()]
    agree(run, Events.of(tensor) if listed else tensor, tensor,
          parameters + ([] if around is None else [around]))  # fmt: skip


@pytest.mark.parametrize("level", [-30.0, 0.0, 30.0])
def test_mixed_units_that_are_silent_or_saturated(level):
    drive = level + torch.randn(9, 2, 3, 12, generator=torch.Generator().manual_seed(0)).double()
    drive, around = nn.Parameter(drive), recurrent_weights(0, 2, 12)
    neuron = SynapticLIF(of_members(0.5, 0.9), of_members(0.7, 0.2), torch.tensor([5, 9]))
    agree(lambda engine, signal: [engine.scan(neuron, signal, around)[0]],
          drive, drive, [drive, around])  # fmt: skip


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


def of_members(*values):
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)


@pytest.mark.parametrize(
    "neuron",
    [
        LIF(of_members(0.5, 0.8, 0.95), of_members(0.5, 1.0, 2.0)),
        LIF(of_members(0.5, 0.8, 0.95), of_members(0.5, 1.0, 2.0), hard_reset=True),
        DecayInputLIF(of_members(1.001, 2, 5), of_members(0.01, 0.5, 1)),
        SynapticLIF(of_members(0.5, 0.8, 0.95), of_members(0.9, 0.5, 0.2)),
    ],
    ids=["soft", "hard", "decaying", "synaptic"],
)
def test_parameters_of_neurons_may_differ_between_members(neuron):
    layer = scaled(Dense((30,), 12, range(3), "a"), 6.0)
    tensor = spikes_of(1, 0.2, 8, 3, 4, 30)
    agree(
        lambda engine, signal: [engine.layer(neuron, layer, signal)],
        Events.of(tensor), tensor, list(layer.parameters()),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("threshold", [0.0, 0.1, 1.0])
def test_a_unit_at_its_threshold_fires_where_the_equation_says_so(threshold, dtype):
    drive = torch.full((1, 1, 1, 1), 2 * threshold, dtype=dtype)
    for neuron, fires in ((DecayInputLIF(2.0, threshold), 1), (LIF(0.9, 2 * threshold), 0)):
        outputs = [engine.scan(neuron, drive)[0].item() for engine in (CPU, EAGER)]
        assert outputs == [fires, fires]


def test_a_constant_current_needs_one_product():
    layer = scaled(Dense((8,), 20, range(2), "a"), 6.0)
    values = torch.rand(2, 3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    signal = Separable(values, torch.linspace(0.5, 1.5, 6, dtype=torch.float64))
    agree(
        lambda engine, signal: [engine.layer(LIF(), layer, signal)],
        signal, signal, list(layer.parameters()),
    )  # fmt: skip


@pytest.mark.parametrize("axon", [None, AXON], ids=["direct", "axon"])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("neuron", NEURONS[::4], ids=repr)
def test_recurrence_under_other_drives(neuron, listed, axon):
    layer, around = scaled(Dense((30,), 12, range(2), "a")), recurrent_weights(0, 2, 12)
    tensor = spikes_of(1, 0.2, 6, 2, 4, 30)
    agree(
        lambda engine, signal: [engine.layer(neuron, layer, signal, around, axon)],
        Events.of(tensor) if listed else tensor, tensor, [*layer.parameters(), around],
    )  # fmt: skip


@pytest.mark.parametrize("listed", [True, False])
def test_a_leaky_readout(listed):
    layer, out = (scaled(Dense((n,), m, range(2), "a")) for n, m in ((30, 12), (12, 4)))

    def run(engine, signal):
        return [engine.layer(LeakyIntegrator(0.8), out, engine.layer(LIF(), layer, signal))]

    tensor = spikes_of(1, 0.2, 6, 2, 4, 30)
    agree(run, Events.of(tensor) if listed else tensor, tensor,
          [*layer.parameters(), *out.parameters()])  # fmt: skip


def test_a_unit_listed_twice_counts_twice():
    layer = scaled(Dense((4,), 6, range(1), "a"), 8.0)
    events = Events(
        torch.tensor([1, 1, 3], dtype=torch.int32), torch.tensor([[0, 2, 3]]), (2, 1, 1, 4)
    )
    tensor = torch.tensor([[0.0, 2, 0, 0], [0, 0, 0, 1]], dtype=torch.float64).view(2, 1, 1, 4)
    assert torch.equal(dense(events).double(), tensor)
    agree(
        lambda engine, signal: [engine.layer(LIF(), layer, signal)],
        events, tensor, list(layer.parameters()),
    )  # fmt: skip


@given(size=st.tuples(*(st.integers(1, 5) for _ in range(6))), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_events_hold_what_the_tensor_held(size, seed):
    tensor = spikes_of(seed, 0.3, *size)
    events = Events.of(tensor)
    assert torch.equal(dense(events).double(), tensor)
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
@settings(max_examples=15, deadline=None)
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
        events, tensor, list(layer.parameters()),
    )  # fmt: skip


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
        Events.of(tensor) if listed else tensor.expand(-1, 3, -1, -1), tensor,
        list(layer.parameters()),
    )  # fmt: skip


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


def test_the_number_of_threads_changes_no_bit():
    def run():
        layer = scaled(Dense((50,), 30, range(3), "a"))
        around = recurrent_weights(0, 3, 30)
        signal = Events.of(spikes_of(0, 0.1, 9, 3, 5, 50))
        hidden = CPU.layer(LIF(), layer, signal, around)
        dense(hidden).cumsum(0).sum().backward()
        return [hidden.events.starts, layer.weight.grad, layer.bias.grad, around.grad]

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = run()
        torch.set_num_threads(3)
        together = run()
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_without_gradients_nothing_is_kept():
    layer = scaled(Dense((50,), 30, range(2), "a"))
    signal = Events.of(spikes_of(0, 0.1, 9, 2, 5, 50))
    expected = dense(CPU.layer(LIF(), layer, signal))
    with torch.no_grad():
        assert torch.equal(dense(CPU.layer(LIF(), layer, signal)), expected)


def test_a_second_backward_pass_is_refused():
    layer = scaled(Dense((5,), 3, range(1), "a"))
    out = dense(CPU.layer(LIF(), layer, Events.of(spikes_of(0, 0.5, 4, 1, 2, 5)))).sum()
    out.backward(retain_graph=True)
    again = "run the forward pass again, or use the engine eager"
    with pytest.raises(RuntimeError, match=again):
        out.backward()
    drive = torch.ones(4, 1, 2, 5, requires_grad=True)
    out = CPU.scan(SynapticLIF(0.5, 0.6, torch.tensor([2])), drive)[0].sum()
    out.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match=again):
        out.backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_gradients_in_single_precision(dtype, surrogate):
    """1e-5 of the largest: through 30 steps of recurrence, rounding adds up."""
    torch.manual_seed(0)
    drive = torch.randn(30, 2, 4, 40, dtype=dtype)
    grads = []
    for engine in (CPU, EAGER):
        leaf = drive.clone().requires_grad_()
        engine.scan(RefractoryLIF(surrogate=surrogate), leaf)[0].cumsum(0).sum().backward()
        grads.append(leaf.grad)
    scale = grads[1].abs().max().item()
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-5, atol=1e-5 * scale)


def test_what_has_no_kernel_goes_to_eager():
    layer = scaled(Dense((8,), 5, range(2), "a"))
    signal = spikes_of(0, 0.3, 4, 2, 3, 8)
    trained = nn.Parameter(torch.tensor(0.9, dtype=torch.float64))
    by_unit = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    for neuron in (LIF(decay=trained), LIF(decay=by_unit)):
        mine = CPU.layer(neuron, layer, Events.of(signal))
        assert torch.equal(dense(mine), dense(EAGER.layer(neuron, layer, signal)))
        assert not isinstance(mine, Spikes)


@given(
    size=st.tuples(*(st.integers(1, 5) for _ in range(5))),
    density=densities,
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_spike_trains_are_listed_and_nothing_else(size, density, seed):
    tensor = spikes_of(seed, density, *size)
    found = products.listed(tensor, 1.0)
    assert torch.equal(dense(found).double(), tensor)
    tensor.view(-1)[-1] = 0.5
    assert products.listed(tensor, 1.0) is None
    assert products.listed(torch.ones(2, 1, 1, 4), 0.5) is None


def test_dense_events_are_multiplied(monkeypatch):
    layer = scaled(Dense((8,), 5, range(2), "a"))
    signal = spikes_of(0, 0.3, 4, 2, 3, 8)
    monkeypatch.setitem(cpu.BREAK_EVEN, "dense", 0.0)
    agree(
        lambda engine, signal: [engine.layer(LIF(), layer, signal)],
        Events.of(signal), signal, list(layer.parameters()),
    )  # fmt: skip
