"""Splits: disjoint, complete, nested, reproducible, groups kept whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hnnlib.datasets.registry import load
from hnnlib.datasets.splits import PARTS, draw, of_images, official
from hnnlib.errors import ConfigError

# a busy machine is no failure
patient = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
sizes = st.integers(10, 400)
seeds = st.integers(0, 2**31)
models = st.none() | st.sampled_from(["A784-S500-S10", "S784-S500-S10"])
fractions = st.sampled_from([(0.6, 0.2, 0.2), (0.7, 0.2, 0.1), (0.34, 0.33, 0.33)])


def parts(split):
    return [getattr(split, name) for name in PARTS]


@patient
@given(sizes, seeds, fractions, models)
def test_parts_are_disjoint_cover_all_images_and_have_the_stated_sizes(n, seed, shares, model):
    split = draw(n, seed, shares, model=model)
    assert sorted(np.concatenate(parts(split))) == list(range(n))
    for part, share in zip(parts(split), shares, strict=True):
        assert part.dtype == np.int64
        assert abs(len(part) - share * n) <= 1


@patient
@given(sizes, seeds, models)
def test_split_is_a_function_of_seed_and_model(n, seed, model):
    again = parts(draw(n, seed, model=model))
    for one, other in zip(parts(draw(n, seed, model=model)), again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_seeds_and_models_draw_different_splits():
    splits = [draw(1000, 0), draw(1000, 1), draw(1000, 0, model="a"), draw(1000, 0, model="b")]
    assert len({tuple(split.train) for split in splits}) == len(splits)


def test_per_model_splits_of_one_seed_leak_about_the_training_share():
    pretrained, hybrid = draw(70_000, 2, model="ann"), draw(70_000, 2, model="hybrid")
    assert np.isin(hybrid.test, pretrained.train).mean() == pytest.approx(0.6, abs=0.02)


def test_paper_sizes():
    assert [len(part) for part in parts(draw(70_000, 0))] == [42_000, 14_000, 14_000]
    assert [len(part) for part in parts(draw(60_000, 0))] == [36_000, 12_000, 12_000]


@patient
@given(sizes, seeds, st.data())
def test_smaller_limits_are_the_beginning_of_larger_ones(n, seed, data):
    full = draw(n, seed)
    limit = {
        name: data.draw(st.integers(1, len(part)), label=name)
        for name, part in zip(PARTS, parts(full), strict=True)
    }
    for name, part in zip(PARTS, parts(draw(n, seed, limit=limit)), strict=True):
        np.testing.assert_array_equal(part, getattr(full, name)[: limit[name]])


@patient
@given(st.integers(150, 300), st.integers(20, 150), seeds, models)
def test_groups_stay_whole_and_fractions_hold_to_within_a_group(n, n_groups, seed, model):
    groups = np.random.default_rng(seed).integers(0, n_groups, n)
    split = draw(len(groups), seed, model=model, groups=groups)
    owners = [set(groups[part]) for part in parts(split)]
    assert not (owners[0] & owners[1] or owners[0] & owners[2] or owners[1] & owners[2])
    assert sorted(np.concatenate(parts(split))) == list(range(len(groups)))
    largest = np.bincount(groups).max()
    for part, share in zip(parts(split), (0.6, 0.2, 0.2), strict=True):
        assert abs(len(part) - share * len(groups)) <= largest + 1


def test_a_limited_part_samples_its_groups_instead_of_exhausting_the_first_ones():
    groups = np.repeat(np.arange(300), 4)
    train = draw(1200, 0, groups=groups, limit={"train": 100}).train
    assert len(set(groups[train])) > 50


def test_own_group_for_every_image_is_no_grouping():
    grouped = draw(500, 3, groups=np.arange(500)[::-1])
    for one, other in zip(parts(grouped), parts(draw(500, 3)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fractions": (0.6, 0.2, 0.1)}, "add up to 1"),
        ({"fractions": (0.8, 0.2)}, "three positive numbers"),
        ({"fractions": (0.8, 0.2, 0.0)}, "three positive numbers"),
        ({"limit": {"train": 61}}, "asks for more than the 60 train images"),
        ({"limit": {"training": 5}}, "limit training: 5"),
        ({"limit": {"test": 0}}, "limit test: 0"),
        ({"groups": np.zeros(99)}, "one for each of the 100 images"),
        ({"groups": np.zeros(100)}, "part of a split of 100 images is empty"),
    ],
)
def test_impossible_splits_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        draw(100, 0, **arguments)


@patient
@given(st.integers(20, 400), seeds, st.floats(0.1, 0.9))
def test_the_official_test_part_stays_apart_and_in_order(n, seed, share):
    split = official(n, n // 4, seed, share)
    assert sorted(np.concatenate(parts(split))) == list(range(n))
    np.testing.assert_array_equal(split.test, np.arange(n - n // 4, n))
    assert abs(len(split.validation) - share * (n - n // 4)) <= 1


def test_limits_of_an_official_split_are_nested_and_keep_the_order_of_test_images():
    few, more = (official(100, 40, 0, limit={"test": k, "train": k}) for k in (5, 20))
    assert set(few.test) < set(more.test) and set(few.train) < set(more.train)
    assert (np.diff(more.test) > 0).all() and more.test.min() >= 60
    assert set(official(100, 40, 1, limit={"test": 20}).test) != set(more.test)


@pytest.mark.parametrize(("tests", "share"), [(0, 0.1), (100, 0.1), (10, 0.0), (10, 1.0)])
def test_impossible_official_splits_are_refused(tests, share):
    with pytest.raises(ConfigError, match="official test images"):
        official(100, tests, 0, share)


def test_official_test_images_are_never_trained_on():
    class Mnist:
        name = "mnist"

        def __len__(self):
            return 70_000

    split = of_images(Mnist(), 0)
    assert [len(getattr(split, part)) for part in PARTS] == [54_000, 6_000, 10_000]
    assert split.test.min() == 60_000
    assert not set(split.train) & set(split.validation)


def test_data_without_an_official_test_part_are_drawn():
    digits, limit = load("digits"), {"train": 60, "validation": 30, "test": 40}
    split, drawn = of_images(digits, 3, limit), draw(len(digits), 3, limit=limit)
    for part in PARTS:
        np.testing.assert_array_equal(getattr(split, part), getattr(drawn, part))
