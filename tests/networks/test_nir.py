"""Networks in NIR: there and back, through a file, and what the graph says in its own terms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hnnlib import engines
from hnnlib.codings.duplicate import Duplicate
from hnnlib.errors import ConfigError
from hnnlib.networks.direct import Design, DirectNetwork
from hnnlib.networks.nir import from_nir, to_nir
from hnnlib.networks.rate import RateDesign, RateNetwork

nir = pytest.importorskip("nir")
ENGINE = engines.get("eager")


def rate(convolutions=(), in_shape=(1, 3, 4)):
    design = RateDesign(convolutions, (9, 4), Duplicate(12))
    return RateNetwork(design, in_shape, (0, 1), (2.0, 3.0), (0.1, 0.2), ENGINE)


def direct(model="snn"):
    design = Design(model, units=20, dt=0.002, tau_mem=0.01, tau_syn=0.005, tau_out=0.02)
    return DirectNetwork(6, 3, design, (0, 1), ENGINE)


def through_a_file(network, path, **options):
    graphs = []
    for member in range(2):
        nir.write(path / "a.nir", to_nir(network, member, **options))
        graphs.append(nir.read(path / "a.nir"))
    return graphs


def test_a_feed_forward_population_comes_back_with_the_same_spikes(tmp_path):
    network = rate()
    again = from_nir(through_a_file(network, tmp_path), ENGINE, coding=Duplicate(12))
    x = torch.rand(2, 5, 1, 3, 4)
    found, expected = again(x.flatten(2)), network(x)
    assert expected.spikes[0].sum() > 0
    torch.testing.assert_close(found.outputs, expected.outputs)
    assert all(map(torch.equal, found.spikes, expected.spikes))


def test_a_recurrent_population_comes_back_with_the_same_spikes(tmp_path):
    network = direct()
    again = from_nir(through_a_file(network, tmp_path), ENGINE, dt=0.002)
    x = (torch.rand(40, 2, 5, 6) < 0.3).float()
    found, expected = again(x), network(x)
    assert expected.spikes[0].sum() > 0
    torch.testing.assert_close(found.outputs, expected.outputs)
    assert torch.equal(found.spikes[0], expected.spikes[0])


def test_the_feed_forward_graph_obeys_its_equation_by_eulers_method():
    """As any reader would run it: tau dv/dt = v_leak - v + R I, and a reset to v_reset."""
    network, dt = rate(), 0.001
    _, *chain, _ = to_nir(network, 1, dt=dt).nodes.values()
    x = torch.rand(2, 1, 1, 3, 4)
    states = [np.zeros(len(neuron.tau)) for neuron in chain[1::2]]
    counted = [0.0, 0.0]
    for _ in range(12):
        signal = x[1].flatten().numpy()
        for place, (affine, neuron) in enumerate(zip(chain[::2], chain[1::2], strict=True)):
            current = affine.weight @ signal + affine.bias
            v = states[place]
            v = v + dt / neuron.tau * (neuron.v_leak - v + neuron.r * current)
            signal = (v > neuron.v_threshold).astype(float)
            states[place] = np.where(signal > 0, neuron.v_reset, v)
            counted[place] += signal.sum()
    assert counted == [float(layer[1, 0]) for layer in network(x).spikes] and counted[0] > 0


def test_the_recurrent_graph_jumps_by_the_weight_and_decays_exactly():
    """tau dI/dt = -I + w_in S over one step in which S is constant, solved."""
    network = direct()
    neurons = to_nir(network).nodes["neurons"]
    decay = np.exp(-0.002 / neurons.tau_syn)
    np.testing.assert_allclose((1 - decay) * neurons.w_in, 1)
    np.testing.assert_allclose(decay, network.neuron.synapse_decay)


@pytest.mark.parametrize("network", [rate((3,), (1, 8, 8)), direct("hybrid")])
def test_what_nir_cannot_say_is_told(network):
    with pytest.raises(ConfigError, match="NIR cannot say this"):
        to_nir(network)


def test_graphs_of_another_kind_and_with_other_constants_are_told():
    graph = to_nir(rate())
    with pytest.raises(ConfigError, match="is none that can be read here"):
        from_nir([graph, to_nir(direct())], ENGINE)
    neurons = list(graph.nodes.values())[2:-1:2]
    for one in neurons:
        one.v_leak[:] = 0.5
    with pytest.raises(ConfigError, match=r"v_leak is 0.5, these networks have 0"):
        from_nir(graph, ENGINE)
    neurons[0].tau[0] = 0.5
    with pytest.raises(ConfigError, match="tau differs between units"):
        from_nir(graph, ENGINE)
