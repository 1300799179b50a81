"""Splits by speaker: whole speakers validate, fractions nest, the test part never changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.datasets.entry import Source
from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.speakers import FLAWED, HELD_OUT, draw, unseen
from hnnlib.errors import ConfigError

SOURCE = Source(official=True, note="", sha256="0", licence="", citation="", origin="")


def recordings(seed=0, n=1000):
    """Speakers 4 and 5 are in the test part only; strata have very different sizes."""
    rng = np.random.default_rng(seed)
    test = np.arange(n) >= 0.8 * n
    speakers = rng.integers(0, 12, n)
    strangers = np.isin(speakers, (4, 5)) & ~test
    speakers[strangers] = rng.integers(6, 12, strangers.sum())
    return EventData(
        "toy",
        np.zeros(n, np.float32),
        np.zeros(n, np.int32),
        np.arange(n + 1),
        rng.integers(0, 4, n),
        speakers,
        test,
        4,
        1,
        SOURCE,
    )


DATA = recordings()
VALIDATIONS = (*HELD_OUT, *FLAWED)
patient = settings(max_examples=40)
seeds = st.integers(0, 2**31)
validations = st.sampled_from(VALIDATIONS)


def strata(rows):
    return np.bincount(DATA.speakers[rows] * 4 + DATA.labels[rows], minlength=48)


@patient
@given(seeds, validations)
def test_parts_are_disjoint_and_cover_everything(seed, validation):
    split = draw(DATA, seed, validation)
    rows = np.concatenate([split.train, split.validation, split.test])
    np.testing.assert_array_equal(np.sort(rows), np.arange(len(DATA)))


@patient
@given(seeds, validations, st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_test_part_is_the_official_one_whatever_is_chosen(seed, validation, fraction):
    split = draw(DATA, seed, validation, fraction)
    np.testing.assert_array_equal(split.test, np.flatnonzero(DATA.test))


@pytest.mark.parametrize("validation", HELD_OUT)
def test_held_out_speakers_are_in_no_other_part_that_is_trained_on(validation):
    split = draw(DATA, 0, validation)
    assert set(DATA.speakers[split.validation]) == set(HELD_OUT[validation])
    assert not set(DATA.speakers[split.train]) & set(HELD_OUT[validation])
    np.testing.assert_array_equal(split.validation, draw(DATA, 1, validation).validation)


def test_folds_hold_every_training_speaker_out_once():
    folds = [pair for name, pair in HELD_OUT.items() if name.startswith("fold")]
    assert sorted(sum(folds, ())) == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]


@patient
@given(seeds, st.sampled_from(["primary", "random"]))
def test_fractions_are_nested_stratified_and_of_one_size(seed, validation):
    full = draw(DATA, seed, validation)
    larger = full
    for fraction in (0.5, 0.25, 0.1):
        split = draw(DATA, seed, validation, fraction)
        assert len(split.train) == round(fraction * len(full.train))  # for every seed
        assert np.isin(split.train, larger.train).all()
        assert np.abs(strata(split.train) - fraction * strata(full.train)).max() <= 1
        np.testing.assert_array_equal(split.validation, full.validation)
        larger = split


def test_fractions_are_drawn_anew_with_each_seed():
    first, second = (draw(DATA, seed, "primary", 0.25).train for seed in (0, 1))
    assert 0.1 < np.isin(first, second).mean() < 0.5
    np.testing.assert_array_equal(first, draw(DATA, 0, "primary", 0.25).train)


@patient
@given(seeds, st.sampled_from([0.1, 0.2]))
def test_random_validation_has_its_share_of_every_class_of_every_speaker(seed, share):
    split = draw(DATA, seed, "random", share=share)
    rows = np.flatnonzero(~DATA.test)
    assert len(split.validation) == round(share * len(rows))
    assert np.abs(strata(split.validation) - share * strata(rows)).max() <= 1
    assert len(set(tuple(draw(DATA, s, "random").validation) for s in (seed, seed + 1))) == 2


def test_file_order_takes_the_end_of_the_training_file():
    split = draw(DATA, 3, "file_order")
    np.testing.assert_array_equal(split.validation, np.arange(720, 800))


def test_unseen_speakers_are_those_that_the_training_part_lacks():
    assert unseen(DATA).tolist() == [4, 5]
    assert not len(unseen(replace(DATA, speakers=np.zeros(len(DATA), np.int64))))


def test_data_without_speakers_are_split_at_random():
    data = replace(DATA, speakers=np.zeros(len(DATA), np.int64))
    assert len(draw(data, 0, "random").validation) == 80
    with pytest.raises(ConfigError, match="of toy"):
        draw(data, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation": "primry"}, "no validation 'primry': choose primary, sensitivity"),
        ({"fraction": 0.0}, "fraction 0.0"),
        ({"fraction": 1.5}, "fraction 1.5"),
        ({"validation": "random", "share": 0.0}, "takes 0 of 800 recordings"),
        ({"validation": "random", "share": 1.0}, "takes 800 of 800 recordings"),
    ],
)
def test_impossible_splits_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        draw(DATA, 0, **arguments)


def test_speaker_missing_from_the_training_part_is_named():
    data = replace(DATA, speakers=np.where(DATA.speakers == 6, 8, DATA.speakers))
    with pytest.raises(ConfigError, match=r"lacks a speaker of \(6, 7\)"):
        draw(data, 0)
