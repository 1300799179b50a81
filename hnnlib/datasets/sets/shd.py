"""Reads the Spiking Heidelberg Digits (Cramer et al. 2022) from their HDF5 files.

Layout of each file: spikes/times and spikes/units, one array of varying length a recording; labels;
extra/speaker. Times are in seconds, as half-precision numbers, whose step is 0.5 to 1 ms around one
second: they become float32 before anything is computed from them.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np

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
LONGEST = 10.0  # s; no recording is near it, so that a later spike cannot be in seconds


def load(root: str | os.PathLike | None = None) -> EventData:
    """Both files, training part first; archives are read in memory and never unpacked on disk.

    `root` as in `fetch.locate`. Takes seconds and less than 1 GiB, of which 0.6 GiB stay.
    DataError where a file is damaged, lacks recordings or speakers, or has times that cannot be
    seconds.
    """
    title, located = ENTRY.title, locate(ENTRY, root)
    with ExitStack() as stack:
        try:
            files = [stack.enter_context(_open(path)) for path in located.files.values()]
            labels = [file["labels"][:] for file in files]
            speakers = np.concatenate([file["extra/speaker"][:] for file in files])
            _check_recordings(title, [len(part) for part in labels], speakers)
            times, offsets = _join(files, "spikes/times", np.float32)
            units, also = _join(files, "spikes/units", np.int32)
        except (OSError, KeyError, ValueError) as error:
            raise DataError(
                f"A file of {title} is damaged or has not its layout ({error}): get it again."
            ) from error
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
        speakers=speakers.astype(np.int64),
        test=np.repeat([False, True], [len(part) for part in labels]),
        n_classes=ENTRY.n_classes,
        channels=ENTRY.shape[0],
        source=located.source,
    )


def _open(path: Path) -> h5py.File:
    """The HDF5 file at a path, or the one inside an archive."""
    if path.suffix != ".zip":
        return h5py.File(path, "r")
    try:
        with zipfile.ZipFile(path) as archive:
            return h5py.File(BytesIO(archive.read(path.stem)), "r")
    except (zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"The archive {path} cannot be read ({error}): get it again.") from error


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


def _join(files: list[h5py.File], column: str, kind: type) -> tuple[np.ndarray, np.ndarray]:
    """All recordings of a column end to end, and where each begins.

    The whole column is read at once, since one read for each recording takes many times longer.
    """
    rows = [row for file in files for row in file[column][:]]
    joined = np.concatenate(rows, dtype=kind, casting="unsafe")
    return joined, np.cumsum([0, *map(len, rows)], dtype=np.int64)
