"""Directly connected hybrids: masks make every model out of one layer, and keep it what it is."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.networks.base import Activity
from hnnlib.networks.direct import MODELS, Design, DirectNetwork, connections, matched_units
from hnnlib.training.objectives import BoundedSpikeCounts
from hnnlib.training.optimiser import PopulationAdam
from hnnlib.training.tasks import cross_entropy

INPUTS, CLASSES, UNITS, STEPS = 24, 4, 14, 20


def network(seeds=(0,), engine="eager", **design):
    design = Design(**({"units": UNITS, "steps": STEPS} | design))
    built = DirectNetwork(INPUTS, CLASSES, design, seeds, engines.get(engine))
    with torch.no_grad():  # loud enough that spikes go around from the start
        built.hidden.weight.mul_(4)
    return built


def signal(members=1, batch=6, density=0.2):
    generator = torch.Generator().manual_seed(5)
    x = (torch.rand(STEPS, 1, batch, INPUTS, generator=generator) < density).float()
    return x.expand(-1, members, -1, -1)


def labels(members=1, batch=6):
    return (torch.arange(batch) % CLASSES).expand(members, -1)


def gradients(net, x):
    cross_entropy(net(x), labels(len(net.seeds))).sum().backward()
    return [p.grad for p in net.parameters()]


@pytest.mark.parametrize("engine", ["eager", "cpu"])
@pytest.mark.parametrize(("ratio", "pure"), [(1.0, "snn"), (0.0, "nsn")])
def test_a_hybrid_of_one_kind_is_the_pure_network_bit_for_bit(engine, ratio, pure):
    hybrid = network(model="hybrid", ratio=ratio, engine=engine)
    plain = network(model=pure, engine=engine)
    x = signal()
    assert torch.equal(hybrid(x).outputs, plain(x).outputs)
    assert torch.equal(hybrid(x).spikes[0], plain(x).spikes[0])
    for ours, theirs in zip(gradients(hybrid, x), gradients(plain, x), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("model", ["n2n_block", "n2n_rnn", "hstnn_1layer"])
def test_networks_side_by_side_have_no_cross_weights_and_never_grow_them(model):
    net = network((0, 1), model=model)
    cross = ~net.connected
    assert cross.any() and (net.recurrent[cross] == 0).all()
    optimiser = PopulationAdam(net.parameters())
    for _ in range(5):
        cross_entropy(net(signal(2)), labels(2)).sum().backward()
        assert (net.recurrent.grad[cross] == 0).all()
        optimiser.step(torch.tensor([0.1, 0.1]))
    assert (net.recurrent[cross] == 0).all()
    assert (net.recurrent[net.connected] != 0).any()


@settings(max_examples=20)
@given(st.sampled_from(MODELS), st.integers(2, 30), st.floats(0, 1))
def test_connections_join_whom_the_model_joins(model, units, ratio):
    spiking = int(ratio * units)
    exist = connections(model, units, spiking)
    cross = exist[:spiking, spiking:].any() or exist[spiking:, :spiking].any()
    within = exist[spiking:, spiking:].all()
    assert within  # units of the other kind always hear each other
    if model in ("n2n_block", "n2n_rnn", "hstnn_1layer"):
        assert not cross
    else:
        assert exist.all()
    if model == "hstnn_1layer":
        assert not exist[:spiking].any()


def test_side_by_side_networks_are_two_networks():
    """The spiking half of a block network is what it is, whatever the graded half does."""
    net = network(model="n2n_block")
    x = signal()
    before = net(x).spikes[0]
    with torch.no_grad():
        net.recurrent[:, UNITS // 2 :] *= -3
        net.hidden.weight[:, :, UNITS // 2 :] *= -3
    assert before.sum() > 0 and torch.equal(net(x).spikes[0], before)


def test_models_of_one_seed_share_their_draws():
    nets = [network(model=m) for m in MODELS]
    for net in nets[1:]:
        assert torch.equal(net.hidden.weight, nets[0].hidden.weight)
        assert torch.equal(net.readout.weight, nets[0].readout.weight)
        shared = net.connected
        assert torch.equal(net.recurrent[shared], nets[0].recurrent[shared])


def test_a_population_of_ratios_is_its_members():
    ratios = (0.0, 0.25, 0.5, 1.0)
    together = network((3,) * 4, model="hybrid", ratio=ratios)(signal(4))
    for member, ratio in enumerate(ratios):
        alone = network((3,), model="hybrid", ratio=ratio)(signal())
        torch.testing.assert_close(together.outputs[member], alone.outputs[0])
        assert torch.equal(together.spikes[0][member], alone.spikes[0][0])


def test_a_ratio_must_be_a_share_and_fit_the_members():
    with pytest.raises(ValueError, match="between 0 and 1"):
        network(model="hybrid", ratio=1.5)
    with pytest.raises(ValueError, match="2 ratios don't fit 1 members"):
        network(model="hybrid", ratio=(0.5, 0.5))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("engine", ["eager", "cpu"])
def test_every_parameter_gets_a_gradient(model, engine):
    for name, p in zip(
        ("recurrent", "hidden", "readout"),
        gradients(network(model=model, engine=engine), signal()),
        strict=True,
    ):
        assert p.abs().sum() > 0, name


@pytest.mark.parametrize("reset_gradient", ["stopped", "through"])
@pytest.mark.parametrize("model", MODELS)
def test_the_engines_agree(model, reset_gradient):
    x = signal(2)
    design = {"model": model, "reset_gradient": reset_gradient}
    ours, reference = (network((0, 1), engine=e, **design) for e in ("cpu", "eager"))
    a, b = ours(x), reference(x)
    torch.testing.assert_close(a.outputs, b.outputs, rtol=1e-4, atol=1e-5)
    assert torch.equal(a.spikes[0], b.spikes[0])
    for p, q in zip(gradients(ours, x), gradients(reference, x), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-5 * q.abs().max().item())


def test_the_readout_is_the_leaky_filter_of_the_paper():
    """y by the recursion, one step after another, and its maximum without the first step."""
    net = network(model="nsn")
    x = signal()
    outputs = net.engine.layer(net.neuron, net.hidden, x, net.recurrent)
    a = torch.tensor(-net.design.dt / net.design.tau_syn).exp()
    out = torch.tensor(-net.design.dt / net.design.tau_out).exp()
    f, y, seen = 0, 0, []
    for o in outputs:
        f = a * f + o @ net.readout.weight
        y = out * y + (1 - out) * f
        seen.append(y)
    assert (torch.stack(seen)[0] == 0).all()
    torch.testing.assert_close(net(x).outputs, torch.stack(seen[1:]).amax(0))


def test_matched_networks_have_as_many_weights():
    units, weights = matched_units("n2n_block", 256, 700, 20)
    assert units == 289 and 249_600 < weights <= 256 * (700 + 256 + 20)
    assert matched_units("hybrid", 50, 10, 3) == (50, 50 * 63)


def test_spike_count_bounds_wake_the_silent_and_quieten_the_loud():
    spiking = torch.tensor([[[True, True, False]]])
    bounds = BoundedSpikeCounts(spiking, lower=2.0, least=1.0, upper=0.5, most=3.0)

    def penalty(*counts):
        activity = Activity(torch.zeros(1, 1, 2), [], None, torch.tensor([[counts]]))
        target = torch.zeros(1, 1, dtype=torch.long)
        return (bounds(activity, target) - cross_entropy(activity, target)).item()

    assert penalty(1.0, 3.0, 0.0) == pytest.approx(0)  # the third unit doesn't spike: left out
    assert penalty(0.0, 3.0, 9.0) == pytest.approx(2 * 0.5)
    assert penalty(6.0, 4.0, 0.0) == pytest.approx(0.5 * 2)
