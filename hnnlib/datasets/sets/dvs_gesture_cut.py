"""Reads DVS Gesture as tonic publishes it: cut into gestures, with times in milliseconds.

Layout of each archive: ``<top>/<subject>_<light>/<label>.npy``, an array (events, 4) of x, y,
polarity and time. One recording for each subject, light and label.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from hnnlib.datasets.cameras import CHANNELS, Recording, channels, record, seconds
from hnnlib.datasets.containers import npy, untar_each
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.fetch import locate
from hnnlib.errors import DataError, plain

__all__ = ["ENTRY", "load"]

ENTRY = Entry(
    name="dvs_gesture_cut",
    title="DVS Gesture, cut by tonic",
    n_examples=1341,
    n_classes=11,
    shape=(CHANNELS,),
    licence="CC BY 4.0",
    citation="Amir et al., A low power, fully event-based gesture recognition system, CVPR 2017; "
    "cut by Lenz et al., tonic, doi 10.5281/zenodo.5079802",
    origin="tonic's files",
    files=(
        OfficialFile("ibmGestureTrain.tar.gz", 0, "", "3a8f0d4120a166bac7591f77409cb105"),
        OfficialFile("ibmGestureTest.tar.gz", 0, "", "56070e45dadaa85fff82e0fbfbc06de5"),
    ),
    mirrors=("https://www.neuromorphic-vision.com/public/downloads",),
    folders=("DVSGesture",),  # tonic's
    note="cut by tonic into fewer recordings than the official files name, to milliseconds",
)

COUNTS = (1077, 264)  # gestures for training and test
_LARGEST = 1 << 28  # bytes of a recording
_NAME = re.compile(r"ibmGesture(Train|Test)/user(\d\d)_\w+/(\d+)\.npy")


def load(root: str | os.PathLike | None = None) -> EventData:
    """Gestures one by one, training part first; `root` as in `fetch.locate`.

    Takes minutes and about 6 GiB, of which half stay. DataError where a file is damaged or lacks
    gestures.
    """
    located = locate(ENTRY, root)
    found = []
    for test, path in enumerate(located.files.values()):
        for name, content in untar_each(path, {"ibmGesture*/user*/*.npy": _LARGEST}):
            found.append(_read(path, name, content, bool(test)))
    return record(ENTRY, found, COUNTS, located.source)


def _read(path: Path, name: str, content: bytes, test: bool) -> Recording:
    if not (parts := _NAME.fullmatch(name)):
        raise DataError(f"The archive {path} names a recording {plain(name)}: get it again.")
    where = f"{path}: {name}"
    x, y, polarity, milliseconds = npy(content, where, 4).T
    units = channels(x, y, polarity, where)
    times = seconds(1000.0 * (milliseconds - milliseconds[:1]))
    return Recording(times, units, int(parts[3]), int(parts[2]) - 1, test)
