"""Bit planes: bits that lose nothing, derivatives with closed forms, values within their range."""

import math
from dataclasses import replace

import pytest
import torch

from hnnlib.codings.bit_planes import BitPlanes
from hnnlib.surrogates.bits import DERIVATIVES, slopes

BYTES = torch.arange(256, dtype=torch.float64)
PLACES = torch.arange(8, dtype=torch.float64)
FINE = (torch.arange(256 * 32, dtype=torch.float64) + 0.5) / 32  # whole periods of all planes


def encode(coding, x):
    return coding.encode(x[None, None])


def gradient(coding, x, upstream):
    """Of sum(upstream * planes) by x (member, batch, *units)."""
    x = x.clone().requires_grad_()
    (coding.encode(x) * upstream).sum().backward()
    return x.grad


def test_planes_are_the_bits_of_all_bytes_and_decoding_gives_them_back():
    coding = BitPlanes()
    planes = encode(coding, BYTES / 255)
    assert planes.shape == (8, 1, 1, 256)
    bits = [[(value >> k) & 1 for value in range(256)] for k in range(8)]
    assert planes[:, 0, 0].tolist() == bits
    torch.testing.assert_close(255 * coding.decode(planes)[0, 0], BYTES)


def test_the_public_order_reverses_bits():
    coding = BitPlanes(order="public")
    found = 255 * coding.decode(encode(coding, BYTES / 255))[0, 0]
    assert found.round().tolist() == [int(f"{value:08b}"[::-1], 2) for value in range(256)]
    assert found[1].item() == pytest.approx(128)


@pytest.mark.parametrize(("rounding", "most"), [("on", 1 / 510), ("off", 0.0)])
def test_rounding_loses_half_a_step_and_its_absence_leaks_the_rest_through_bit_0(rounding, most):
    coding = BitPlanes(rounding=rounding)
    x = torch.linspace(0, 1, 4081, dtype=torch.float64)
    planes = encode(coding, x)
    error = (coding.decode(planes)[0, 0] - x).abs().max().item()
    assert error == pytest.approx(most, abs=1e-12)
    assert (set(planes[0].unique().tolist()) <= {0.0, 1.0}) == (rounding == "on")
    assert set(planes[1:].unique().tolist()) <= {0.0, 1.0}
    assert coding.graded_products(10) == (0 if rounding == "on" else 10)
    binary = planes if rounding == "on" else planes[1:]
    assert (coding.encoder_spikes(planes) == binary.sum()).all()


def test_of_the_finite_difference_encoder_and_decoder_have_a_derivative_of_exactly_1():
    together = 2**PLACES @ slopes("neighbour", FINE)
    inside = (FINE > 0.5) & (FINE < 254.5)
    assert (together[inside] == 1).all()


def test_the_finite_difference_is_that_of_the_bits():
    found = slopes("neighbour", BYTES[1:])
    bits = encode(BitPlanes(), BYTES / 255)[:, 0, 0]
    assert (found == bits.diff(dim=1)).all()


def test_fourier_has_no_mean_and_the_public_constant_is_a_half():
    wave = slopes("fourier", FINE)
    torch.testing.assert_close(wave.mean(1), torch.zeros(8, dtype=wave.dtype), atol=1e-12, rtol=0)
    torch.testing.assert_close(
        slopes("fourier_half", FINE) - wave, torch.full_like(wave, 0.5), atol=1e-12, rtol=0
    )
    assert slopes("fourier", torch.zeros(())).tolist() == pytest.approx(
        [-10 / 2**k for k in range(8)]
    )


@pytest.mark.parametrize("name", ["fourier", "fourier_half"])
def test_spread_halves_from_bit_to_bit_and_is_linear_in_the_bit_when_rescaled(name):
    """Mean of (2/c)^2 (sum of five cosines)^2 over whole periods: (4/c^2) 5/2."""
    said = math.sqrt(10) / 2**PLACES
    torch.testing.assert_close(slopes(name, FINE).std(1, correction=0), said)
    rescaled = slopes(name, FINE, rescale=True).std(1, correction=0)
    torch.testing.assert_close(rescaled, math.sqrt(10) * PLACES / 128)


@pytest.mark.parametrize("name", ["sigsine", "tanhsine"])
def test_a_sine_surrogate_is_the_derivative_of_what_it_smooths(name):
    x = FINE[::7].clone().requires_grad_()
    wave = -10 * torch.sin(math.pi * x / 2 ** PLACES[:, None])
    smooth = torch.sigmoid(wave) if name == "sigsine" else (1 + torch.tanh(wave)) / 2
    for k in range(8):
        (expected,) = torch.autograd.grad(smooth[k].sum(), x, retain_graph=True)
        torch.testing.assert_close(slopes(name, x.detach())[k], expected)


def test_straight_through_is_1_and_blocked_is_0():
    x = torch.rand(2, 3, 5, dtype=torch.float64)
    for name, expected in (("ste", 1.0), ("blocked", 0.0)):
        y = x.clone().requires_grad_()
        coding = BitPlanes(derivative=name, rescale=False)
        coding.decode(coding.encode(y)).sum().backward()
        torch.testing.assert_close(y.grad, torch.full_like(x, expected))


@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize("units", [(6,), (2, 3, 3)])
def test_gradient_is_the_sum_over_planes_for_vectors_and_for_images(name, units):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, *units, generator=generator, dtype=torch.float64)
    upstream = torch.randn(8, 2, 3, *units, generator=generator, dtype=torch.float64)
    coding = BitPlanes(derivative=name)
    wanted = 255 * (slopes(name, 255 * x, rescale=True) * upstream).sum(0)
    torch.testing.assert_close(gradient(coding, x, upstream), wanted)
    mixed = gradient(replace(coding, head_gradient="mixed"), x, upstream)
    if len(units) == 1:
        wanted = 255 * slopes(name, 255 * x, rescale=True).sum(0) * upstream.sum(0)
    torch.testing.assert_close(mixed, wanted)


@pytest.mark.parametrize("rule", ["clip", "sample", "batch"])
def test_who_decides_on_the_range_of_an_example(rule):
    coding = BitPlanes(range=rule)
    x = torch.tensor([[[0.2, 0.4], [0.0, 3.0]], [[0.1, 0.9], [-1.0, 1.0]]])
    found = coding.fitted(x)
    assert found.min() >= 0 and found.max() <= 1
    alone = torch.stack([coding.fitted(one[:1][None])[0, 0] for one in x])
    assert torch.equal(found[:, 0], alone) == (rule != "batch")
    # members never mix
    torch.testing.assert_close(found[1:], coding.fitted(x[1:]))
    assert torch.equal(coding.fitted(x / 4 + 0.25), x / 4 + 0.25)
