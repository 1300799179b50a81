"""Hybrid networks: sizes, shortcuts that change nothing, gradients everywhere, members that never
mix.
"""

import pytest
import torch
from torch.nn import functional

from hnnlib import engines
from hnnlib.errors import DataError, NotationError
from hnnlib.networks.hybrid import CODINGS, HybridNetwork, Switches
from hnnlib.networks.notation import parse
from hnnlib.networks.spiking import Axon, SpikingLayer
from hnnlib.neurons.filters import DualExponential
from hnnlib.randomness import MemberNoise

ENGINE = engines.get("eager")
MLP = ("S784-S500-S10", "A784-S500-S10", "A784-A500-S10", "A784-A500-A10")
CNN = "S32C3-S32C3-S64C3-P2-S64C3-P2-S512-S10"
SMALL = {
    "mlp": ["S12-S9-S4", "A12-S9-S4", "A12-A9-S4", "A12-A9-A4"],
    "cnn": ["S3C3-P2-S6-S4", "A3C3-S4C3-P2-S4", "A3C3-P2-S4C3-S4", "A3C3-A4C3-P2-S5-S4"],
}
SHAPES = {"mlp": (12,), "cnn": (2, 10, 10)}


def build(text, in_shape, seeds=(0,), coding="duplicate", options=(), **switches):
    coding = None if coding is None else CODINGS[coding](5, *options)
    switches = Switches(coding, **switches)
    return HybridNetwork(parse(text)[1], in_shape, switches, seeds, ENGINE)


def run(network, x, role="run"):
    return network(x, MemberNoise(network.seeds, role))


def test_trained_filters_add_as_many_parameters_as_in_the_public_code():
    fixed, trained = (
        build(MLP[0], (1, 28, 28), train_filter=t).parameter_count() for t in (False, True)
    )
    assert trained - fixed == 3 * (784 + 500 + 500)
    fixed, trained = (
        build(CNN, (3, 32, 32), train_filter=t).parameter_count() for t in (False, True)
    )
    assert trained - fixed == 362_688


@pytest.mark.parametrize("text", ["A12-S9-S4", "S12-S4"])
def test_inputs_of_another_shape_are_one_sentence(text):
    """Images where flat inputs were promised, as from a reader's own ``in_shape=(12,)``."""
    with pytest.raises(DataError, match=r"shape \(12,\) was given \(4,\).* the in_shape"):
        run(build(text, (12,)), torch.rand(1, 2, 1, 3, 4))
    with pytest.raises(DataError, match=r"shape \(2, 10, 10\) was given \(2, 5, 5\)"):
        build("A3C3-S4", (2, 10, 10)).artificial[0].product(torch.rand(1, 4, 2, 5, 5))


@pytest.mark.parametrize("text", ["A12-S9-S4", "S12-S4"])
def test_inputs_of_another_precision_are_one_sentence(text):
    with pytest.raises(DataError, match="weights in float64 was given inputs in float32: convert"):
        run(build(text, (12,)).double(), torch.rand(1, 2, 12))


def test_products_a_step_are_those_of_the_spec():
    _, macs = build(CNN, (3, 32, 32)).macs()
    assert sum(macs) == pytest.approx(25.75e6, rel=1e-3)


@pytest.mark.parametrize("text", MLP)
def test_initial_weights_are_shared_across_rows(text):
    reference, other = build(MLP[0], (1, 28, 28), seeds=(3,)), build(text, (1, 28, 28), seeds=(3,))
    first = next(m for m in [*reference.artificial, *reference.spiking])
    layers = [*other.artificial, *other.spiking]
    mine = getattr(layers[0], "synapse", layers[0])
    assert (first.synapse.weight == mine.weight).all()


@pytest.mark.parametrize("family", SMALL)
@pytest.mark.parametrize("coding", ["duplicate", "gaussian", "poisson"])
@pytest.mark.parametrize("train_filter", [False, True])
def test_every_parameter_receives_a_gradient(family, coding, train_filter):
    for text in SMALL[family]:
        if coding == "poisson" and text.startswith("A"):
            continue  # Poisson coding lets no gradient into artificial layers: they are frozen
        if coding == "gaussian" and text.startswith("S"):
            continue  # it reads artificial layers
        network = build(text, SHAPES[family], (0, 1), coding=coding, train_filter=train_filter)
        with torch.no_grad():
            for p in network.parameters():
                p.mul_(2)  # loud enough for spikes in every layer
        x = torch.rand(2, 16, *SHAPES[family], generator=torch.Generator().manual_seed(0))
        logits = run(network, x).outputs
        functional.cross_entropy(logits.flatten(0, 1), torch.arange(32) % 4).backward()
        silent = [
            name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()
        ]
        assert not silent, f"{text}: no gradient reaches {silent}"


