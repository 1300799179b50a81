"""Gated cells: closed forms, and what the published cells have in common."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from hnnlib.networks.gated import Design, GatedNetwork, matched_units
from hnnlib.surrogates.lorentzian import Lorentzian

RASTER = Design(4, 3, (1, 4, 4), 6)
SPIK = {"form": "dense", "memory": "alpha", "update": "input"}


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def network(design: Design, seeds=(0, 1)) -> GatedNetwork:
    return GatedNetwork(design, seeds)


def events(design: Design, members: int = 2, batch: int = 3, rate: float = 0.4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    shape = (design.steps, members, batch, math.prod(design.in_shape))
    return (torch.rand(shape, generator=generator) < rate).double()


def constant(net: GatedNetwork, **biases: float) -> GatedNetwork:
    """All weights of the cell 0, and biases by gate."""
    with torch.no_grad():
        for weight in (net.input, net.recurrent, getattr(net, "inner", net.input)):
            weight.zero_()
        for bias, gate in zip(
            net.bias.split(net.design.hidden, 2), net.design.of_output, strict=True
        ):
            bias.fill_(biases.get(gate, 0.0))
    return net


SHUT, OPEN = -1e4, 1e4


# 1. one pixel
def test_a_convolution_over_one_pixel_is_the_dense_cell():
    image = replace(RASTER, in_shape=(5, 1, 1))
    wide, narrow = network(image), network(replace(image, form="dense"))
    with torch.no_grad():
        for name in ("input", "recurrent", "inner"):
            getattr(narrow, name).copy_(getattr(wide, name)[..., 1:2, 1:2])
        narrow.bias.copy_(wide.bias)
        narrow.readout.copy_(wide.readout)
        narrow.offset.copy_(wide.offset)
    x = events(image)
    torch.testing.assert_close(wide(x).outputs, narrow(x).outputs)


def test_with_a_constant_memory_and_z_reading_the_input_it_is_spikgru():
    """Written out as in the paper of SpikGRU."""
    design = replace(RASTER, **SPIK)
    net = network(design, (0,))
    w_i, w_z = net.input[0, ..., 0, 0].split(4)
    u_i, u_z = net.recurrent[0, ..., 0, 0].split(4)
    b_i, b_z = net.bias[0, 0, :, 0, 0].split(4)
    x = events(design, 1)
    i = v = s = torch.zeros(3, 4)
    for step, found in zip(x[:, 0], net.run(net._drive(net._events(x, None))), strict=True):
        i = 0.9 * i + step @ w_i.T + s @ u_i.T + b_i
        z = torch.sigmoid(step @ w_z.T + s @ u_z.T + b_z)
        v = z * v + (1 - z) * i - s
        s = (v >= 1).double()
        torch.testing.assert_close(found.potential[0, :, :, 0, 0], v)
        torch.testing.assert_close(found.output[0, :, :, 0, 0], s)


def test_two_gates_multiply_what_comes_back():
    """With r shut nothing returns; with r open it is the form of one gate."""
    one = network(replace(RASTER, **SPIK))
    two = network(replace(RASTER, **SPIK, reset=True))
    x = events(RASTER)
    with torch.no_grad():
        two.input[:, 4:], two.recurrent[:, 4:] = one.input, one.recurrent
        two.bias[:, :, 4:] = one.bias
        two.input[:, :4], two.recurrent[:, :4] = 0, 0
        two.bias[:, :, :4] = OPEN
        torch.testing.assert_close(two.states(x).potential, one.states(x).potential)
        two.bias[:, :, :4] = SHUT
        one.recurrent[:, :4] = 0
        torch.testing.assert_close(two.states(x).potential, one.states(x).potential)


def test_cuba_lif_has_a_constant_for_z():
    found = network(replace(RASTER, **SPIK | {"update": "constant"})).states(events(RASTER))
    assert torch.equal(found.update, torch.full_like(found.update, 0.9))


def test_the_dense_graded_cell_is_pytorchs_gru():
    design = replace(RASTER, **SPIK | {"memory": "gate"}, share=0.0)
    net, gru = network(design, (0,)), torch.nn.GRU(16, 4)
    order = [0, 2, 1]  # PyTorch has r, z, n

    def rows(weight: torch.Tensor) -> torch.Tensor:
        parts = weight.split(4)
        return torch.cat([parts[k] for k in order])

    with torch.no_grad():
        gru.weight_ih_l0.copy_(rows(net.input[0, ..., 0, 0]))
        gru.weight_hh_l0.copy_(rows(net.recurrent[0, ..., 0, 0]))
        gru.bias_ih_l0.copy_(rows(net.bias[0, 0, :, 0, 0]))
        gru.bias_hh_l0.zero_()
    x = events(design, 1)
    torch.testing.assert_close(net.states(x).output[:, 0, :, :, 0, 0], gru(x[:, 0])[0])


# 2. gates at their ends
def test_gates_at_their_ends():
    x = events(RASTER)
    held = constant(network(RASTER), i=3.0, z=OPEN).states(x)
    assert not held.potential.any()  # no input reaches v
    passed = constant(network(RASTER), r=SHUT, i=1.5, z=SHUT).states(x)
    sent = torch.cat([torch.zeros_like(passed.output[:1]), passed.output[:-1]])
    torch.testing.assert_close(passed.potential, passed.current - sent)
    assert (passed.current == 1.5).all()  # no memory
    kept = constant(network(RASTER), r=OPEN, i=0.5).states(x).current
    torch.testing.assert_close(kept[:, 0, 0, 0, 0, 0], 0.5 * torch.arange(1.0, 7))


# 3. constant drive
@pytest.mark.parametrize(
    ("drive", "expected"), [(0.9, [0] * 6), (1.0, [1, 0] * 3), (1.7, [1, 0] * 3), (2.0, [1] * 6)]
)
def test_a_constant_drive_fires_every_other_step_below_twice_the_threshold(drive, expected):
    sent = constant(network(RASTER), r=SHUT, i=drive, z=SHUT).states(events(RASTER)).output
    assert sent[:, 0, 0, 0, 0, 0].tolist() == expected


# 4. the graded twin
def test_graded_outputs_are_bounded():
    net = network(replace(RASTER, share=0.0, steps=40))
    with torch.no_grad():
        net.input.mul_(50)
    assert net.states(events(net.design)).output.abs().amax() <= 1


# 5. surrogate
def test_the_surrogate_is_a_lorentzian():
    at = torch.tensor([0.0, 1 / math.sqrt(10), -1 / math.sqrt(10)])
    found = Lorentzian().derivative(at)
    torch.testing.assert_close(found, torch.tensor([1.0, 0.5, 0.5]))


# 6. translation
def test_a_shift_of_the_input_shifts_what_is_inside_unless_channels_are_shuffled():
    design = replace(RASTER, in_shape=(1, 8, 8), steps=3)
    x = events(design).unflatten(3, (8, 8))
    x[..., 0], x[..., -2:] = 0, 0
    moved = x.roll(1, -1)
    net = network(design)
    inside = slice(4, -3)  # each step carries what the rim does one pixel further, and so does W_z
    with torch.no_grad():
        for weight in (net.input, net.recurrent, net.inner):
            weight.mul_(3)
        net.bias.fill_(0.2)
    first, second = net.states(x.flatten(3)).potential, net.states(moved.flatten(3)).potential
    near = first[:2, ..., inside], second[:2, ..., 5:-2]
    torch.testing.assert_close(*near)
    order = torch.stack(
        [torch.randperm(64, generator=torch.Generator().manual_seed(k)) for k in (1, 2)]
    )
    net.order = order
    first, second = net.states(x.flatten(3)).potential, net.states(moved.flatten(3)).potential
    assert not torch.allclose(first[:2, ..., inside], second[:2, ..., 5:-2])


def test_shuffled_inputs_are_the_same_to_a_dense_cell_with_its_weights_moved_along():
    design = replace(RASTER, **SPIK)
    order = torch.stack([torch.randperm(16) for _ in range(2)])
    plain, shuffled = network(design), GatedNetwork(design, (0, 1), order)
    with torch.no_grad():
        shuffled.input.copy_(plain.input.take_along_dim(order[:, None, :, None, None], 2))
    x = events(design)
    torch.testing.assert_close(plain(x).outputs, shuffled(x).outputs)


# 7. counts
def test_parameters_are_the_papers():
    design = Design(128, 11, (1, 8, 8), 250, readout="mean")
    assert design.parameters() == 592_512 + 1430
    assert design.neurons == 8192


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"readout": "mean"},
        {"form": "line"},
        SPIK,
        SPIK | {"reset": True},
        SPIK | {"update": "constant"},
        {"memory": "alpha"},
        {"over_time": "mean", "update": "input"},
        {"in_shape": (3, 4, 4), "share": 0.5},
    ],
)
def test_parameters_are_those_of_the_network(changes):
    design = replace(RASTER, **changes)
    assert network(design).parameter_count() == design.parameters()


@pytest.mark.parametrize("by", ["parameters", "neurons", "channels", "products"])
def test_matched_cells_come_nearest_from_below(by):
    wanted, like = replace(RASTER, hidden=8), replace(RASTER, **SPIK)
    units = matched_units(wanted, like, by)

    def of(design: Design) -> int:
        found = {"channels": design.hidden, "neurons": design.neurons}
        return found[by] if by in found else getattr(design, by)()

    assert of(replace(like, hidden=units)) <= of(wanted) < of(replace(like, hidden=units + 1))


def test_operations_are_spikes_times_their_fan_out():
    x, net = events(RASTER), network(RASTER)
    found = net(x)
    assert found.spikes[0].sum() > 0
    taps = 9 * 4  # of one gate
    expected = found.spikes[0] * (3 * taps + 3) + x.sum((0, 3)) * 2 * taps
    torch.testing.assert_close(net.synaptic_operations(found), expected)
    assert net.graded_products() == 6 * 64 * (taps + 3)  # W_z * i, and three gates


def test_a_first_convolution_halves_time_and_place():
    read = replace(RASTER, in_shape=(2, 5, 4), steps=7)
    design = read.behind_front()
    assert (design.in_shape, design.steps, design.front) == ((2, 3, 2), 4, (2, 5, 4))
    net = network(design)
    assert net.parameter_count() == design.parameters()
    with torch.no_grad():  # its middle tap alone: every other event of every other place and step
        net.front.zero_()[:, [0, 1], [0, 1], 1, 1, 1] = 2.0
        net.front_bias.fill_(0.25)
    x = events(read)
    placed = x.unflatten(3, read.in_shape)
    behind = net._behind_front(placed)
    torch.testing.assert_close(behind, 2 * placed[::2, :, :, :, ::2, ::2] + 0.25)
    found = net(x)
    assert found.outputs.shape == (2, 3, 3)
    fan_out = x.sum((0, 3)) * 2 * 27 / 8  # each event reaches 27/8 places of 2 channels on average
    cell = found.spikes[0] * design.fan_out()
    torch.testing.assert_close(net.synaptic_operations(found), cell + fan_out)
    numbers = 2 * 6 * 2 * 9 * 4  # of what it gives, graded, times taps of two gates
    assert design.graded_products() == replace(design, front=None).graded_products() + numbers


# 8. mixed
def test_mixed_is_spiking_at_one_end_and_graded_at_the_other():
    x = events(RASTER)
    half = network(replace(RASTER, share=0.5)).states(x).output
    assert set(half[:, :, :, :2].unique().tolist()) <= {0.0, 1.0}
    assert len(half[:, :, :, 2:].unique()) > 100
    for share, alone in ((1.0, 0.75), (0.0, 0.25)):
        net, other = network(replace(RASTER, share=share)), network(replace(RASTER, share=alone))
        other.design, other.spiking = replace(other.design, share=alone), net.spiking
        for one, two in zip(net.states(x), other.states(x), strict=True):
            torch.testing.assert_close(one, two)


# 9. readout
def test_the_readout_goes_to_its_fixed_point():
    design = replace(RASTER, steps=400, readout="mean")
    net = network(design)
    p = torch.tensor([0.2, 0.0, 0.7, 0.4])
    outputs = p.view(4, 1, 1).expand(400, 2, 3, 4, 4, 4)
    with torch.no_grad():
        net.offset.copy_(net.offset.abs())  # rises, so that the largest is the last
        expected = ((p @ net.readout)[:, None] + net.offset) / (1 - 0.9)
    torch.testing.assert_close(net._answer(outputs), expected.expand(2, 3, 3))
    assert torch.equal(net.readout[0], 0.5 * torch.eye(4, 3))


def test_the_plain_readout_is_a_mean_over_time():
    net = network(replace(RASTER, over_time="mean"))
    outputs = net.states(events(RASTER)).output
    expected = torch.bmm(outputs.mean(0).flatten(2), net.readout) + net.offset
    torch.testing.assert_close(net._answer(outputs), expected)


def test_a_member_does_not_depend_on_the_others():
    x = events(RASTER, 1)
    both, alone = network(RASTER)(x.expand(-1, 2, -1, -1)), network(RASTER, (1,))(x)
    assert torch.equal(both.outputs[1], alone.outputs[0])


@pytest.mark.parametrize("form", ["dense", "line", "image", "front"])
def test_every_weight_is_trained(form):
    changes = {"form": form} if form != "front" else {}
    design = replace(RASTER, share=0.5, **changes)
    net = network(design.behind_front() if form == "front" else design)
    net(events(RASTER)).outputs.square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())


def test_images_are_probabilities_of_spikes():
    from hnnlib.randomness import MemberNoise

    design = replace(RASTER, steps=2000)
    x = torch.rand(2, 3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = network(design)._events(x, MemberNoise((0, 1), "coding")).mean(0)
    torch.testing.assert_close(found, x, atol=0.06, rtol=0)
