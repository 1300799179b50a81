"""SEW-ResNet18 and spiking VGG11: the papers' sizes, the connection, members that never mix."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from hnnlib import engines
from hnnlib.networks.classifier import ImageDesign
from hnnlib.networks.normalised import NormalisedConv
from hnnlib.networks.residual import SewResNet18
from hnnlib.networks.vgg import SpikingVgg11

EAGER = engines.get("eager")
SMALL = ImageDesign((1, 16, 16), 10, width=1 / 32, steps=5, mean=(0.4,), deviation=(0.3,))
BOTH = pytest.mark.parametrize("network", [SewResNet18, SpikingVgg11])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Threads of convolutions this small wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def images(members=2, batch=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, batch, 1, 16, 16, generator=generator).expand(members, -1, -1, -1, -1)


@pytest.mark.parametrize(
    ("network", "shape", "millions"),
    [
        (SewResNet18, (1, 28, 28), 33),
        (SewResNet18, (3, 32, 32), 37),
        (SpikingVgg11, (1, 28, 28), 95),
        (SpikingVgg11, (3, 32, 32), 154),
    ],
)
def test_products_a_step_are_those_of_the_papers_networks(network, shape, millions):
    design = ImageDesign(shape, 10, mean=(0.5,) * shape[0], deviation=(0.5,) * shape[0])
    assert network(design, (0,), EAGER).macs() / 1e6 == pytest.approx(millions, abs=1)


@pytest.mark.parametrize(("network", "layers"), [(SewResNet18, 20), (SpikingVgg11, 9)])
def test_every_layer_of_neurons_is_seen_and_counted(network, layers):
    net, seen = network(SMALL, (0, 1), EAGER), {}
    answer = net.unroll(net.standardise(images())[None], observe=seen.__setitem__)
    assert len(seen) == len(answer.spikes) == layers
    for counted, spikes in zip(answer.spikes, seen.values(), strict=True):
        assert spikes.shape[:3] == (5, 2, 6) and set(spikes.unique().tolist()) <= {0.0, 1.0}
        assert (counted == spikes.sum(0).flatten(2).sum(2)).all()
    assert list(seen)[-1] == net.penultimate


def test_the_full_head_has_the_public_codes_layers():
    net = SpikingVgg11(SMALL, (0,), EAGER, head="full")
    assert [tuple(layer.weight.shape[1:]) for layer in net.dense] == [(16 * 49, 128), (128, 128)]
    assert net(images(1)).outputs.shape == (1, 6, 10)


def test_a_block_fires_where_the_identity_does_and_the_branch_does_not():
    net, seen, outputs = SewResNet18(SMALL, (0, 1), EAGER), {}, []
    block = net.blocks[2]
    block.register_forward_hook(lambda _, given, out: outputs.append((given[0], out)))
    net.unroll(net.standardise(images())[None], observe=seen.__setitem__)
    (_, out), branch = outputs[0], seen["stage2.0.second"]
    identity = seen["stage2.0.shortcut"]
    assert (out == identity.bool().logical_and(~branch.bool()).float()).all()
    assert identity.any()


@BOTH
def test_repeated_images_are_the_same_as_equal_frames(network):
    net = network(SMALL, (0, 1), EAGER).eval()
    x = images()
    frames = net.standardise(x).expand(5, *x.shape)
    torch.testing.assert_close(net(x).outputs, net.unroll(frames).outputs)


@BOTH
def test_training_on_repeated_images_normalises_as_on_equal_frames(network):
    one, other = (network(SMALL, (0, 1), EAGER) for _ in range(2))
    x = images()
    one(x), other.unroll(other.standardise(x).expand(5, *x.shape))
    for name, buffer in one.named_buffers():
        # the variance of n repeated numbers is corrected by another factor, (5 n - 1) / (5 n)
        torch.testing.assert_close(buffer, other.get_buffer(name), rtol=1e-2, atol=1e-3)


@BOTH
def test_a_member_does_not_depend_on_its_neighbours(network):
    alone, pair = network(SMALL, (1,), EAGER), network(SMALL, (0, 1), EAGER)
    x = images()
    torch.testing.assert_close(alone(x[:1]).outputs[0], pair(x).outputs[1])
    alone(x[:1]).outputs.sum().backward()
    pair(x).outputs[1].sum().backward()
    for name, p in pair.named_parameters():
        torch.testing.assert_close(alone.get_parameter(name).grad[0], p.grad[1])
        assert (p.grad[0] == 0).all()
    for name, buffer in pair.named_buffers():
        torch.testing.assert_close(alone.get_buffer(name)[0], buffer[1])


@BOTH
def test_a_state_carried_on_is_one_longer_run(network):
    net = network(SMALL, (0, 1), EAGER).eval()
    frames = net.standardise(images())[None] + torch.randn(10, 1, 1, 1, 1, 1) / 2
    whole, parts, memory = {}, [], {}
    net.unroll(frames, observe=whole.__setitem__)
    for half in (frames[:5], frames[5:]):
        seen = {}
        net.unroll(half, memory, seen.__setitem__)
        parts.append(seen)
    for name, spikes in whole.items():
        assert (torch.cat([part[name] for part in parts]) == spikes).all()


@BOTH
def test_gradients_reach_every_parameter(network):
    # narrower layers may be silent on a few images
    net = network(replace(SMALL, width=1 / 4), (0,), EAGER)
    labels = torch.arange(6) % 10
    functional.cross_entropy(net(images(1)).outputs[0], labels).backward()
    dead = {name for name, p in net.named_parameters() if not p.grad.any()}
    assert dead <= {"readout.weight"}  # dense layers are not normalised: VGG's starts silent


@BOTH
def test_the_cpu_engine_gives_the_same_answers(network):
    nets = [network(SMALL, (0, 1), engines.get(name)).eval() for name in ("eager", "cpu")]
    answers = [net(images()) for net in nets]
    torch.testing.assert_close(answers[0].outputs, answers[1].outputs, rtol=1e-4, atol=1e-4)


def test_normalisation_is_torchs_with_statistics_of_each_member():
    conv = NormalisedConv((2, 7, 7), 3, 3, (0, 5), "layer", stride=2)
    x = torch.randn(4, 2, 5, 2, 7, 7)
    drive = conv(x)
    assert drive.shape == (4, 2, 5, *conv.out_shape) and conv.out_shape == (3, 4, 4)
    for k in range(2):
        reference = torch.nn.BatchNorm2d(3)
        plain = functional.conv2d(x[:, k].flatten(0, 1), conv.weight[k], None, 2, 1)
        torch.testing.assert_close(drive[:, k].flatten(0, 1), reference(plain))
        torch.testing.assert_close(conv.running_variance[k], reference.running_var)
    values = drive.transpose(0, 1).flatten(1, 2).transpose(1, 2).flatten(2)
    torch.testing.assert_close(values.mean(2), torch.zeros(2, 3), atol=1e-5, rtol=0)
    frozen = conv.running_mean.clone()
    conv.eval()(x)
    assert (conv.running_mean == frozen).all()


def test_members_of_one_seed_start_alike():
    net = SewResNet18(SMALL, (4, 4, 5), EAGER)
    assert (net.stem.weight[0] == net.stem.weight[1]).all()
    assert (net.stem.weight[0] != net.stem.weight[2]).any()
