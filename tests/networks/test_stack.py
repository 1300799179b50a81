"""The stack of normalised convolutions: tdBN, drift of its drives, windows that follow."""

import pytest
import torch

from hnnlib import engines
from hnnlib.networks.classifier import ImageDesign
from hnnlib.networks.normalised import NormalisedConv
from hnnlib.networks.stack import NormalisedStack
from hnnlib.neurons.lif import LIF
from hnnlib.surrogates.rectangle import Rectangle

SIGMAS = (0.25, 1.0)


def wide(sigma):
    """Neurons whose window is the drive's deviation."""
    return LIF(0.5, hard_reset=True, surrogate=Rectangle(sigma.view(-1, 1, 1, 1, 1)))


def stack(seeds=(0, 1), sigma=SIGMAS, each_step=False, engine="cpu", **options):
    design = ImageDesign((1, 8, 8), 10, steps=3, each_step=each_step)
    return NormalisedStack(design, seeds, engines.get(engine), (4, 8, 8), sigma, wide, **options)


def images(members=2):
    drawn = torch.rand(1, 6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return drawn.expand(members, -1, -1, -1, -1)


def test_drives_start_with_the_spread_of_each_member():
    layer = NormalisedConv((2, 9, 9), 3, 3, (0, 1), "layer", gain=SIGMAS)
    drive = layer(torch.randn(4, 2, 20, 2, 9, 9))
    spread = drive.transpose(0, 1).flatten(1).std(1)
    assert spread.tolist() == pytest.approx(SIGMAS, rel=1e-2)


def test_sigma_is_what_gains_say_and_is_kept_epoch_by_epoch():
    net = stack(epochs=2)
    for gain in (1.0, 2.0, 3.0):
        net.train()
        with torch.no_grad():
            for layer in net.convolutions:
                layer.gain *= gain + 1
    assert net.drift[:, 0].tolist() == [[s] * 3 for s in SIGMAS]
    assert net.drift[:, 1].tolist() == [[2 * s] * 3 for s in SIGMAS]
    assert net.sigma()[1].tolist() == pytest.approx([24.0] * 3)


@pytest.mark.parametrize("tracked", [False, True])
def test_windows_follow_the_drive_only_where_they_are_tracked(tracked):
    net = stack(tracked=tracked)
    with torch.no_grad():
        net.convolutions[1].gain.fill_(3.0)
    net.train()
    assert net.known[0].tolist() == [0.25, 3.0 if tracked else 0.25, 0.25]
    net.eval()
    assert net.known[0, 1] == (3.0 if tracked else 0.25)


def test_outputs_are_the_mean_of_those_of_each_step():
    answer = stack(each_step=True)(images())
    assert answer.steps.shape == (3, 2, 6, 10)
    torch.testing.assert_close(answer.steps.mean(0), answer.outputs)


def test_a_member_does_not_depend_on_its_neighbours():
    alone, pair = stack((1,), SIGMAS[1:]), stack()
    torch.testing.assert_close(alone(images(1)).outputs[0], pair(images()).outputs[1])
    alone(images(1)).outputs.sum().backward()
    pair(images()).outputs[1].sum().backward()
    for name, p in pair.named_parameters():
        torch.testing.assert_close(alone.get_parameter(name).grad[0], p.grad[1])
        assert (p.grad[0] == 0).all()


def test_engines_agree_on_answers_and_gradients():
    found = {}
    for engine in ("eager", "cpu"):
        net = stack(engine=engine)
        outputs = net(images()).outputs
        outputs.square().sum().backward()
        found[engine] = [outputs.detach(), *(p.grad for p in net.parameters())]
    for mine, theirs in zip(*found.values(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_layers_and_costs_are_counted():
    net = stack()
    answer = net(images())
    assert len(answer.spikes) == 3
    assert net.macs() == 9 * 64 * 4 + 4 * 9 * 16 * 8 + 8 * 9 * 4 * 8 + 32 * 10
    assert net.parameter_count() == 36 + 288 + 576 + 2 * 20 + 330


def test_a_plain_first_drive_is_the_convolution_itself():
    net = stack(plain=True)
    x, layer = torch.randn(1, 2, 4, 1, 8, 8), net.first()
    for k in range(2):
        drive = torch.nn.functional.conv2d(x[0, k], layer.weight[k], padding=1)
        torch.testing.assert_close(layer(x)[0, k], drive)
