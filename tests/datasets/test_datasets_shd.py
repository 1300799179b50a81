"""The reader of the Spiking Heidelberg Digits, on small files of the same layout."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest

from hnnlib.datasets import registry
from hnnlib.datasets.entry import OfficialFile
from hnnlib.datasets.eventdata import bin_events
from hnnlib.datasets.sets import shd
from hnnlib.errors import DataError

COUNTS = (16, 14)
RNG = np.random.default_rng(0)
TIMES = [RNG.random(k % 5).astype(np.float16) for k in range(sum(COUNTS))]
UNITS = [RNG.integers(0, 700, k % 5).astype(np.uint16) for k in range(sum(COUNTS))]
SPEAKERS = np.r_[np.arange(16) % 10, np.arange(14) % 12].astype(np.uint16)


def hdf5(rows, times=TIMES, units=UNITS, speakers=SPEAKERS, label=0):
    """Content of a file with some of the recordings."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in (("times", times), ("units", units)):
            kind = h5py.vlen_dtype(values[0].dtype)
            column = file.create_dataset(f"spikes/{name}", (len(values[rows]),), kind)
            for k, row in enumerate(values[rows]):
                column[k] = row
        file["labels"] = (np.arange(len(times)) % 20 + label).astype(np.uint16)[rows]
        file["extra/speaker"] = speakers[rows]
    return buffer.getvalue()


def pair(**changes):
    rows = slice(0, COUNTS[0]), slice(COUNTS[0], None)
    return {
        name: hdf5(part, **changes) for name, part in zip(shd.ENTRY.unpacked, rows, strict=True)
    }


@pytest.fixture
def vouched(monkeypatch, tmp_path):
    """Writes files of recordings with a manifest, and gives the folder to load from."""
    monkeypatch.setattr(shd, "COUNTS", COUNTS)

    def write(files, folder="shd"):
        (tmp_path / folder).mkdir()
        for name, content in files.items():
            (tmp_path / folder / name).write_bytes(content)
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        manifest = {"source": "ours", "note": "regenerated", "files": sums}
        (tmp_path / folder / "MANIFEST.json").write_text(json.dumps(manifest))
        return tmp_path

    return write


def expected(data):
    assert len(data) == 30 and data.n_classes == 20 and data.channels == 700
    np.testing.assert_array_equal(data.times, np.concatenate(TIMES).astype(np.float32))
    np.testing.assert_array_equal(data.units, np.concatenate(UNITS))
    np.testing.assert_array_equal(np.diff(data.offsets), [len(row) for row in TIMES])
    np.testing.assert_array_equal(data.speakers, SPEAKERS)
    assert data.test.tolist() == [False] * 16 + [True] * 14


def test_recordings_come_in_order_training_first_and_a_copy_is_marked(vouched):
    data = registry.load("shd", vouched(pair()))
    expected(data)
    assert data.labels.tolist() == [k % 20 for k in range(30)]
    assert not data.source.official and data.source.note == "regenerated"


def test_tonic_reads_the_same_recordings(vouched):
    """Where it is installed: pip install -e '.[events]'."""
    tonic = pytest.importorskip("tonic.datasets.hsd")
    theirs = object.__new__(tonic.SHD)
    root = vouched(pair(), "SHD")
    theirs.location_on_system = str(root / "SHD")
    theirs.data_filename = shd.ENTRY.unpacked[0]
    theirs.transform = theirs.target_transform = None
    ours = registry.load("shd", root)
    assert len(theirs) == COUNTS[0]
    for k in range(COUNTS[0]):
        events, label = theirs[k]
        where = slice(ours.offsets[k], ours.offsets[k + 1])
        np.testing.assert_array_equal(events["x"], ours.units[where])
        np.testing.assert_allclose(events["t"], 1e6 * ours.times[where], atol=1)  # whole us
        assert label == ours.labels[k]


@pytest.mark.parametrize("folder", ["shd", "SHD"])
def test_official_archives_are_read_without_unpacking(monkeypatch, tmp_path, folder):
    monkeypatch.setattr(shd, "COUNTS", COUNTS)
    files = []
    (tmp_path / folder).mkdir()
    for name, content in pair().items():
        path = tmp_path / folder / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, content)
        files.append(OfficialFile(path.name, 0, "", hashlib.md5(path.read_bytes()).hexdigest()))
    monkeypatch.setattr(shd, "ENTRY", replace(shd.ENTRY, files=tuple(files)))
    data = registry.load("shd", tmp_path)
    expected(data)
    assert data.source.official and len(list((tmp_path / folder).iterdir())) == 2


def test_half_precision_times_are_widened_before_they_are_binned(vouched):
    times = [np.full(1, 0.9, np.float16)] * 30
    data = registry.load("shd", vouched(pair(times=times, units=[UNITS[1][:1]] * 30)))
    assert data.times[0] == np.float32(np.float16(0.9)) < 0.9
    starts = bin_events(data, 100, 0.01).starts
    assert (np.argmax(np.diff(starts), axis=1) == 89).all()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"times": [1000 * row for row in TIMES]}, "divide its times by 1000"),
        ({"speakers": SPEAKERS % 11}, "name the speakers .* not 0 to 11"),
        ({"units": [row[:1] for row in UNITS]}, "more times than units"),
        ({"units": [row + 700 for row in UNITS]}, "units of shd run from"),
        ({"label": 5}, "labels of shd run from"),
    ],
    ids=["milliseconds", "speakers", "lengths", "units", "labels"],
)
def test_files_with_other_content_are_refused(vouched, files, message):
    with pytest.raises(DataError, match=message):
        registry.load("shd", vouched(pair(**files)))


def test_incomplete_data_are_refused(vouched, monkeypatch):
    root = vouched(pair())
    monkeypatch.undo()
    with pytest.raises(DataError, match="hold 16 and 14 recordings, not 8156 and 2264"):
        registry.load("shd", root)


def test_a_file_that_is_no_hdf5_is_refused(vouched):
    with pytest.raises(DataError, match="damaged"):
        registry.load("shd", vouched(pair() | {"shd_test.h5": b"nothing"}))
