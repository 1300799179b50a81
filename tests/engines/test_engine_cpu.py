"""The engine for processors against ``eager``: layers that read events, convolutions, pools."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from agreement import (
    CPU,
    EAGER,
    KINDS,
    SURROGATES,
    TRAINED,
    agree,
    densities,
    of_members,
    recurrent_weights,
    scaled,
    sizes,
    spikes_of,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from hnnlib.engines import cpu
from hnnlib.engines.cpu import compiled, images
from hnnlib.networks.layers import Conv, Dense
from hnnlib.neurons.decay_input import DecayInputLIF
from hnnlib.neurons.filters import DualExponential, LeakyIntegrator
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.quadratic import QuadraticIF
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.neurons.synaptic import SynapticLIF
from hnnlib.signals import Events, Separable, Spikes, dense
from hnnlib.surrogates.rectangle import Rectangle

# each kind with two surrogates, each surrogate with three kinds: what one is doesn't depend on the
# other
NEURONS = [
    replace(kind, surrogate=SURROGATES[(place + shift) % len(SURROGATES)])
    for place, kind in enumerate(KINDS)
    for shift in (0, 2)
]
HALF = SynapticLIF(0.5, 0.75, torch.tensor([20, 7]))
AXON = DualExponential.from_time_constants()


@pytest.mark.parametrize("neuron", NEURONS, ids=repr)
@pytest.mark.parametrize("form", ["plain", "filtered", "recurrent"])
@given(size=sizes, density=densities, seed=st.integers(0, 99))
@example(size=(5, 2, 3, 40, 33), density=0.2, seed=0)
@settings(max_examples=4)
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
@settings(max_examples=6)
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
@pytest.mark.parametrize("hidden", [3, 20])
def test_a_convolution_reads_few_spikes_and_many(channels, density, hidden, monkeypatch):
    """With few it adds rows of the kernel, with many it multiplies, and gradients go back through
    many channels another way than through few: no difference in the result.
    """
    monkeypatch.setattr(images, "_PIXELS", 0)
    neuron = LIF(hard_reset=True)
    first = scaled(Conv((2, 9, 8), hidden, 3, range(2), "a"), 8.0 * density)
    second = scaled(Conv((hidden, 7, 6), channels, 3, range(2), "b"))

    def run(engine, signal):
        hidden = engine.layer(neuron, first, signal)
        return hidden, engine.layer(neuron, second, hidden)

    tensor = spikes_of(0, density, 4, 2, 3, 2, 9, 8)
    agree(run, tensor, tensor, [*first.parameters(), *second.parameters()])


@pytest.mark.parametrize("edge", [1, 2, 5])
@pytest.mark.parametrize("hidden", [3, 20])
def test_kernels_of_other_sizes(edge, hidden):
    first = scaled(Conv((2, 9, 8), hidden, 3, range(2), "a"), 2.0)
    second = scaled(Conv((hidden, 7, 6), 17, edge, range(2), "b"))

    def run(engine, signal):
        hidden = engine.layer(LIF(), first, signal)
        return hidden, engine.layer(LIF(), second, hidden)

    tensor = spikes_of(0, 0.2, 4, 2, 3, 2, 9, 8)
    agree(run, tensor, tensor, [*first.parameters(), *second.parameters()])


def test_recurrence_of_many_examples_and_units():
    """More of both than go back in time together."""
    layer, around = scaled(Dense((9,), 300, range(2), "a")), recurrent_weights(0, 2, 300)
    tensor = spikes_of(1, 0.3, 4, 2, 50, 9)
    agree(
        lambda engine, signal: [engine.layer(LIF(), layer, signal, around)],
        Events.of(tensor),
        tensor,
        [*layer.parameters(), around],
    )


@pytest.mark.parametrize("neuron", KINDS[::3], ids=repr)
def test_members_may_share_events(neuron):
    layer = scaled(Dense((30,), 12, range(3), "a"))
    tensor = spikes_of(1, 0.2, 6, 1, 4, 30)
    agree(
        lambda engine, signal: [engine.layer(neuron, layer, signal)],
        Events.of(tensor),
        tensor,
        list(layer.parameters()),
    )


@pytest.mark.parametrize(
    "neuron",
    [
        LIF(of_members(0.5, 0.8, 0.95), of_members(0.5, 1.0, 2.0)),
        LIF(of_members(0.5, 0.8, 0.95), of_members(0.5, 1.0, 2.0), hard_reset=True),
        DecayInputLIF(of_members(1.001, 2, 5), of_members(0.01, 0.5, 1)),
        SynapticLIF(of_members(0.5, 0.8, 0.95), of_members(0.9, 0.5, 0.2)),
        QuadraticIF(of_members(0.1, 0.5, 1), 0, of_members(0.5, 0.4, 1), clamp=True),
    ],
    ids=["soft", "hard", "decaying", "synaptic", "quadratic"],
)
def test_parameters_of_neurons_may_differ_between_members(neuron):
    layer = scaled(Dense((30,), 12, range(3), "a"), 6.0)
    tensor = spikes_of(1, 0.2, 8, 3, 4, 30)
    agree(
        lambda engine, signal: [engine.layer(neuron, layer, signal)],
        Events.of(tensor),
        tensor,
        list(layer.parameters()),
    )


@pytest.mark.parametrize("height", ["area_1", "height_1"])
def test_windows_may_differ_between_members_and_end_where_the_equation_says(height):
    window = Rectangle(of_members(0.25, 0.5, 1.0), height, of_members(0.0, 0.5, 0.0))
    potentials = torch.tensor([0, 0.5, 0.75, 1, 1.25, 1.5, 2, 3], dtype=torch.float64)
    for neuron in (LIF(surrogate=window), DecayInputLIF(1.0, surrogate=window)):
        gradients = []
        for engine in (CPU, EAGER):
            drive = potentials.expand(1, 3, 1, 8).clone().requires_grad_()
            engine.scan(neuron, drive)[0].sum().backward()
            gradients.append(drive.grad)
        assert torch.equal(*gradients)
        assert [(g > 0).sum() for g in gradients[0][0]] == [2, 3, 6]


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
        signal,
        signal,
        list(layer.parameters()),
    )


@pytest.mark.parametrize("axon", [None, AXON], ids=["direct", "axon"])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("neuron", KINDS, ids=repr)
def test_recurrence_under_other_drives(neuron, listed, axon):
    layer, around = scaled(Dense((30,), 12, range(2), "a")), recurrent_weights(0, 2, 12)
    tensor = spikes_of(1, 0.2, 6, 2, 4, 30)
    agree(
        lambda engine, signal: [engine.layer(neuron, layer, signal, around, axon)],
        Events.of(tensor) if listed else tensor,
        tensor,
        [*layer.parameters(), around],
    )


@pytest.mark.parametrize("listed", [True, False])
def test_a_leaky_readout(listed):
    layer, out = (scaled(Dense((n,), m, range(2), "a")) for n, m in ((30, 12), (12, 4)))

    def run(engine, signal):
        return [engine.layer(LeakyIntegrator(0.8), out, engine.layer(LIF(), layer, signal))]

    tensor = spikes_of(1, 0.2, 6, 2, 4, 30)
    agree(
        run,
        Events.of(tensor) if listed else tensor,
        tensor,
        [*layer.parameters(), *out.parameters()],
    )


def test_the_number_of_threads_changes_no_bit():
    def run():
        layer = scaled(Dense((50,), 30, range(3), "a"))
        around = recurrent_weights(0, 3, 30)
        signal = Events.of(spikes_of(0, 0.1, 9, 3, 5, 50))
        hidden = CPU.layer(LIF(), layer, signal, around)
        dense(hidden).cumsum(0).sum().backward()
        events = hidden.events.packed()
        return [events.units, events.starts, layer.weight.grad, layer.bias.grad, around.grad]

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


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
@pytest.mark.parametrize(
    "neuron", [*KINDS, HALF, replace(HALF, reset_gradient="through")], ids=repr
)
def test_gradients_in_single_precision(neuron, surrogate):
    """1e-5 of the largest: through 30 steps of recurrence, rounding adds up."""
    neuron, grads = replace(neuron, surrogate=surrogate), []
    drive = torch.randn(30, 2, 4, 40, generator=torch.Generator().manual_seed(0))
    for engine in (CPU, EAGER):
        leaf = drive.clone().requires_grad_()
        engine.scan(neuron, leaf)[0].cumsum(0).sum().backward()
        grads.append(leaf.grad)
    scale = grads[1].abs().max().item()
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-5, atol=1e-5 * scale)


def test_what_has_no_kernel_goes_to_eager():
    layer = scaled(Dense((8,), 5, range(2), "a"))
    signal = spikes_of(0, 0.3, 4, 2, 3, 8)
    trained = nn.Parameter(torch.tensor(0.9, dtype=torch.float64))
    of_units, of_examples = (torch.linspace(0.1, 0.9, 5, dtype=torch.float64), torch.ones(2, 3, 1))
    for neuron in (
        LIF(threshold=trained),
        LIF(threshold=of_units),
        LIF(decay=of_examples),
        DecayInputLIF(trained),
        SynapticLIF(0.5, of_units),
    ):
        mine = CPU.layer(neuron, layer, Events.of(signal))
        assert torch.equal(dense(mine), dense(EAGER.layer(neuron, layer, signal)))
        assert not isinstance(mine, Spikes)


class Doubled:
    """A step of its own: outputs twice as large."""

    def step(self, drive, state):
        output, state = super().step(drive, state)
        return 2 * output, state


class Halved:
    """A derivative of its own."""

    def derivative(self, distance):
        return super().derivative(distance) / 2


def subclass(mixin, thing):
    """The same object, of a subclass that overrides something."""
    kind = type(thing)
    return type(f"Own{kind.__name__}", (mixin, kind), {})(**vars(thing))


OWN = [
    *(subclass(Doubled, neuron) for neuron in [*KINDS, LeakyIntegrator(), HALF, AXON]),
    *(replace(KINDS[0], surrogate=subclass(Halved, s)) for s in SURROGATES),
    replace(HALF, surrogate=subclass(Halved, SURROGATES[0])),
]


@pytest.mark.parametrize("neuron", OWN, ids=repr)
def test_a_subclass_is_not_run_by_its_parents_kernel(neuron):
    layer = scaled(Dense((30,), 12, range(2), "a"))
    tensor = spikes_of(1, 0.2, 6, 2, 4, 30)
    agree(
        lambda engine, signal: [
            engine.layer(neuron, layer, signal),
            engine.scan(neuron, engine.product(layer, signal))[0],
        ],
        Events.of(tensor),
        tensor,
        list(layer.parameters()),
    )


@pytest.mark.parametrize("way", ["events", "product", "recurrent", "filtered", "envelope"])
@pytest.mark.parametrize(("count", "build"), TRAINED)
def test_constants_of_each_unit_and_their_gradients(count, build, way):
    layer = scaled(Dense((30,), 12, range(2), "a"), 6.0)
    around = recurrent_weights(0, 2, 12) if way == "recurrent" else None
    generator = torch.Generator().manual_seed(0)
    drawn = torch.rand(count, 2, 1, 12, generator=generator, dtype=torch.float64)
    constants = [nn.Parameter(c) for c in drawn]
    signal = tensor = spikes_of(1, 0.2, 6, 2, 4, 30)
    if way == "envelope":
        signal = tensor = Separable(tensor[0], torch.linspace(0.5, 1.5, 6, dtype=torch.float64))
    elif way != "product":
        signal = Events.of(tensor)
    own = [] if around is None else [around]
    assert compiled.make(build(*constants), 2, 1, torch.float64)
    agree(
        lambda engine, signal: [
            engine.layer(
                build(*constants), layer, signal, around, AXON if way == "filtered" else None
            )
        ],
        signal,
        tensor,
        [*layer.parameters(), *own, *constants],
    )


@pytest.mark.parametrize("shape", [(), (7,), (2, 1, 1), (1, 1, 7), (2, 1, 7)])
def test_trained_decays_of_any_shape(shape):
    decay = nn.Parameter(torch.full(shape, 0.8, dtype=torch.float64))
    drive = torch.randn(9, 2, 3, 7, generator=torch.Generator().manual_seed(0)).double()
    assert compiled.make(LIF(decay), 2, 1, drive.dtype)
    agree(lambda engine, signal: [engine.scan(LIF(decay), signal)[0]], drive, drive, [decay])


def test_decays_of_each_unit_of_an_image():
    shape = (2, 1, 3, 4, 5)
    generator = torch.Generator().manual_seed(0)
    decay = nn.Parameter(torch.rand(shape, generator=generator, dtype=torch.float64))
    drive = torch.randn(9, 2, 3, *shape[2:], generator=generator, dtype=torch.float64)
    assert compiled.make(LIF(decay), 2, 3, drive.dtype)
    agree(lambda engine, signal: [engine.scan(LIF(decay), signal)[0]], drive, drive, [decay])


@pytest.mark.parametrize("hard", [False, True])
def test_gradients_of_decays_in_single_precision(hard):
    """To 1e-5 of the largest, and the same spikes."""
    drive = torch.randn(30, 2, 4, 40, generator=torch.Generator().manual_seed(0))
    outputs, grads = [], []
    for engine in (CPU, EAGER):
        decay = nn.Parameter(torch.linspace(0.3, 0.95, 80).view(2, 1, 40))
        leaf = drive.clone().requires_grad_()
        out, _ = engine.scan(LIF(decay, hard_reset=hard), leaf)
        out.cumsum(0).sum().backward()
        outputs.append(out.detach())
        grads.append((leaf.grad, decay.grad))
    assert torch.equal(*outputs)
    for mine, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5 * theirs.abs().max().item())


def test_a_table_holds_kernels_under_the_names_of_their_neurons():
    """As the digest of a study's code expects them."""
    for package in ("cpu", "gpu"):
        for path in (Path(cpu.__file__).parents[1] / package / "neurons").glob("[a-z]*.py"):
            rows = importlib.import_module(f"hnnlib.engines.{package}.neurons.{path.stem}").ROWS
            assert {row[0].__module__ for row in rows} == {f"hnnlib.neurons.{path.stem}"}


def test_dense_events_are_multiplied(monkeypatch):
    layer = scaled(Dense((8,), 5, range(2), "a"))
    signal = spikes_of(0, 0.3, 4, 2, 3, 8)
    monkeypatch.setitem(cpu.BREAK_EVEN, "dense", 0.0)
    agree(
        lambda engine, signal: [engine.layer(LIF(), layer, signal)],
        Events.of(signal),
        signal,
        list(layer.parameters()),
    )
