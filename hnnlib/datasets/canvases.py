"""Paints digits on cluttered colour canvases: the generator behind `cluttered_digits`."""

from __future__ import annotations

import numpy as np

__all__ = ["SIDE", "paint"]

SIDE = 32  # pixels, as CIFAR-10, so that the paper's convolutional networks fit
SIZE = (18.0, 26.0)  # pixels of a digit's side
DRIFT = 0.7  # of the free margin around a digit, either way
TURN = 10.0  # degrees, either way
SHEAR = 0.15
DARK = 0.3  # brightest background channel
INK = (0.7, 1.0)  # brightest channel of the digit's colour
UNDER, OVER = 5, 2  # distractor strokes painted before and after the digit
STROKE = (0.2, 0.8)  # brightest channel of a stroke's colour
LENGTH = (3.0, 8.0)  # pixels of a stroke
WIDTH = (0.6, 1.2)  # pixels, half the width of a stroke
WINDOW = 13  # pixels; holds the longest, thickest stroke at any angle
MARGIN = WINDOW // 2  # so that every stroke's window lies on the padded canvas
CHUNK = 256  # canvases painted at once: small enough for the cache


def paint(glyphs: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One canvas for each glyph: (n, 8, 8) opacities in [0, 1] -> (n, 3, 32, 32) uint8.

    From back to front: a smooth dark colour field, UNDER strokes, the digit in a random bright
    colour, size, turn, shear and place (always whole), OVER strokes. Strokes are drawn, never cut
    from digits: a piece of another digit could carry test data into training. Light on dark, and
    DRIFT below 1, as otherwise a small network sometimes stays at chance on a few thousand images.
    """
    starts = range(0, len(glyphs), CHUNK)
    return np.concatenate([_chunk(glyphs[at : at + CHUNK], generator) for at in starts])


def _chunk(glyphs: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    n = len(glyphs)
    canvas = np.zeros((n, SIDE + 2 * MARGIN, SIDE + 2 * MARGIN, 3), np.float32)
    middle = canvas[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    middle[...] = _background(n, generator)
    for _ in range(UNDER):
        _stroke(canvas, generator)
    opacity = _pose(glyphs, generator)[..., None]
    middle += opacity * (_colour(n, INK, generator) - middle)
    for _ in range(OVER):
        _stroke(canvas, generator)
    return np.rint(255 * middle).astype(np.uint8).transpose(0, 3, 1, 2)


def _colour(n: int, brightness: tuple[float, float], generator: np.random.Generator) -> np.ndarray:
    """Random colours (n, 1, 1, 3) whose brightest channel lies in the range `brightness`."""
    colour = generator.random((n, 1, 1, 3), np.float32)
    top = generator.uniform(*brightness, (n, 1, 1, 1)).astype(np.float32)
    return colour * (top / colour.max(axis=-1, keepdims=True))


def _background(n: int, generator: np.random.Generator) -> np.ndarray:
    """A 3 x 3 grid of random dark colours, stretched bilinearly: (n, 32, 32, 3)."""
    knots = DARK * generator.random((n, 3, 3, 3), np.float32)
    place = np.linspace(0, 2, SIDE, dtype=np.float32)
    hat = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(3, dtype=np.float32)))
    return np.einsum("yi,nijc,xj->nyxc", hat, knots, hat, optimize=True)


def _stroke(canvas: np.ndarray, generator: np.random.Generator) -> None:
    """Paint one straight stroke on each canvas; opacity falls from 1 to 0 over its edge pixel."""
    n = len(canvas)
    centre = generator.uniform(0, SIDE - 1, (2, n, 1))
    corner = np.rint(centre).astype(np.int64)  # of the window, on the padded canvas
    rows, columns = corner + np.arange(WINDOW)
    dy, dx = (corner - MARGIN - centre + np.arange(WINDOW)).astype(np.float32)
    dy, dx = dy[:, :, None], dx[:, None, :]
    angle = generator.uniform(0, np.pi, (n, 1, 1)).astype(np.float32)
    half = generator.uniform(*LENGTH, (n, 1, 1)).astype(np.float32) / 2
    width = generator.uniform(*WIDTH, (n, 1, 1)).astype(np.float32)
    along = np.clip(dx * np.cos(angle) + dy * np.sin(angle), -half, half)
    distance = np.hypot(dx - along * np.cos(angle), dy - along * np.sin(angle))
    opacity = np.clip(width + 0.5 - distance, 0, 1)[..., None]
    where = np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]
    below = canvas[where]
    canvas[where] = below + opacity * (_colour(n, STROKE, generator) - below)


def _pose(glyphs: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Opacity (n, 32, 32) of each glyph at a random size, turn, shear and place inside the canvas.

    Each canvas pixel looks up its place in the glyph (the inverse map) and reads bilinearly.
    """
    n = len(glyphs)

    def draw(low: float, high: float) -> np.ndarray:
        return generator.uniform(low, high, (n, 1, 1)).astype(np.float32)

    size = draw(*SIZE)
    middle, slack = (SIDE - 1) / 2, (SIDE - size) / 2
    pixel = np.arange(SIDE, dtype=np.float32)
    dy = pixel[:, None] - middle - slack * draw(-DRIFT, DRIFT)
    dx = pixel[None, :] - middle - slack * draw(-DRIFT, DRIFT)
    turn = np.radians(draw(-TURN, TURN))
    cos, sin = np.cos(turn) * (8 / size), np.sin(turn) * (8 / size)
    v = cos * dy - sin * dx
    u = cos * dx + sin * dy + draw(-SHEAR, SHEAR) * v
    return _bilinear(np.pad(glyphs, ((0, 0), (1, 1), (1, 1))), v + 4.5, u + 4.5)


def _bilinear(maps: np.ndarray, v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Values of `maps` (n, h, w) at rows v and columns u (n, y, x), clamped to the map."""
    n, h, w = maps.shape
    v, u = np.clip(v, 0, h - 1.001), np.clip(u, 0, w - 1.001)
    top, left = v.astype(np.int32), u.astype(np.int32)
    down, right = v - top, u - left
    flat = maps.ravel()
    at = (np.arange(n, dtype=np.int32) * (h * w))[:, None, None] + top * w + left
    above = flat[at] + right * (flat[at + 1] - flat[at])
    below = flat[at + w] + right * (flat[at + w + 1] - flat[at + w])
    return above + down * (below - above)
