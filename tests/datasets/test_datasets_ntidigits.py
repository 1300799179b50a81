"""The reader of N-TIDIGITS, on a small file of the same layout."""

from __future__ import annotations

import hashlib
import json

import h5py
import numpy as np
import pytest

from hnnlib.datasets import registry
from hnnlib.datasets.sets import ntidigits
from hnnlib.errors import DataError

TRAIN = ("man-ab-a-1", "man-ab-a-z", "woman-cd-b-o", "woman-cd-a-31z")
TEST = ("man-ef-a-9", "man-ef-b-o")


def events(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and channels of a recording."""
    generator = np.random.default_rng(len(name) + ord(name[-1]))
    count = int(generator.integers(3, 9))
    return np.sort(generator.random(count)), generator.integers(0, 64, count).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(ntidigits, "COUNTS", (3, 2))
    there = tmp_path / "ntidigits"
    there.mkdir()
    path = there / "n-tidigits.hdf5"
    with h5py.File(path, "w") as file:
        for part, names in (("train", TRAIN), ("test", TEST)):
            file[f"{part}_labels"] = np.array(names, dtype="S")
            for name in names:
                file[f"{part}_timestamps/{name}"], file[f"{part}_addresses/{name}"] = events(name)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    manifest = {"source": "ours", "note": "made up", "files": sums}
    (there / "MANIFEST.json").write_text(json.dumps(manifest))
    return tmp_path


def test_single_digits_are_read_and_oh_is_left_out(folder):
    data = registry.load("ntidigits", folder)
    assert data.labels.tolist() == [1, 0, 9] and data.n_classes == 10
    assert data.test.tolist() == [False, False, True]
    assert data.speakers.tolist() == [0, 0, 1]
    times, units = events("man-ab-a-z")
    span = slice(data.offsets[1], data.offsets[2])
    np.testing.assert_allclose(data.times[span], times, rtol=1e-6)
    np.testing.assert_array_equal(data.units[span], units)
    assert not data.source.official and "oh" in data.source.note


def test_oh_is_an_eleventh_class_where_it_is_kept(folder):
    data = ntidigits.load(folder, oh="keep")
    assert data.labels.tolist() == [1, 0, 10, 9, 10] and data.n_classes == 11


def test_a_part_of_the_data_is_refused(folder, monkeypatch):
    monkeypatch.setattr(ntidigits, "COUNTS", (4, 2))
    with pytest.raises(DataError, match="holds 3 single digits for train, not 4"):
        registry.load("ntidigits", folder)


def test_recordings_with_times_without_channels_are_refused(folder, monkeypatch):
    path = folder / "ntidigits" / "n-tidigits.hdf5"
    with h5py.File(path, "a") as file:
        del file["train_addresses/man-ab-a-1"]
        file["train_addresses/man-ab-a-1"] = np.zeros(1, np.uint8)
    manifest = folder / "ntidigits" / "MANIFEST.json"
    stated = json.loads(manifest.read_text())
    stated["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(stated))
    with pytest.raises(DataError, match="more times than channels"):
        registry.load("ntidigits", folder)


def test_without_the_file_it_says_where_to_put_it(tmp_path):
    with pytest.raises(DataError, match="put the files of N-TIDIGITS18"):
        registry.load("ntidigits", tmp_path)
