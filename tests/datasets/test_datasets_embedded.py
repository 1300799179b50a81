"""Embedded data: real digits, and canvases whose source digit decides the part of a split."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hnnlib.datasets import canvases, registry, splits
from hnnlib.datasets.sets import cluttered_digits, digits
from hnnlib.errors import DataError


@pytest.fixture(scope="module")
def cluttered():
    return registry.load("cluttered_digits")


def test_digits_are_scikit_learns():
    data = registry.load("digits")
    assert data.images.shape == (1797, 1, 8, 8) and data.scale == 16
    pixels = data.pixels(slice(None))
    assert pixels.min() == 0 and pixels.max() == 1
    assert data.groups is None and data.source.official
    assert data.source.sha256 == digits.ENTRY.content


def test_changed_digits_are_refused(monkeypatch):
    images, labels = digits._handwriting()
    images[0, 0, 0, 0] += 1
    monkeypatch.setattr(digits, "_handwriting", lambda: (images, labels))
    with pytest.raises(DataError, match=f"where the registry has {digits.ENTRY.content}"):
        digits.load()


def test_missing_scikit_learn_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DataError, match="scikit-learn, which is not installed"):
        registry.load("digits")


def test_canvases_have_the_form_of_cifar_and_balanced_sources(cluttered):
    entry = cluttered_digits.ENTRY
    assert cluttered.images.shape == (entry.n_examples, *entry.shape)
    assert cluttered.images.dtype == np.uint8 and cluttered.scale == 255
    uses = np.bincount(cluttered.groups, minlength=1797)
    assert uses.min() >= 3 and uses.max() <= 4
    originals = registry.load("digits").labels
    np.testing.assert_array_equal(cluttered.labels, originals[cluttered.groups])


def test_canvases_are_a_function_of_the_seed():
    one, same, other = (cluttered_digits.load(n=300, seed=seed) for seed in (5, 5, 6))
    assert one.source.sha256 == same.source.sha256 != other.source.sha256
    np.testing.assert_array_equal(one.images, same.images)


def test_canvases_of_one_digit_differ(cluttered):
    first = np.flatnonzero(cluttered.groups == cluttered.groups[0])
    a, b, *_ = cluttered.pixels(first)
    assert np.abs(a - b).mean() > 0.05


def test_no_source_digit_is_in_two_parts(cluttered):
    split = splits.draw(len(cluttered), 0, groups=cluttered.groups)
    owners = [set(cluttered.groups[part]) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 1797
    assert len(split.train) == pytest.approx(3600, abs=4)


def test_whole_digit_lies_on_the_canvas():
    solid = np.ones((200, 8, 8), np.float32)
    opacity = canvases._pose(solid, np.random.default_rng(0))
    inked = (opacity > 0.5).sum(axis=(1, 2))
    low, high = canvases.SIZE
    assert inked.min() > 0.8 * low**2 and inked.max() < 1.1 * high**2


def test_digit_is_painted_over_a_darker_background():
    solid = np.ones((100, 8, 8), np.float32)
    bare = np.zeros((100, 8, 8), np.float32)
    inked, empty = (canvases.paint(glyphs, np.random.default_rng(1)) for glyphs in (solid, bare))
    middle = (slice(None), slice(None), slice(14, 18), slice(14, 18))
    brightest = inked[middle].max(axis=1).mean() - empty[middle].max(axis=1).mean()
    assert brightest > 0.3 * 255


def test_strokes_stay_inside_their_window():
    reach = canvases.LENGTH[1] / 2 + canvases.WIDTH[1] + 0.5
    assert reach <= canvases.MARGIN + 0.5


def test_bilinear_reads_between_pixels():
    maps = np.array([[[0.0, 1.0], [2.0, 3.0]]], np.float32)
    read = canvases._bilinear(maps, np.array([[[0.5, 0.0]]]), np.array([[[0.5, 0.25]]]))
    np.testing.assert_allclose(read, [[[1.5, 0.25]]], atol=1e-6)
