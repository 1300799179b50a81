"""Lines of delays against closed forms, and what arms of one seed share."""

import math

import pytest
import torch
from torch.nn.functional import batch_norm

from hnnlib import engines
from hnnlib.errors import DataError
from hnnlib.networks.delays import (
    ALPHA,
    Arm,
    DelayDesign,
    DelayedDense,
    DelayLine,
    DelayNetwork,
    parameters,
)
from hnnlib.networks.normalised import NormalisedDense
from hnnlib.randomness import MemberNoise
from hnnlib.training.tasks import cross_entropy

CPU, EAGER = engines.get("cpu"), engines.get("eager")
KINDS = ("delay", "gain", "norm", "gain_norm", "gain_rms", "legendre")
STEPS = 12


def network(arms, seeds=None, units=6, engine=CPU, **design):
    seeds = (0,) * len(arms) if seeds is None else seeds
    design = DelayDesign(units, STEPS, **design)
    return DelayNetwork(10, 4, design, arms, seeds, engine)


def spikes(members=1, batch=5):
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(STEPS, members, batch, 10, generator=generator) < 0.3).float()


def line(kind, order, start=None):
    found = DelayLine([Arm(kind, order)], 3, [0], "line")
    if start is not None:
        found.taps.data[:] = start
    return found


def acting(kind, order, signal):
    """What a line adds to the drive."""
    return EAGER.delayed(signal, line(kind, order)())


def test_one_tap_is_a_gain():
    taps = torch.tensor([0.3, -0.2, 1.5])
    found = line("delay", 1, taps)
    z, alpha = torch.randn(STEPS, 1, 2, 3), 0.6
    drive = EAGER.delayed(z, found() + (1 - alpha) * found.first)
    torch.testing.assert_close(drive, (1 - alpha + taps) * z)


@pytest.mark.parametrize("pair", [("delay", "gain"), ("norm", "gain_norm")])
def test_the_control_is_the_line_once_a_constant_has_filled_it(pair):
    constant = torch.ones(STEPS, 1, 2, 3)
    left, right = (acting(kind, 5, constant) for kind in pair)
    torch.testing.assert_close(left[4:], right[4:])
    assert (left[:4] != right[:4]).all()


@pytest.mark.parametrize("kind", ["norm", "gain_norm"])
def test_a_normalised_line_adds_a_constant_once(kind):
    found = acting(kind, 5, torch.full((STEPS, 1, 2, 3), 0.7))
    torch.testing.assert_close(found[4:], torch.full_like(found[4:], 0.7))


def test_the_control_of_the_same_variance():
    """A drive that is white in time leaves the line and the control with one spread."""
    taps = torch.tensor([0.9, 0.1, 0.4, 0.6]).view(-1, 1).expand(-1, 3)
    white = torch.randn(20_000, 1, 1, 3, generator=torch.Generator().manual_seed(0))
    line_, control = (EAGER.delayed(white, line(k, 4, taps)()) for k in ("norm", "gain_rms"))
    torch.testing.assert_close(line_.std(0), control.std(0), rtol=0.03, atol=0)


def test_normalised_taps_have_a_sum_of_absolute_values_of_one():
    taps = line("norm", 4, torch.randn(4, 3))()
    torch.testing.assert_close(taps.abs().sum(1), torch.ones(1, 3))
    folded = line("gain_norm", 4, torch.tensor([1.0, -1.0, 1.0, 1.0]).view(-1, 1))()
    assert folded[0, 0].tolist() == [0.5] * 3
    assert not folded[0, 1:].any()


def test_taps_start_where_they_should():
    starts = {init: DelayLine([Arm("delay", 4, init)], 3, [0], "x").taps[0, :, 0] for init in INITS}
    assert starts["ones"].tolist() == [1.0] * 4
    assert starts["decay_exp"].tolist() == pytest.approx([math.exp(-i / 2) for i in range(4)])
    assert starts["decay_lin"].tolist() == [1.0, 0.75, 0.5, 0.25]
    assert 0 <= starts["rand"].min() < starts["rand"].max() < 1


INITS = ("rand", "ones", "decay_exp", "decay_lin")


def test_a_legendre_line_has_polynomials_of_few_degrees():
    taps = line("legendre", 20)()[0].double()
    degrees = torch.arange(20)[:, None] ** torch.arange(5)
    fitted = degrees.double() @ torch.linalg.lstsq(degrees.double(), taps).solution
    torch.testing.assert_close(fitted, taps, atol=1e-5, rtol=0)


