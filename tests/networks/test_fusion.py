"""Fusion networks: the paper's size, both branches and either, who depends on whom."""

from dataclasses import replace

import pytest
import torch

from hnnlib import engines
from hnnlib.codings.bit_planes import BitPlanes
from hnnlib.networks.fusion import FusionDesign, FusionNetwork, Pass, matched_width
from hnnlib.networks.fusion_residual import ResidualFusionNetwork
from hnnlib.neurons.decay_input import DecayInputLIF

EAGER = engines.get("eager")
STE = BitPlanes(derivative="ste", rescale=False)
SMALL = FusionDesign((1, 8, 8), 10, base=4, depth=2, head=(6,), coding=STE)


def network(seeds=(0, 1), engine=EAGER, **changes):
    return FusionNetwork(replace(SMALL, **changes), seeds, engine)


def images(members=2, batch=5):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, batch, 1, 8, 8, generator=generator).expand(members, -1, -1, -1, -1)


def gradients(net):
    net(images()).outputs.square().sum().backward()
    return {name: p.grad for name, p in net.named_parameters()}


def test_the_papers_network_has_its_size():
    whole = FusionDesign((3, 32, 32), 10, base=16, depth=5, head=(1024, 512))
    assert whole.channels() == [48, 96, 192, 384, 768]
    assert whole.parameters() / 1e6 == pytest.approx(9.7, abs=0.05)
    assert replace(whole, base=24).parameters() / 1e6 == pytest.approx(19, abs=0.5)


@pytest.mark.parametrize("branches", ["graded", "spiking", "fusion"])
def test_parameters_are_known_before_a_network_is_built(branches):
    for head in ((), (6,), (6, 5)):
        net = network(branches=branches, head=head)
        assert net.parameter_count() == net.design.parameters()
        assert net(images()).outputs.shape == (2, 5, 10)


@pytest.mark.parametrize("branches", ["graded", "spiking"])
def test_a_matched_network_has_as_many_parameters_as_fusion(branches):
    one = replace(SMALL, base=16, branches=branches)
    wide = replace(one, width=matched_width(one))
    both = replace(one, branches="fusion").parameters()
    assert wide.parameters() == pytest.approx(both, rel=0.03)
    assert one.parameters() < 0.6 * both


@pytest.mark.parametrize("missing", ["spiking", "graded"])
def test_fusion_is_the_sum_of_its_branches(missing):
    """Without what one branch gives, a block gives what the other does."""
    (other,) = {"spiking", "graded"} - {missing}
    fused, alone = network(head=(), depth=1), network(head=(), depth=1, branches=other)
    for net in (fused, alone):
        net.eval()
    for layer in fused.layers(missing):
        layer.gain.data.zero_()
    torch.testing.assert_close(fused(images()).outputs, alone(images()).outputs)


def test_a_constant_drive_of_2_fires_in_the_first_step():
    spikes, _ = EAGER.scan(SMALL.neuron, torch.full((3, 1, 1, 1), 2.0))
    assert SMALL.neuron == DecayInputLIF(2.0, 1.0, 0.0)
    assert spikes.flatten().tolist() == [1, 1, 1]
    below, _ = EAGER.scan(SMALL.neuron, torch.full((3, 1, 1, 1), 1.9))
    assert below.flatten().tolist() == [0, 1, 0]


def test_behind_a_blocked_encoder_nothing_learns_but_in_fusion_the_graded_branch_goes_round():
    first = "blocks.0.branches.{}.0.weight"
    blocked = replace(STE, derivative="blocked")
    serial = gradients(network(branches="spiking", coding=blocked, head=()))
    assert not any(g.any() for name, g in serial.items() if name.startswith("blocks.0"))
    assert serial["readout.weight"].any()
    fused = gradients(network(coding=blocked))
    assert all(fused[first.format(kind)].any() for kind in ("spiking", "graded"))
    through = gradients(network(branches="spiking", head=()))
    assert all(g.flatten(1).any(1).all() for g in through.values())


