"""Rate-coded networks: what the equations say, members that don't mix, draws that are shared."""

import pytest
import torch

from hnnlib import engines
from hnnlib.codings.duplicate import Duplicate
from hnnlib.codings.poisson import Poisson
from hnnlib.errors import ConfigError
from hnnlib.networks.base import Activity
from hnnlib.networks.rate import RateDesign, RateNetwork, RectifiedNetwork, rate_error
from hnnlib.randomness import MemberNoise
from hnnlib.surrogates import Sigmoid

MLP = RateDesign((), (12, 9, 4), Poisson(6))
CNN = RateDesign((16, 5), (7, 4), Duplicate(4))
EDGE = (1, 8, 8)
IMAGES = torch.rand(1, 10, *EDGE, generator=torch.Generator().manual_seed(0))


def network(
    design=MLP, seeds=(3, 3), tau=(1.5, 4.0), threshold=(0.05, 0.1), engine="eager", **more
):
    return RateNetwork(design, EDGE, seeds, tau, threshold, engines.get(engine), **more)


def run(population, images=IMAGES):
    return population(images, MemberNoise(population.seeds, "test"))


def test_sizes_are_those_of_the_specification():
    mlp = RateNetwork(
        RateDesign((), (512, 256, 10), Poisson(10)), (1, 28, 28), (0,), (2,), (1,), None
    )
    assert mlp.products() == 10 * (784 * 512 + 512 * 256 + 256 * 10)
    design = RateDesign((32, 64, 64), (128, 10), Duplicate(10))
    cnn = RateNetwork(design, (1, 28, 28), (0,), (2,), (1,), None)
    assert cnn.products() / 10 == pytest.approx(5.7e6, rel=0.02)
    assert cnn.units() == [32 * 28 * 28, 64 * 14 * 14, 64 * 7 * 7, 128, 10]


@pytest.mark.parametrize("design", [MLP, CNN], ids=["mlp", "cnn"])
@pytest.mark.parametrize("engine", ["eager", "cpu"])
def test_a_member_alone_is_what_it_is_among_others(design, engine):
    alone = network(design, (3,), (4.0,), (0.1,), engine)
    together = network(design, engine=engine)
    for mine, theirs in zip(run(together).spikes, run(alone).spikes, strict=True):
        assert (mine[1:] == theirs).all()
    run(together).outputs[0].sum().backward()
    assert all(not p.grad[1:].any() for p in together.parameters())


@pytest.mark.parametrize("engine", ["eager", "cpu"])
def test_members_of_one_seed_share_the_draws_whether_or_not_they_share_the_images(engine):
    population = network(engine=engine)
    shared, own = run(population), run(population, IMAGES.expand(2, *IMAGES.shape[1:]))
    torch.testing.assert_close(shared, own)
    assert (shared.encoder_spikes[0] == shared.encoder_spikes[1]).all()


@pytest.mark.parametrize("surrogate", [None, Sigmoid()], ids=["atan", "sigmoid"])
@pytest.mark.parametrize("design", [MLP, CNN], ids=["mlp", "cnn"])
def test_engines_agree_on_a_step_of_training(design, surrogate):
    found = []
    for engine in ("eager", "cpu"):
        population = network(design, engine=engine, surrogate=surrogate).double()
        activity = run(population, IMAGES.double())
        rate_error(activity, torch.arange(10).expand(2, -1) % 4).sum().backward()
        found.append(
            [
                activity.outputs.detach(),
                *activity.spikes,
                *(p.grad for p in population.parameters()),
            ]
        )
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, check_dtype=False)
    assert all(spikes.sum() > 0 for spikes in found[0][1:3])


def test_a_threshold_above_what_inputs_can_reach_silences_the_network():
    activity = run(network(threshold=(50.0, 0.05)))
    assert not activity.outputs[0].any() and activity.outputs[1].any()
    assert activity.spikes[0][1].sum() > activity.spikes[0][0].sum() == 0


def test_which_units_fire_is_told_by_both_engines_alike():
    both = [
        network(engine=engine).fired(IMAGES, MemberNoise((3, 3), "x"))
        for engine in ("eager", "cpu")
    ]
    for mine, theirs in zip(*both, strict=True):
        assert mine.shape[0] == 2 and (mine == theirs).all()
    assert 0 < both[0][0].float().mean() < 1


def test_operations_count_fan_out():
    population = network()
    activity = run(population)
    operations = population.synaptic_operations(activity)
    expected = 12 * activity.encoder_spikes + 9 * activity.spikes[0] + 4 * activity.spikes[1]
    torch.testing.assert_close(operations, expected)


def test_the_control_rectifies_above_the_threshold():
    control = RectifiedNetwork(
        RateDesign((), (5, 3), Duplicate(1)), EDGE, (0, 0), (1.0, 0.5), (0.1, 9.0)
    )
    hidden = IMAGES[0].flatten(1) @ control.synapses[0].weight[0] + control.synapses[0].bias[0]
    last = control.synapses[1]
    expected = torch.relu(hidden - 0.1) @ last.weight[0] + last.bias[0]
    activity = control(IMAGES)
    torch.testing.assert_close(activity.outputs[0], expected)
    torch.testing.assert_close(activity.outputs[1], last.bias[1].expand(10, 3))  # silent
    assert control.products() == 64 * 5 + 5 * 3


def test_the_loss_is_the_mean_square_to_one_hot():
    logits = torch.tensor([[[0.5, 0.0], [0.0, 1.0]]])
    assert rate_error(Activity(logits, [], None), torch.tensor([[0, 0]])) == pytest.approx(2.25 / 4)


def test_images_too_small_for_the_pools_are_one_clear_sentence():
    with pytest.raises(ConfigError, match="too small for 4 convolutions"):
        network(RateDesign((4, 4, 4, 4), (4,), Duplicate(1)))
