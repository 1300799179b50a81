"""Generated recordings: what makes them hard was put in, and the generators' traps are avoided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from hnnlib.datasets import randman, registry, speakers
from hnnlib.datasets.eventdata import bin_events
from hnnlib.datasets.sets import (
    randman_500_parameters,
    randman_hard,
    randman_standard,
    spoken_digits,
)


@pytest.fixture(scope="module")
def spoken():
    return registry.load("spoken_digits")


def counts(data, bins, group):
    """Square roots of spike counts by time bin and group of channels, (n, features)."""
    row = np.repeat(np.arange(len(data)), np.diff(data.offsets))
    place = np.minimum((data.times * bins).astype(int), bins - 1), data.units // group
    out = np.zeros((len(data), bins, data.channels // group), np.float32)
    np.add.at(out, (row, *place), 1)
    return np.sqrt(out).reshape(len(data), -1)


def accuracy(data, features, rows):
    """A linear classifier's, trained on the training part."""
    model = RidgeClassifier(alpha=30).fit(features[~data.test], data.labels[~data.test])
    return model.score(features[rows], data.labels[rows])


def test_spoken_digits_are_the_same_to_the_bit_everywhere(spoken):
    assert spoken.source.sha256 == spoken_digits.ENTRY.content
    assert "synthetic" in spoken.source.note and "no recordings of speech" in spoken.source.note


def test_random_stream_is_the_documented_one():
    """First outputs of PCG64 from a fixed seed: all randomness is computed from these."""
    stream = np.random.PCG64(1)
    raw = [9441442522235856127, 17532960557476522086]
    np.testing.assert_array_equal(stream.random_raw(2), np.array(raw, np.uint64))
    uniform = spoken_digits._uniform(np.random.PCG64(1), 2)
    np.testing.assert_array_equal(uniform, [(value >> 11) / 2**53 for value in raw])


def test_spoken_digits_have_the_format_of_shd(spoken):
    assert len(spoken) == spoken_digits.ENTRY.n_examples and spoken.channels == 700
    assert spoken.times.max() < 1 and 1800 < np.diff(spoken.offsets).mean() < 2800
    rising = np.diff(spoken.times) >= 0
    rising[spoken.offsets[1:-1] - 1] = True
    assert rising.all()
    for part in (spoken.test, ~spoken.test):
        assert len(set(np.bincount(spoken.labels[part], minlength=20))) == 1
    assert set(spoken.speakers[~spoken.test]) == set(range(12)) - set(spoken_digits.UNSEEN)
    assert set(spoken.speakers[spoken.test]) == set(range(12))
    unseen = np.isin(spoken.speakers[spoken.test], spoken_digits.UNSEEN)
    assert unseen.mean() == pytest.approx(0.813, abs=0.02)


def test_speakers_that_nobody_trained_on_are_recognised_less_often(spoken):
    features = counts(spoken, 10, 10)
    new = np.isin(spoken.speakers, speakers.unseen(spoken))
    seen, unseen = (
        accuracy(spoken, features, np.flatnonzero(spoken.test & part)) for part in (~new, new)
    )
    assert seen > 0.85 and 0.5 < unseen < seen - 0.05


def test_time_matters_as_five_pairs_of_words_are_reversals(spoken):
    words = spoken_digits.WORDS
    assert sum(word[::-1] in words for word in words if word != word[::-1]) == 10
    assert len(set(words)) == 20
    rows = np.flatnonzero(spoken.test)
    with_time = accuracy(spoken, counts(spoken, 10, 10), rows)
    without = accuracy(spoken, counts(spoken, 1, 10), rows)
    assert without < with_time - 0.2


def test_reversed_words_have_the_same_spikes_a_channel(spoken):
    one, other = (
        np.bincount(
            np.concatenate(
                [
                    spoken.units[spoken.offsets[i] : spoken.offsets[i + 1]]
                    for i in np.flatnonzero(spoken.labels == spoken_digits.WORDS.index(word))
                ]
            )
            // 10,
            minlength=70,
        )
        for word in ("nai", "ian")
    )
    assert np.abs(one - other).sum() < 0.06 * one.sum()


def test_seed_and_repeats_of_spoken_digits():
    small = spoken_digits.load(repeats=1)
    assert (~small.test).sum() == 200 and small.test.sum() == 880
    assert small.source.sha256 != spoken_digits.load(repeats=1, seed=1).source.sha256


TASKS = {
    module.TASK.name: module.TASK
    for module in (randman_standard, randman_hard, randman_500_parameters)
}


