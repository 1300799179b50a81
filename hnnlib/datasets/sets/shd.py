"""Reads the Spiking Heidelberg Digits (Cramer et al. 2022) from their HDF5 files.

Layout of each file: spikes/times and spikes/units, one array of varying length a recording; labels;
extra/speaker. Times are in seconds, as half-precision numbers, whose step is 0.5 to 1 ms around one
second: they become float32 before anything is computed from them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np

from hnnlib.datasets.containers import column, hdf5, reading, unzip
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.fetch import locate
from hnnlib.errors import DataError

__all__ = ["ENTRY", "load"]

ENTRY = Entry(
    name="shd",
    title="Spiking Heidelberg Digits",
    n_examples=10_420,
    n_classes=20,
    shape=(700,),
    licence="CC BY 4.0",
    citation="Cramer, Stradmann, Schemmel, Zenke, The Heidelberg spiking data sets for the "
    "systematic evaluation of spiking neural networks, IEEE Trans. Neural Networks and Learning "
    "Systems 33(7), 2022, doi 10.1109/TNNLS.2020.3044364",
    origin="official files",
    # the authors print md5 sums only
    files=(
        OfficialFile("shd_train.h5.zip", 0, "", "f3252aeb598ac776c1b526422d90eecb"),
        OfficialFile("shd_test.h5.zip", 0, "", "1503a5064faa34311c398fb0a1ed0a6f"),
    ),
    mirrors=("https://zenkelab.org/datasets", "https://compneuro.net/datasets"),
    unpacked=("shd_train.h5", "shd_test.h5"),
    folders=("SHD",),  # tonic's
)

COUNTS = (8156, 2264)  # recordings for training and test; the official page states other numbers
SPEAKERS = 12
LARGEST = 2 << 30  # bytes of an unpacked file, several times what the official ones have
LONGEST = 10.0  # s; no recording is near it, so that a later spike cannot be in seconds


def load(root: str | os.PathLike | None = None) -> EventData:
    """Both files, training part first; archives are read in memory and never unpacked on disk.

    `root` as in `fetch.locate`. Takes seconds and less than 1 GiB, of which 0.6 GiB stay.
    DataError where a file is damaged, lacks recordings or speakers, or has times that cannot be
    seconds.
    """
    title, located = ENTRY.title, locate(ENTRY, root)
    labels, speakers, times, units = [], [], [], []
    for path in located.files.values():
        with _open(path) as file:
            most = max(COUNTS)
            labels.append(column(file, path, "labels", "iu", most))
            speakers.append(column(file, path, "extra/speaker", "iu", most))
            times.append(column(file, path, "spikes/times", "f", most))
            units.append(column(file, path, "spikes/units", "iu", most))
    _check_recordings(title, [len(part) for part in labels], np.concatenate(speakers))
    with reading(f"of {title}"):
        times, offsets = _join(times, np.float32)
        units, also = _join(units, np.int32)
    if not np.array_equal(offsets, also):
        raise DataError(f"A file of {title} has recordings with more times than units, or fewer.")
    if times.size and times.max() > LONGEST:
        raise DataError(
            f"A file of {title} has a spike at {times.max():g} s, after the longest recording: "
            f"divide its times by 1000 if they are in milliseconds, for they must be in seconds."
        )
    return EventData(
        name=ENTRY.name,
        times=times,
        units=units,
        offsets=offsets,
        labels=np.concatenate(labels).astype(np.int64),
        speakers=np.concatenate(speakers).astype(np.int64),
        test=np.repeat([False, True], [len(part) for part in labels]),
        n_classes=ENTRY.n_classes,
        channels=ENTRY.shape[0],
        source=located.source,
    )


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    """The HDF5 file at a path, or the one inside an archive."""
    source = path if path.suffix != ".zip" else BytesIO(unzip(path, path.stem, LARGEST))
    with hdf5(source, path) as file:
        yield file


def _check_recordings(title: str, counts: list[int], speakers: np.ndarray) -> None:
    if tuple(counts) != COUNTS:
        raise DataError(
            f"The files of {title} hold {' and '.join(map(str, counts))} recordings, not "
            f"{' and '.join(map(str, COUNTS))}: use the complete data set."
        )
    if not np.array_equal(np.unique(speakers), np.arange(SPEAKERS)):
        raise DataError(
            f"The files of {title} name the speakers {np.unique(speakers).tolist()}, not 0 to "
            f"{SPEAKERS - 1}: use the complete data set."
        )


def _join(columns: list[np.ndarray], kind: type) -> tuple[np.ndarray, np.ndarray]:
    """All recordings of a column of lists end to end, and where each begins."""
    rows = [row for column in columns for row in column]
    lengths = [len(row) for row in rows]
    if len(set(lengths)) == 1 and lengths[0] > 1:
        raise DataError(
            f"All recordings of {ENTRY.title} have {lengths[0]} spikes: they were padded or cut, "
            f"use them as they were published."
        )
    joined = np.concatenate(rows, dtype=kind, casting="unsafe")
    return joined, np.cumsum([0, *lengths], dtype=np.int64)