def test_fixed_taps_get_no_gradient_and_are_kept():
    arms = [Arm("delay", 3), Arm("delay", 3, trained=False)]
    net = network(arms)
    cross_entropy(net(spikes(2)), torch.zeros(2, 5, dtype=torch.long)).sum().backward()
    gradient = net.hidden[0].line.taps.grad
    assert gradient[0].any() and not gradient[1].any()
    assert "hidden.0.line.taps" in net.state_dict()


def test_outputs_sum_to_the_steps():
    outputs = network([Arm("norm", 3)])(spikes()).outputs
    torch.testing.assert_close(outputs.sum(2), torch.full((1, 5), float(STEPS)))


@pytest.mark.parametrize("neuron", ["lif", "adlif"])
def test_engines_agree(neuron):
    arms = [Arm(kind, 3) for kind in KINDS]
    labels, found = torch.arange(5) % 4, []
    for engine in (CPU, EAGER):
        net = network(arms, engine=engine, neuron=neuron).double()
        activity = net(spikes(len(arms)).double())
        cross_entropy(activity, labels.expand(len(arms), -1)).sum().backward()
        found.append((activity, [p.grad for p in net.parameters()]))
    (mine, gradients), (theirs, wanted) = found
    torch.testing.assert_close(mine.outputs, theirs.outputs, rtol=0, atol=1e-9)
    assert sum(s.sum() for s in mine.spikes) > 0
    for one, other in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


def test_constants_stay_within_their_range_without_gradient_beyond():
    net = network([Arm()])
    decay = net.hidden[0].constants["decay"]
    decay.data[..., 0] = 2.0
    cross_entropy(net(spikes()), torch.zeros(1, 5, dtype=torch.long)).sum().backward()
    assert decay.grad[..., 0] == 0
    assert decay.grad[..., 1:].any()
    assert (decay[..., 1:] >= ALPHA[0]).all() and (decay[..., 1:] <= ALPHA[1]).all()


def test_arms_of_one_seed_share_all_but_their_line():
    whole = [network([arm]) for arm in (Arm(), Arm("delay", 3), Arm("norm", 3))]
    states = [net.state_dict() for net in whole]
    for name in states[0]:
        assert all(torch.equal(states[0][name], state[name]) for state in states[1:]), name
    assert torch.equal(states[1]["hidden.1.line.taps"], states[2]["hidden.1.line.taps"])


def test_in_the_public_code_a_line_changes_what_is_drawn_after_it():
    plain, one, other = (
        network([arm]).state_dict()
        for arm in (Arm(), Arm("delay", 3, draw="global"), Arm("delay", 4, draw="global"))
    )
    first, second = "hidden.0.synapse.dense.weight", "hidden.1.synapse.dense.weight"
    assert torch.equal(one[first], plain[first]) and torch.equal(one[first], other[first])
    assert not torch.equal(one[second], plain[second])
    assert not torch.equal(one[second], other[second])


def test_a_member_does_not_depend_on_the_others():
    arms = [Arm("delay", 3), Arm("gain_norm", 3), Arm("norm", 3)]
    together = network(arms)(spikes(3).expand(-1, 3, -1, -1)).outputs
    for place, arm in enumerate(arms):
        alone = network([arm])(spikes(3)[:, place : place + 1]).outputs
        torch.testing.assert_close(together[place], alone[0])


@pytest.mark.parametrize(
    ("arm", "taps"),
    [
        (Arm(), 0),
        (Arm("delay", 25), 25),
        (Arm("gain", 25), 25),
        (Arm("legendre", 25), 6),
        (Arm("delay", 25, trained=False), 0),
    ],
)
def test_parameters(arm, taps):
    h = 8
    design = DelayDesign(h, STEPS)
    net = DelayNetwork(140, 20, design, [arm], [0], CPU)
    normalised, decays = 2 * (2 * h + 20), 2 * h + 20
    expected = 140 * h + h**2 + 20 * h + normalised + decays + taps * 2 * h
    assert net.parameter_count() == expected
    if arm.trained:
        assert parameters(140, 20, h, arm) == expected


