"""Spiking layers in one function of autograd: the numbers of single layers, to the bit."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from hnnlib import engines
from hnnlib.engines.base import Engine, Stage
from hnnlib.engines.cpu import chain
from hnnlib.networks.layers import Dense
from hnnlib.neurons.filters import DualExponential
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.signals import Events, Separable

CPU = engines.get("cpu")
MEMBERS, BATCH, STEPS, INPUTS = 2, 5, 9, 6
AXON = DualExponential.from_time_constants()


def layers(widths=(20, 12, 4), gain=3.0, bias=True):
    """Stages of three kinds, at weights with which they neither stay silent nor saturate."""
    kinds = [(RefractoryLIF(), AXON), (LIF(0.9, hard_reset=True), None), (RefractoryLIF(0.8), AXON)]
    found = []
    for place, ((neuron, axon), units) in enumerate(zip(kinds, widths, strict=True)):
        inputs = widths[place - 1] if place else INPUTS
        synapse = Dense((inputs,), units, range(MEMBERS), f"layer{place}", bias=bias)
        with torch.no_grad():
            synapse.weight *= gain
        found.append(Stage(neuron, synapse, axon))
    return found


def signals():
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(MEMBERS, BATCH, INPUTS, generator=generator)
    spikes = (torch.rand(STEPS, MEMBERS, BATCH, INPUTS, generator=generator) < values).float()
    drawn = torch.rand(STEPS, MEMBERS, BATCH, INPUTS, generator=generator)
    return {
        "held": Separable(values.requires_grad_(), torch.ones(STEPS)),
        "spikes": spikes,
        "graded": drawn.requires_grad_(),
        "events": Events.of((drawn.detach() < 0.3).float()),
    }


def trained(run, stages, signal, updates=3):
    """Spikes and gradients of some steps of plain descent."""
    parameters = list(nn.ModuleList([stage.synapse for stage in stages]).parameters())
    found = []
    for _ in range(updates):
        counts, each = run(stages, signal)
        (counts * torch.linspace(-1, 1, counts.numel()).view_as(counts)).sum().backward()
        found += [counts.detach(), *each, *(p.grad.clone() for p in parameters)]
        with torch.no_grad():
            for p in parameters:
                p -= 0.1 * p.grad
                p.grad = None
    if isinstance(signal, torch.Tensor) and signal.requires_grad:
        found.append(signal.grad)
    return found


def layer_by_layer(stages, signal):
    return Engine.stack(CPU, stages, signal)


def same(mine, theirs):
    return all(torch.equal(m, t) for m, t in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("kind", ["held", "spikes", "graded", "events"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_chain_gives_the_bits_of_single_layers(kind, bias, monkeypatch):
    expected = trained(layer_by_layer, layers(bias=bias), signals()[kind])
    run, taken = chain.run, []
    monkeypatch.setattr(chain, "run", lambda *given: taken.append(run(*given)) or taken[-1])
    assert same(trained(CPU.stack, layers(bias=bias), signals()[kind]), expected)
    assert expected[0].any() and all(done.whole for done in taken)


def weighted(counts):
    """A loss that gives every count a gradient of its own."""
    factors = torch.linspace(-1, 1, counts.numel()).view_as(counts)
    return (factors * counts).sum((1, 2)), factors


def learnt(engine, stages, signal):
    """Losses, whether the layers ran alone, and all gradients."""
    losses, alone = engine.learn(stages, signal, weighted)
    parameters = nn.ModuleList([stage.synapse for stage in stages]).parameters()
    read = signal.values if isinstance(signal, Separable) else signal
    to_read = getattr(read, "grad", None)
    return [losses, *(p.grad for p in parameters), *([] if to_read is None else [to_read])], alone


@pytest.mark.parametrize("kind", ["held", "spikes", "graded", "events"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_step_without_autograd_gives_the_bits_of_one_with_it(kind, bias):
    by_autograd = SimpleNamespace(learn=lambda *given: Engine.learn(CPU, *given))
    theirs, _ = learnt(by_autograd, layers(bias=bias), signals()[kind])
    for _ in range(2):  # in memory that is new, and in memory that was used
        mine, alone = learnt(CPU, layers(bias=bias), signals()[kind])
        assert alone and same(mine, theirs) and mine[1].any()


@pytest.mark.parametrize("why", ["large", "dense"])
def test_a_step_that_is_not_for_a_chain_goes_by_autograd(why, monkeypatch):
    if why == "large":
        monkeypatch.setattr(chain, "_MOST", 1000)
    else:
        monkeypatch.setitem(engines.cpu.BREAK_EVEN, "dense", 0.0)
    expected, _ = learnt(engines.get("eager"), layers(), signals()["held"])
    found, alone = learnt(CPU, layers(), signals()["held"])
    assert not alone
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.15])
def test_where_spikes_are_many_layers_go_on_one_by_one(share, monkeypatch):
    monkeypatch.setitem(engines.cpu.BREAK_EVEN, "dense", share)
    expected = trained(layer_by_layer, layers(), signals()["held"])
    assert same(trained(CPU.stack, layers(), signals()["held"]), expected)


def test_a_large_step_is_no_chain(monkeypatch):
    monkeypatch.setattr(chain, "_MOST", 1000)
    monkeypatch.setattr(chain, "Pass", None)  # would be called
    expected = trained(layer_by_layer, layers(), signals()["held"])
    assert same(trained(CPU.stack, layers(), signals()["held"]), expected)


def test_passes_may_overlap_and_go_back_once():
    stages, signal = layers(), signals()["held"]
    weight = stages[1].synapse.weight
    alone = []
    for factor in (1.0, 0.5):
        counts, _ = CPU.stack(stages, signal._replace(values=factor * signal.values))
        alone.append(torch.autograd.grad(counts.sum(), weight)[0])
    both = [CPU.stack(stages, signal._replace(values=f * signal.values))[0] for f in (1.0, 0.5)]
    again = [torch.autograd.grad(c.sum(), weight, retain_graph=True)[0] for c in both]
    assert same(again, alone)
    with pytest.raises(RuntimeError, match="one backward pass"):
        torch.autograd.grad(both[0].sum(), weight)
