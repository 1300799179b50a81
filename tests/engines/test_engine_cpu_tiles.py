"""Matrix products and sums of rows that kernels call, and the convolutions built on them."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numba import njit

from hnnlib.engines.cpu import tiles, winograd

KINDS = [np.float32, np.float64]
changed = tiles.combinations([[1, 0, -1], [-1, 1, 1]])


@njit
def product(out, left, at, stride, panels, more):
    lanes = panels.shape[2]
    for panel in range(len(panels)):
        tiles.multiply(out, panel * lanes, left, at, stride, panels[panel], more)


@njit
def change(out, o, out_stride, given, g, given_stride, width):
    changed(out, o, out_stride, given, g, given_stride, width)


@pytest.mark.parametrize("kind", KINDS)
@given(
    size=st.tuples(st.integers(0, 40), st.integers(0, 20), st.integers(1, 40)),
    at=st.integers(0, 3),
    overlap=st.integers(0, 4),
    more=st.booleans(),
)
def test_a_product_of_lines_that_may_overlap(kind, size, at, overlap, more):
    count, inner, width = size
    stride = max(1, inner - overlap)
    rng = np.random.default_rng(count)
    left = rng.normal(size=at + count * stride + inner).astype(kind)
    right = rng.normal(size=(inner, width)).astype(kind)
    out = np.ones((count + 2, width), kind)
    product(out[1:-1], left, at, stride, tiles.panels(right), more)
    lines = [left[at + n * stride : at + n * stride + inner] for n in range(count)]
    expected = np.array(lines).reshape(count, inner) @ right + more
    np.testing.assert_allclose(out[1:-1], expected, rtol=1e-4, atol=1e-4)
    assert (out[0] == 1).all() and (out[-1] == 1).all()


@pytest.mark.parametrize("kind", KINDS)
@given(width=st.integers(1, 70), o=st.integers(0, 5), room=st.integers(0, 5))
def test_sums_and_differences_of_rows(kind, width, o, room):
    rows = np.random.default_rng(width).normal(size=(3, width + room)).astype(kind)
    out = np.ones(o + 2 * (width + room), kind)
    change(out, o, width + room, rows.ravel(), 0, width + room, width)
    a, b, c = rows[:, :width]
    written = out[o:].reshape(2, width + room)
    np.testing.assert_allclose(written[:, :width], [a - c, b + c - a], rtol=1e-5, atol=1e-6)
    assert (out[:o] == 1).all() and (written[:, width:] == 1).all()


@settings(max_examples=40)
@given(
    channels=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    edges=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    members=st.integers(1, 2),
)
@example(channels=(17, 5), edges=(60, 2), members=1)  # a row of tiles, and the rest of one
def test_the_gradient_of_a_convolutions_input(channels, edges, members):
    (ins, outs), batch, steps = channels, 2, 2
    torch.manual_seed(ins)
    kernels = torch.randn(members, outs, ins, 3, 3)
    adjoint = torch.randn(members, batch * steps, outs, *edges)
    found = np.empty((members * batch, steps, edges[0] + 2, edges[1] + 2, ins), np.float32)
    given_rows = adjoint.permute(0, 1, 3, 4, 2).reshape(-1, steps, *edges, outs).numpy()
    panels = winograd.kernel_panels(kernels.numpy())
    winograd.transposed(0, members * batch, batch, panels, np.ascontiguousarray(given_rows), found)
    for member in range(members):
        expected = torch.nn.functional.conv_transpose2d(
            adjoint[member].double(), kernels[member].double()
        )
        mine = found[member * batch : (member + 1) * batch].reshape(-1, *found.shape[2:])
        error = torch.from_numpy(mine).permute(0, 3, 1, 2) - expected
        assert error.abs().max() < 1e-5 * max(1, expected.abs().max())