@pytest.mark.parametrize("rule", ["clip", "sample", "batch"])
def test_an_example_depends_on_its_batch_where_the_range_does(rule):
    net = network(coding=replace(STE, range=rule), head=()).eval()
    for layer in net.layers("graded"):
        layer.gain.data.mul_(3)  # values leave their range
    x = images()
    whole, alone = net(x).outputs, net(x[:, :1]).outputs
    assert torch.allclose(whole[:, :1], alone, atol=1e-5) == (rule != "batch")
    if rule == "batch":  # one by one, a range over the batch is one over the example
        net.coding = replace(STE, range="sample")
        torch.testing.assert_close(net(x[:, :1]).outputs, alone)


@pytest.mark.parametrize("name", ["eager", "cpu"])
def test_a_member_does_not_depend_on_others(name):
    engine = engines.get(name)
    both, one = network(engine=engine), network((1,), engine=engine)
    x = images()
    torch.testing.assert_close(both(x).outputs[1:], one(x[1:]).outputs)


def test_carried_potentials_change_the_next_batch_and_a_new_pass_starts_at_rest():
    for state in ("reset", "carried"):
        net = network(state=state, branches="spiking", head=()).train()
        first, second = (net(images()).outputs for _ in range(2))
        assert torch.equal(first, second) == (state == "reset")
        net.train()
        assert torch.equal(net(images()).outputs, first)


def test_the_momentum_is_that_of_spiking_branches():
    net = network(momentum=0.5, depth=1, head=())
    plain = network(depth=1, head=())
    for one in (net, plain):
        one(images())
    for kind, factor in (("spiking", 5), ("graded", 1)):
        a, b = (one.layers(kind)[0].running_mean for one in (net, plain))
        torch.testing.assert_close(a, factor * b)


def test_operations_are_spikes_times_mean_fan_out():
    net = network(branches="spiking", depth=1, head=())
    x = images()
    found = net(x)
    assert torch.equal(found.encoder_spikes, STE.encode(x).sum(0).flatten(2).sum(2))
    per_pixel = 9 * 4  # kernel times channels, of one input channel
    assert torch.equal(net.synaptic_operations(found), per_pixel * found.encoder_spikes)
    assert net.graded_products() == net.readout.macs
    loose = network(branches="spiking", depth=1, head=(), coding=replace(STE, rounding="off"))
    assert loose.graded_products() == net.readout.macs + 9 * 4 * 64


# the residual network


def residual(branches, **changes):
    return ResidualFusionNetwork(
        replace(SMALL, base=2, branches=branches, **changes), (0, 1), EAGER
    )


def test_a_residual_network_halves_its_edge_and_doubles_its_channels():
    net = ResidualFusionNetwork(FusionDesign((3, 32, 32), 10, base=32), (0,), EAGER)
    layers = net.layers("spiking")
    assert [layer.out_shape for layer in layers if layer.weight.shape[-1] == 1] == [
        *[(32, 8, 8), (64, 4, 4), (128, 2, 2), (256, 1, 1)]
    ]
    assert layers[0].out_shape == (64, 16, 16) and len(net.blocks) == 9
    assert len(layers) == 1 + 2 * 8 + 4 and net.readout.weight.shape == (1, 256, 10)


def test_without_its_layers_a_residual_block_hands_planes_and_values_on():
    x = images() / 2
    for branches in ("spiking", "graded"):
        block = residual(branches).blocks[2]  # keeps its shape
        for layer in block.branches[branches]:
            layer.gain.data.zero_()
        given = x.expand(-1, -1, 2, -1, -1)[..., :2, :2]
        whole = STE.decode(STE.encode(given)) if branches == "spiking" else given
        torch.testing.assert_close(block(given, Pass(residual(branches))), whole)


def test_a_residual_block_decodes_up_to_two():
    block = residual("spiking").blocks[2]
    for layer in block.branches["spiking"]:
        layer.gain.data.zero_()
        layer.offset.data.fill_(9)  # every neuron fires
    found = block(torch.ones(2, 5, 2, 2, 2), Pass(residual("spiking")))
    torch.testing.assert_close(found, torch.full_like(found, 2))


@pytest.mark.parametrize("branches", ["graded", "spiking", "fusion"])
def test_every_layer_of_a_residual_network_is_counted_and_trained(branches):
    net = residual(branches)
    found = net(images())
    found.outputs.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())
    assert sum(p.grad.any() for p in net.parameters()) > 0.9 * len(list(net.parameters()))
    assert len(found.spikes) == len(net.layers("spiking"))
    products = sum(k.macs for kind in ("spiking", "graded") for k in net.layers(kind))
    assert net.products() >= products