@pytest.mark.parametrize("family", SMALL)
@pytest.mark.parametrize("coding", ["duplicate", "gaussian"])
def test_members_do_not_depend_on_their_neighbours(family, coding):
    for text in SMALL[family][coding == "gaussian" :]:
        x = torch.rand(3, 8, *SHAPES[family])
        together = build(text, SHAPES[family], (4, 5, 6), coding=coding)
        alone = build(text, SHAPES[family], (5,), coding=coding)
        torch.testing.assert_close(
            run(together, x).outputs[1:2], run(alone, x[1:2]).outputs, rtol=1e-5, atol=1e-5
        )
        run(together, x).outputs[0].sum().backward()
        assert all(not p.grad[1:].any() for p in together.parameters() if p.grad is not None)


def test_a_diverged_member_leaves_the_others_alone():
    network = build(SMALL["mlp"][1], (12,), (0, 1))
    x = torch.rand(2, 8, 12)
    clean = run(network, x).outputs[1]
    with torch.no_grad():
        network.artificial[0].weight[0] = float("nan")
    assert (run(network, x).outputs[1] == clean).all()


def test_multiplying_a_constant_input_once_changes_nothing():
    shortcut = build("S12-S9-S4", (12,), (0, 1), train_filter=False)
    written_out = build(
        "S12-S9-S4", (12,), (0, 1), train_filter=True
    )  # same kernel at the start, the long way
    x = torch.rand(2, 8, 12) * 3
    torch.testing.assert_close(run(shortcut, x).spikes, run(written_out, x).spikes)


def test_direct_input_skips_the_first_filter_only():
    network = build("S12-S9-S4", (12,), input_mode="direct")
    assert [layer.axon is None for layer in network.spiking] == [True, False, False]


def test_a_spiking_pool_filters_and_pools_without_a_neuron():
    network = build("S3C3-P2-S4", (2, 10, 10))
    spikes = torch.zeros(4, 1, 1, 3, 8, 8)
    spikes[0, ..., 0, 0] = 1
    pooled = network.spiking[1](spikes, ENGINE)
    kernel = ENGINE.scan(DualExponential.from_time_constants(), spikes[:, :, :, :1, :1, :1])[0]
    torch.testing.assert_close(pooled[:, 0, 0, 0, 0, 0], kernel.flatten())
    assert pooled.shape == (4, 1, 1, 3, 4, 4)


def test_gaussian_coding_doubles_the_last_artificial_layer():
    network = build("A3C3-A4C3-P2-S5-S4", (2, 10, 10), coding="gaussian")
    assert [m.weight.shape[1] for m in network.artificial if hasattr(m, "weight")] == [3, 8]
    assert network.spiking[0].synapse.in_shape == (4, 3, 3)


@pytest.mark.parametrize(("act", "low"), [("sigmoid", 0.5), ("relu", 0.0)])
def test_boundary_activation_follows_the_pool(act, low):
    network = build("A3C3-P2-S4", (2, 10, 10), options=(act,))
    values = network.encode(torch.rand(1, 4, 2, 10, 10))
    assert values.shape[2:] == (3, 4, 4)
    assert values.min() >= low


def test_a_frozen_network_gives_the_boundary_of_the_hybrid():
    ann = build("A12-A9-A4", (12,), (0,), coding=None)
    hybrid = build("A12-A9-S4", (12,), (0,), coding="duplicate")
    x = torch.rand(1, 5, 12)
    z = ann.graded(x, 2)
    torch.testing.assert_close(hybrid.encode(x), torch.sigmoid(z))


def test_too_small_an_image_is_one_clear_sentence():
    with pytest.raises(NotationError, match="larger images or fewer pools"):
        build(CNN, (3, 8, 8))
    with pytest.raises(NotationError, match="last layer must be dense"):
        build("S3C3", (3, 8, 8))
    with pytest.raises(NotationError, match="gaussian coding needs an artificial layer"):
        build("S12-S4", (12,), coding="gaussian")


def test_dense_population_is_a_stack_of_linear_layers():
    network = build("A12-A9-A4", (12,), (0, 1), coding=None)
    x = torch.rand(2, 5, 12)
    first, second, last = network.artificial
    for m in range(2):
        hidden = torch.relu(functional.linear(x[m], first.weight[m].T, first.bias[m, 0]))
        hidden = torch.relu(functional.linear(hidden, second.weight[m].T, second.bias[m, 0]))
        expected = functional.linear(hidden, last.weight[m].T, last.bias[m, 0])
        torch.testing.assert_close(network(x).outputs[m], expected)


def test_an_axon_is_shared_out_to_every_input_element():
    axon = Axon(DualExponential.from_time_constants(), (3, 4), (0, 1), trainable=True)
    assert axon.coefficients.shape == (2, 3, 1, 3, 4)
    assert isinstance(build("S12-S4", (12,)).spiking[0], SpikingLayer)
