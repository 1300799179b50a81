"""Populations in pieces: no larger than the memory, and the same as a whole."""

import pytest
import torch
from small_tasks import Map, Mapped, fit

from hnnlib import engines
from hnnlib.codings.duplicate import Duplicate
from hnnlib.networks.classifier import ImageDesign
from hnnlib.networks.direct import Design, DirectNetwork
from hnnlib.networks.hybrid import HybridNetwork, Switches
from hnnlib.networks.notation import parse
from hnnlib.networks.rate import RateDesign, RateNetwork, RectifiedNetwork
from hnnlib.networks.residual import SewResNet18
from hnnlib.networks.vgg import SpikingVgg11
from hnnlib.training.populations import chunks, in_pieces
from hnnlib.training.tasks import Regression

ENGINE = engines.get("eager")
EDGE = (1, 16, 16)


def hybrid(text, steps, width, seeds):
    layers = parse(text.format(width))[1]
    return HybridNetwork(layers, EDGE, Switches(Duplicate(steps), train_filter=True), seeds, ENGINE)


def rate(steps, width, seeds):
    design = RateDesign((width,), (2 * width, 4), Duplicate(steps))
    return RateNetwork(design, EDGE, seeds, (2.0,), (1.0,), ENGINE)


def image(network):
    def build(steps, width, seeds):
        return network(ImageDesign(EDGE, 10, width=width / 64, steps=steps), seeds, ENGINE)

    return build


NETWORKS = {
    "hybrid": lambda *size: hybrid("A256-S{}-S4", *size),
    "convolutional": lambda *size: hybrid("A3C3-S{}C3-P2-S4", *size),
    "direct": lambda steps, width, seeds: DirectNetwork(
        20, 4, Design("hybrid", width, steps), seeds, ENGINE
    ),
    "rate": rate,
    "residual": image(SewResNet18),
    "vgg": image(SpikingVgg11),
}


@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
def test_memory_grows_with_batch_steps_and_units_and_is_a_members(build):
    least = build(4, 8, (0,)).memory(10)
    assert build(4, 8, (0,)).memory(20) > least
    assert build(8, 8, (0,)).memory(10) > least
    assert build(4, 16, (0,)).memory(10) > least


def test_memory_is_that_of_one_member():
    for build in (NETWORKS["hybrid"], NETWORKS["direct"], NETWORKS["residual"]):
        assert build(4, 8, (0, 1, 2)).memory(10) == build(4, 8, (0,)).memory(10)


def test_a_network_without_time_holds_one_step():
    design = RateDesign((4,), (8, 4), Duplicate(50))
    control = RectifiedNetwork(design, EDGE, (0,), (1.0,), (1.0,))
    assert control.memory(10) < RateNetwork(design, EDGE, (0,), (2.0,), (1.0,), ENGINE).memory(10)


def test_slices_are_no_larger_than_the_memory_and_about_equal():
    assert chunks(5, 1 << 10, limit=1 << 20) == [slice(0, 5)]
    assert chunks(3, 10, limit=1) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    sizes = [part.stop - part.start for part in chunks(100, 7, limit=200)]
    assert sum(sizes) == 100 and max(sizes) * 7 <= 200 and max(sizes) - min(sizes) <= 1


class Heavy(Map):
    def memory(self, batch):
        return 10 * batch


@pytest.mark.parametrize("each", [1, 2])
def test_a_population_in_pieces_is_the_whole(each, tmp_path):
    """Things that stand for several members are kept together."""

    def square(activity, targets):
        return (activity.outputs - targets).square().mean((1, 2))

    def build(part):
        return Heavy(
            seed for thing in range(5)[part] for seed in range(each * thing, each * thing + each)
        )

    task = {"task": Regression(square, lambda a, y: (a.outputs - y).norm(dim=2))}
    whole, found = build(slice(0, 5)), []
    fit(tmp_path, whole, Mapped(0.3), more=task)
    for piece in in_pieces(build, 5, 10, limit=each * 200):
        fit(tmp_path, piece.network, Mapped(0.3), piece.name, more=task)
        found.append(piece)
    assert [piece.name for piece in found] == ["1of3", "2of3", "3of3"]
    assert [piece.part for piece in found] == chunks(5, 100, limit=200)
    joined = torch.cat([piece.network.weight for piece in found])
    torch.testing.assert_close(joined, whole.weight, rtol=1e-5, atol=1e-6)