def test_delays_of_synapses_narrow_to_one_step():
    layer = DelayedDense((3,), 2, [0], "x", 0.1, lags=7, settle=4)
    layer.delay.data = torch.tensor([[0.0, 2.0], [3.0, 6.0], [5.0, 1.0]])[None]
    wide = layer.kernels().detach()
    torch.testing.assert_close(wide.sum(3), layer.dense.weight.detach().transpose(1, 2))
    x = torch.zeros(9, 1, 1, 3)
    layer(x, EAGER)
    assert layer.passes.item() == 1
    layer.passes[:] = 4
    layer.eval()
    kernel = layer.kernels().detach()[0] / layer.dense.weight.detach()[0].T[..., None]
    assert kernel.argmax(2).tolist() == [[0, 3, 5], [2, 6, 1]]
    assert (kernel.amax(2) > 0.78).all() and (wide.amax(3) < kernel.amax(2)).all()


def test_a_spike_arrives_after_the_delay_of_its_synapse():
    layer = DelayedDense((1,), 1, [0], "x", 0.1, lags=5, settle=1)
    layer.passes[:], layer.delay.data[:] = 1, 3.0
    layer.eval()
    x = torch.zeros(9, 1, 1, 1)
    x[2] = 1
    assert layer(x, EAGER).flatten().abs().argmax() == 5


def test_normalisation_runs_over_time_and_batch():
    layer = NormalisedDense((10,), 6, [0, 1], "x", 0.05)
    drive = layer(spikes(2), CPU).detach()
    torch.testing.assert_close(drive.mean((0, 2)), torch.zeros(2, 6), atol=1e-5, rtol=0)
    torch.testing.assert_close(drive.var((0, 2), correction=0), torch.ones(2, 6), atol=1e-3, rtol=0)
    plain = CPU.product(layer.dense, spikes(2)).detach()
    torch.testing.assert_close(layer.running_mean, 0.05 * plain.mean((0, 2)))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 1, 3, 0)])  # in order of steps, and of rows
def test_normalisation_is_pytorchs_of_each_member(training, batch, order):
    layer = NormalisedDense((10,), 6, [0, 1], "x", 0.05).train(training)
    layer.gain.data[:], layer.running_mean[:] = torch.rand(2, 6), torch.rand(2, 6)
    drawn = torch.randn([(STEPS, 2, batch, 6)[axis] for axis in order])
    drive = drawn.permute([order.index(axis) for axis in range(4)]).requires_grad_()
    own = [drive, layer.gain, layer.offset]
    rows = drive.permute(1, 2, 0, 3).flatten(1, 2).contiguous()
    statistics = layer.running_mean.clone(), layer.running_variance.clone()
    wanted = torch.stack(
        [
            batch_norm(x, mean, variance, gain, offset, training, 0.05)
            for x, mean, variance, gain, offset in zip(
                rows, *statistics, layer.gain, layer.offset, strict=True
            )
        ]
    )
    found = layer.of_product(drive).permute(1, 2, 0, 3).flatten(1, 2)
    assert torch.equal(found, wanted)
    assert torch.equal(layer.running_mean, statistics[0])
    assert torch.equal(layer.running_variance, statistics[1])
    weights = torch.randn(found.shape)
    pairs = [torch.autograd.grad(y, own, weights) for y in (found, wanted)]
    assert all(map(torch.equal, *pairs))


def test_one_number_a_unit_cannot_be_normalised_while_training():
    layer, drive = NormalisedDense((10,), 6, [0], "x"), torch.randn(1, 1, 1, 6)
    with pytest.raises(DataError, match="no variance"):
        layer.of_product(drive)
    assert layer.eval().of_product(drive).isfinite().all()


def test_dropout_is_a_members_own_and_leaves_evaluation_alone():
    arms = [Arm(), Arm()]
    net = network(arms, (0, 1), dropout=0.5)
    x = spikes().expand(-1, 2, -1, -1)
    first, second = (net(x, MemberNoise((0, 1), "a")).outputs for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, net(x, MemberNoise((0, 1), "b")).outputs)
    net.eval()
    assert torch.equal(net(x).outputs, net(x, MemberNoise((0, 1), "a")).outputs)


@pytest.mark.parametrize(
    ("kind", "trains"), [("norm", True), ("gain_norm", False), ("gain_rms", True)]
)
def test_positive_normalised_taps_at_lag_0_have_nothing_to_train(kind, trains):
    line = DelayLine([Arm(kind, 5)], 3, [0], "taps")
    (line() * torch.arange(1.0, 6.0).view(-1, 1)).sum().backward()
    assert (line.taps.grad.abs().max() > 1e-5) == trains