def small(name="randman_standard", **changes):
    return replace(TASKS[name], **({"per_class": 60} | changes))


@pytest.mark.parametrize("name", TASKS)
def test_every_unit_fires_once_and_within_the_recording(name):
    task = small(name)
    data = randman.generate(task)
    assert len(data) == 60 * task.classes and not data.speakers.any()
    assert data.n_classes == task.classes and data.channels == task.units
    units = data.units.reshape(-1, task.units)
    np.testing.assert_array_equal(np.sort(units, axis=1), [np.arange(task.units)] * len(data))
    binned = bin_events(data, task.steps, task.dt)
    assert len(binned.units) == len(data.units)  # none at step T, where it would be lost
    assert (np.diff(data.times.reshape(-1, task.units), axis=1) >= 0).all()


@pytest.mark.parametrize("name", TASKS)
def test_registered_sizes_are_the_tasks(name):
    task, entry = TASKS[name], registry.get(name)
    assert (entry.n_classes, entry.shape) == (task.classes, (task.units,))
    assert entry.n_examples == task.classes * task.per_class


def test_task_with_500_parameters_loads_by_name_and_leaves_a_fifth_for_test():
    data = registry.load("randman_500_parameters")
    assert len(data) == 2000 and data.test.sum() == 400
    assert np.bincount(data.labels[data.test]).tolist() == [200, 200]
    # the share of all that the authors validate on
    split = speakers.draw(data, 42, "random", share=0.25)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [1200, 400, 400]


@pytest.mark.parametrize(
    ("alpha", "terms"), [(1.0, 999), (2.0, 31), (3.0, 9)], ids=["rough", "smooth", "smoothest"]
)
def test_number_of_terms_is_that_of_the_public_generator_less_the_constant(alpha, terms):
    found = randman._terms(alpha)
    assert found[0] == 1 and len(found) == terms


@pytest.mark.parametrize("spectrum", ["shifted", "power"])
def test_coordinates_are_the_stated_sum(spectrum):
    task = small("randman_500_parameters", dimensions=2, spectrum=spectrum)
    rng = np.random.default_rng(0)
    a, b, c = rng.random((3, 3, 2, 9))
    x = rng.random((4, 2))
    terms = randman._terms(task.alpha)
    found = randman._coordinates(x, terms * b, c, a * randman._spectrum(task, terms))
    for n, d in np.ndindex(4, 3):
        product = 1.0
        for j in range(2):
            total = 0.0
            for k in range(1, 10):
                s = (k + 1) ** -3.0 if spectrum == "power" else 1 / ((k + 1) ** 3.0 + 1)
                wave = np.sin(2 * np.pi * (k * x[n, j] * b[d, j, k - 1] + c[d, j, k - 1]))
                total += a[d, j, k - 1] * s * wave
            product *= total
        assert found[n, d] == pytest.approx(product, abs=1e-5)


def test_range_is_fitted_to_training_points_only():
    """Other test points, whatever they are, leave the training part as it is."""
    task = small(per_class=50, test_share=0.2)
    more = replace(task, per_class=80, test_share=0.5)
    one, other = randman.generate(task), randman.generate(more)
    assert (~one.test).sum() == (~other.test).sum() == 400
    spikes = 400 * task.units
    np.testing.assert_array_equal(one.times[:spikes], other.times[:spikes])
    np.testing.assert_array_equal(one.units[:spikes], other.units[:spikes])
    first = one.times[:spikes] / task.dt
    assert first.min() == 0.5 and first.max() == pytest.approx(50.5, abs=1e-3)


def test_generators_leave_the_global_random_state_alone_and_depend_on_the_seed():
    np.random.seed(0)
    expected = np.random.get_state()[1].copy()
    sums = {randman.generate(small(), seed).source.sha256 for seed in (0, 0, 1)}
    assert len(sums) == 2
    np.testing.assert_array_equal(np.random.get_state()[1], expected)


def test_manifolds_of_larger_alpha_are_smoother():
    def roughness(alpha):
        task = small("randman_500_parameters", alpha=alpha, per_class=2)
        terms = randman._terms(task.alpha)
        a, b, c = np.random.default_rng(0).random((3, 3, 1, len(terms)))
        x = np.linspace(0, 1, 500)[:, None]
        line = randman._coordinates(x, terms * b, c, a * randman._spectrum(task, terms))
        return np.abs(np.diff(line, axis=0)).sum() / np.ptp(line, axis=0).sum()

    assert roughness(1.0) > 2 * roughness(2.0) > 2 * roughness(3.0) / 2
