"""The gradient of a 3x3 convolution's input with 16 multiplications where 36 are needed: Winograd's
minimal filtering F(2x2, 3x3), Lavin & Gray, doi:10.1109/CVPR.2016.435, section 4.1.

An image is cut into 2x2 tiles of the result. A patch of the image and the kernel are transformed,
(4, 4) each, multiplied number by number, and transformed back; over all channels, each of the 16
numbers is a matrix product. Images as in ``image_kernels``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS, VIEWS
from hnnlib.engines.cpu.image_kernels import frame
from hnnlib.engines.cpu.tiles import combinations, multiply, panels

__all__ = ["kernel_panels", "transposed"]

_change = combinations([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
_change_back = combinations([[1, 1, 1, 0], [0, 1, -1, -1]])
_change_last = combinations([[1, 1, 1, 0]])
_OF_KERNEL = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
_TILES = 24
"""Tiles that are multiplied at once, at least: enough for the rows of ``tiles``, and they stay in
cache."""


def kernel_panels(weight: np.ndarray) -> np.ndarray:
    """Kernels (member, channel out, channel in, 3, 3), transformed for ``transposed``:
    (member, 16, panel, channel out, lane).
    """
    change = _OF_KERNEL.astype(weight.dtype)
    turned = weight[..., ::-1, ::-1]  # the gradient of a correlation is one with the turned kernel
    both = np.einsum("ip,jq,moapq->mijoa", change, change, turned, optimize=True)
    return panels(both.reshape(len(weight), 16, *weight.shape[1:3]))


@njit(**OPTIONS)
def transposed(first, last, batch, panels, adjoint, to_input):
    """Gradient of the input of a 3x3 convolution: a valid one, or one that keeps the size.

    Args:
        panels: of the kernels, see ``kernel_panels``.
        adjoint: of the result, (row, step, y, x, channel out).
        to_input: (row, step, y, x, channel in), two lines and pixels larger, or as large.
    """
    outs = adjoint.shape[4]
    height, width, channels = to_input.shape[2:]
    real = to_input.dtype
    tall, wide = (height + 1) // 2, (width + 1) // 2
    rim = 1 + (height - adjoint.shape[2]) // 2
    several = min(tall, -(-_TILES // wide))
    padded = np.zeros((2 * tall + 2, 2 * wide + 2, outs), real)
    lines = np.empty((4, (2 * wide + 2) * outs), real)
    patches = np.empty((16, several * wide, outs), real)
    products = np.empty((16, several * wide, channels), real)
    halves = np.empty((4, 2 * wide, channels), real)
    for row in range(first, last):
        for t in range(adjoint.shape[1]):
            frame(padded, rim, adjoint[row, t])
            for top in range(0, tall, several):
                count = min(several, tall - top)
                _to_patches(padded, top, count, lines, patches)
                _multiply(patches, panels[row // batch], count * wide, products)
                _from_products(products, top, count, halves, to_input[row, t])


@njit(**VIEWS)
def _to_patches(padded, top, count, lines, patches):
    """Patches of ``count`` rows of tiles from ``top`` on, transformed: (16, tile, channel)."""
    _, room, outs = patches.shape
    wide, line = padded.shape[1] // 2 - 1, padded.shape[1] * outs
    before, between, after = padded.reshape(-1), lines.reshape(-1), patches.reshape(-1)
    for down in range(count):
        y = 2 * (top + down)
        _change(between, 0, line, before, y * line, line, line)
        for n in range(4):
            for x in range(wide):
                place = (4 * n * room + down * wide + x) * outs
                _change(after, place, room * outs, between, n * line + 2 * x * outs, outs, outs)


@njit(**VIEWS)
def _multiply(patches, panels, count, products):
    """Transformed patches times transformed kernels."""
    _, room, outs = patches.shape
    left, lanes = patches.reshape(-1), panels.shape[3]
    for place in range(16):
        out, begin = products[place, :count], place * room * outs
        for panel in range(panels.shape[1]):
            multiply(out, panel * lanes, left, begin, outs, panels[place, panel], False)


@njit(**VIEWS)
def _from_products(products, top, count, halves, out):
    """Tiles of the result, transformed back; what lies beyond its border is dropped."""
    height, width, channels = out.shape
    _, room, _ = products.shape
    wide, line = halves.shape[1] // 2, halves.shape[1] * channels
    before, between, after = products.reshape(-1), halves.reshape(-1), out.reshape(-1)
    for down in range(count):
        for n in range(4):
            for x in range(wide):
                place = (4 * n * room + down * wide + x) * channels
                left = n * line + 2 * x * channels
                _change_back(between, left, channels, before, place, room * channels, channels)
        y, numbers = 2 * (top + down), width * channels
        if y + 1 < height:
            _change_back(after, y * numbers, numbers, between, 0, line, numbers)
        else:
            _change_last(after, y * numbers, numbers, between, 0, line, numbers)
