"""The Fourier neural operator and its embeddings: closed forms, invariants, the library's."""

from __future__ import annotations

import math

import pytest
import torch

from hnnlib.networks.embedding import Embedding, waves
from hnnlib.networks.operator import FourierOperator, OperatorDesign, TraceOperator, spectrum

DESIGN = OperatorDesign(layers=2, width=4, modes=5)


def band_limited(steps: int) -> torch.Tensor:
    """Channels (member, time, batch, channel) whose waves are all among the modes kept."""
    t = torch.arange(steps) / steps
    waves = [torch.sin(2 * math.pi * k * t + k) for k in (1, 2)]
    return torch.stack(waves, -1)[None, :, None].expand(2, -1, 3, -1)


def test_spectrum_is_the_truncated_real_transform():
    x = torch.randn(40, generator=torch.Generator().manual_seed(0))
    forward, inverse = spectrum(40, 6)
    found = torch.view_as_complex((forward @ x).view(6, 2))
    assert torch.allclose(found, torch.fft.rfft(x, norm="forward")[:6], atol=1e-6)
    kept = torch.fft.rfft(x)
    kept[6:] = 0
    assert torch.allclose(inverse @ forward @ x, torch.fft.irfft(kept, n=40), atol=1e-5)


def test_without_modes_and_with_identities_it_is_a_pointwise_network():
    net = FourierOperator(2, OperatorDesign(1, 4, 5), [0, 1])
    with torch.no_grad():
        net.modes0.zero_()
        net.skip0_weight.copy_(torch.eye(4).expand(2, 4, 4))
        net.skip0_bias.zero_()
    x = band_limited(30)
    place = torch.arange(30) / 30
    y = torch.cat([x, place[:, None, None].expand(2, 30, 3, 1)], -1)
    gelu = torch.nn.functional.gelu

    def pointwise(name, v):
        weight, bias = getattr(net, f"{name}_weight"), getattr(net, f"{name}_bias")
        return torch.einsum("mtbi,mio->mtbo", v, weight) + bias[:, :, None]

    v = pointwise("lift_out", gelu(pointwise("lift", y)))
    expected = pointwise("project_out", gelu(pointwise("project", v)))[..., 0]
    assert torch.allclose(net(x), expected, atol=1e-5)


def test_what_modes_do_does_not_depend_on_the_resolution():
    net = FourierOperator(2, OperatorDesign(1, 2, 5), [0, 1])

    def mixed(steps):
        return net._spectral(0, band_limited(steps), *spectrum(steps, 5))

    assert torch.allclose(mixed(60), mixed(240)[:, ::4], atol=1e-4)


def test_parameters_are_counted():
    net = TraceOperator(Embedding(5.0, 0.5, 2), DESIGN, 20, [0, 1])
    channels, w, modes, layers = 23, 4, 5, 2
    assert net.embedding.channels == channels
    pointwise = (channels + 1) * 2 * w + 2 * w + 2 * w * w + w  # P
    pointwise += layers * (w * w + w) + w * 4 * w + 4 * w + 4 * w + 1  # W and b, Q
    assert net.parameter_count() == 2 * layers * w * w * modes + pointwise


def test_the_papers_size():
    net = FourierOperator(23, OperatorDesign(12, 24, 129), [0])
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(1.8e6, rel=0.01)


def test_a_member_is_the_same_in_any_population():
    alone, both = (FourierOperator(2, DESIGN, seeds) for seeds in ([1], [0, 1]))
    x = band_limited(30)
    assert torch.allclose(alone(x[:1]), both(x)[1:], atol=1e-6)
    both(x)[0].sum().backward()
    assert all((p.grad[1] == 0).all() and (p.grad[0] != 0).any() for p in both.parameters())


def test_it_is_the_operator_of_the_library():
    """Of one layer: between layers the library applies gelu twice where it has no channel MLP."""
    models = pytest.importorskip("neuralop.models")
    ours = FourierOperator(3, OperatorDesign(1, 4, 5), [0])
    theirs = models.FNO(
        n_modes=(8,),
        in_channels=3,
        out_channels=1,
        hidden_channels=4,
        n_layers=1,
        lifting_channel_ratio=2,
        projection_channel_ratio=4,
        use_channel_mlp=False,
    )
    with torch.no_grad():
        for name, mlp in (("lift", theirs.lifting), ("project", theirs.projection)):
            for layer, own in zip(mlp.fcs, (name, f"{name}_out"), strict=True):
                layer.weight.copy_(getattr(ours, f"{own}_weight")[0].T[..., None])
                layer.bias.copy_(getattr(ours, f"{own}_bias")[0, 0])
        (skip,), (conv,) = theirs.fno_blocks.fno_skips, theirs.fno_blocks.convs
        skip.conv.weight.copy_(ours.skip0_weight[0].T[..., None])
        modes = ours.modes0[0].permute(1, 3, 0, 2).contiguous()
        conv.weight.tensor.copy_(torch.view_as_complex(modes))
        conv.bias.copy_(ours.skip0_bias[0, 0][:, None])
    x = torch.randn(2, 3, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(ours(x.permute(2, 0, 1)[None])[0].T, theirs(x)[:, 0], atol=1e-5)


# --- embeddings ---------------------------------------------------------------------------------


def test_waves_of_nothing_are_constant():
    sin, cos = waves(torch.zeros(()), 4, 10)
    assert (sin == 0).all() and (cos == 1).all()


def test_twice_the_number_is_the_next_octave():
    p = torch.tensor([0.3, 0.7])
    assert torch.allclose(waves(2 * p, 4, 50)[:, :, :-1], waves(p, 4, 50)[:, :, 1:], atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "channels"),
    [
        ({}, 23),
        ({"kind": "amplitude_scaled"}, 23),
        ({"kind": "constant"}, 4),
        ({"cell": False}, 19),
        ({"amplitude": False}, 5),
        ({"amplitude": False, "cell": False}, 1),
    ],
)
def test_channels_of_each_embedding(changes, channels):
    embedding = Embedding(5.0, 0.5, 2, **changes)
    x = torch.tensor([[[2.0, 1.5, 0.6, 3.0]]])
    found = embedding(x, 20)
    assert found.shape == (1, 20, 1, channels) and embedding.channels == channels
    assert found[0, :, 0, 0].tolist() == [0.0] * 4 + [1.5] * 10 + [0.0] * 6


def test_a_constant_is_constant_and_scaled_waves_are_scaled():
    x = torch.tensor([[[0.0, 1.5, 0.6], [0.0, 3.0, 0.6]]])
    constant = Embedding(1.0, 0.5, 1, kind="constant")(x, 10)[..., 1]
    assert (constant[0, :, 0] == 1.5).all()
    scaled = Embedding(1.0, 0.5, 1, kind="amplitude_scaled", cell=False)(x, 10)[..., 1:]
    assert torch.allclose(2 * scaled[:, :, 0], scaled[:, :, 1])
