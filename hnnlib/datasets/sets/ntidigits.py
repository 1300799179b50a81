"""Reads the single digits of N-TIDIGITS18 (Anumula et al. 2018) from its HDF5 file.

Layout: ``train_labels`` and ``test_labels`` name recordings ``sex-speaker-sample-digits``, and
``train_timestamps/<name>``, ``train_addresses/<name>`` hold times in seconds and channels, 0 to 63.
Digits are ``1`` to ``9``, ``z`` (zero) and ``o`` ("oh"); recordings of several digits are left out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from hnnlib.datasets.containers import column, hdf5, reading
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.fetch import locate
from hnnlib.errors import DataError

__all__ = ["ENTRY", "load"]

ENTRY = Entry(
    name="ntidigits",
    title="N-TIDIGITS18, single digits",
    n_examples=4500,
    n_classes=10,
    shape=(64,),
    licence="not stated",
    citation="Anumula, Neil, Delbruck, Liu, Feature representations for neuromorphic audio spike "
    "streams, Frontiers in Neuroscience 12, 2018, doi 10.3389/fnins.2018.00023",
    origin="official files",
    files=(OfficialFile("n-tidigits.hdf5", 0, "", "360a2d11e5429555c9197381cf6b58e0"),),
    mirrors=("https://www.dropbox.com/s/vfwwrhlyzkax4a2",),
    note='"oh" is left out, as in the public code of Abdennadher et al.',
)

COUNTS = (2464, 2486)  # single digits for training and test, "oh" among them
MOST = 20_000  # recordings of a part, several times what there are
DIGITS = {"z": 0} | {str(digit): digit for digit in range(1, 10)} | {"o": 10}


def load(root: str | os.PathLike | None = None, oh: Literal["drop", "keep"] = "drop") -> EventData:
    """The single digits, training part first.

    `root` as in `fetch.locate`; `oh`: whether the eleventh class stays. DataError where the file is
    damaged or lacks recordings.
    """
    located = locate(ENTRY, root)
    (path,) = located.files.values()
    names, times, units, test = [], [], [], []
    with hdf5(path, path) as file:
        for part, count in zip(("train", "test"), COUNTS, strict=True):
            found = _single(file, path, part, count)
            kept = [name for name in found if oh == "keep" or not name.endswith("-o")]
            times += [column(file, path, f"{part}_timestamps/{n}", "f", 10**6) for n in kept]
            units += [column(file, path, f"{part}_addresses/{n}", "iu", 10**6) for n in kept]
            names += kept
            test += [part == "test"] * len(kept)
    lengths = [len(row) for row in times]
    if lengths != [len(row) for row in units]:
        raise DataError(f"A recording of {ENTRY.title} has more times than channels, or fewer.")
    _, speakers = np.unique(["-".join(name.split("-")[:2]) for name in names], return_inverse=True)
    return EventData(
        name=ENTRY.name,
        times=np.concatenate(times).astype(np.float32),
        units=np.concatenate(units).astype(np.int32),
        offsets=np.cumsum([0, *lengths], dtype=np.int64),
        labels=np.array([DIGITS[name[-1]] for name in names], np.int64),
        speakers=speakers.astype(np.int64),
        test=np.array(test),
        n_classes=ENTRY.n_classes + (oh == "keep"),
        channels=ENTRY.shape[0],
        source=located.source,
    )


def _single(file: h5py.File, path: Path, part: str, count: int) -> list[str]:
    """Names of the recordings of one digit."""
    with reading(path):
        names = [name.decode() for name in column(file, path, f"{part}_labels", "SO", MOST)]
    found = [name for name in names if name.split("-")[-1] in DIGITS]
    if len(found) != count:
        raise DataError(
            f"The file {path} holds {len(found)} single digits for {part}, not {count}: use the "
            f"complete data set."
        )
    return found
