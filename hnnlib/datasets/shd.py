"""Reads the Spiking Heidelberg Digits (Cramer et al. 2022) from their HDF5 files.

Layout of each file: spikes/times and spikes/units, one array of varying length a recording; labels;
extra/speaker. Times are in seconds, as half-precision numbers, whose step is 0.5 to 1 ms around one
second: they become float32 before anything is computed from them.
"""

from __future__ import annotations

import zipfile
import zlib
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np

from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.fetch import Located
from hnnlib.errors import DataError

__all__ = ["read"]

COUNTS = (8156, 2264)  # recordings for training and test; the official page states other numbers
SPEAKERS = 12
LONGEST = 10.0  # s; no recording is near it, so that a later spike cannot be in seconds


def read(located: Located) -> EventData:
    """Both files, training part first; archives are read in memory and never unpacked on disk.

    Takes seconds and less than 1 GiB, of which 0.6 GiB stay. DataError where a file is damaged,
    lacks recordings or speakers, or has times that cannot be seconds.
    """
    title = located.entry.title
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
        name=located.entry.name,
        times=times,
        units=units,
        offsets=offsets,
        labels=np.concatenate(labels).astype(np.int64),
        speakers=speakers.astype(np.int64),
        test=np.repeat([False, True], [len(part) for part in labels]),
        n_classes=located.entry.n_classes,
        channels=located.entry.shape[0],
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
