"""Reads DVS Gesture (Amir et al. 2017) from its official archive, which stays packed.

Layout: ``DvsGesture/user01_led.aedat`` is what one subject does in one light, in AEDAT 3.1;
``user01_led_labels.csv`` says when which gesture begins and ends, in microseconds;
``trials_to_train.txt`` and ``trials_to_test.txt`` name the files of each part.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from hnnlib.datasets.cameras import CHANNELS, Recording, aedat3, record, seconds
from hnnlib.datasets.containers import reading, untar_each
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.fetch import locate
from hnnlib.errors import DataError, plain

__all__ = ["ENTRY", "load"]

ENTRY = Entry(
    name="dvs_gesture",
    title="DVS Gesture",
    n_examples=1464,
    n_classes=11,
    shape=(CHANNELS,),
    licence="CC BY 4.0",
    citation="Amir et al., A low power, fully event-based gesture recognition system, CVPR 2017",
    origin="official files",
    files=(OfficialFile("DvsGesture.tar.gz", 0, "", "8a5c71fb11e24e5ca5b11866ca6c00a1"),),
    mirrors=("https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8",),
    folders=("DVS128Gesture", "DVSGesture"),  # SpikingJelly's and tonic's
    note="cut as the files of labels say; the eleventh class is any other gesture",
)

COUNTS = (1176, 288)  # gestures for training and test
TOP = "DvsGesture"
PARTS = ("trials_to_train.txt", "trials_to_test.txt")
_TEXT = 1 << 16  # most bytes of a file of labels or names
_LARGEST = 1 << 30  # bytes of a recording, several times what there are
_NAME = re.compile(rf"{TOP}/user(\d\d)_\w+\.aedat")


def load(root: str | os.PathLike | None = None) -> EventData:
    """Gestures one by one, training part first; `root` as in `fetch.locate`.

    Takes minutes and about 6 GiB, of which half stay. DataError where a file is damaged or lacks
    gestures.
    """
    located = locate(ENTRY, root)
    (path,) = located.files.values()
    parts, spans = _plan(path)
    gestures = {}
    for member, content in untar_each(path, {f"{TOP}/*.aedat": _LARGEST}):
        if member in spans:
            events = aedat3(content, f"{path}: {member}")
            gestures[member] = [_cut(*events, span) for span in spans[member]]
    if missing := spans.keys() - gestures.keys():
        raise DataError(f"The archive {path} has no file {min(missing)}: get it again.")
    found = [
        Recording(*gesture, int(_NAME.fullmatch(name)[1]) - 1, test)
        for test, names in enumerate(parts)
        for name in names
        for gesture in gestures[name]
    ]
    return record(ENTRY, found, COUNTS, located.source)


def _plan(path: Path) -> tuple[list[list[str]], dict[str, np.ndarray]]:
    """Names of each part's files, and of each the gestures (n, 3): class, first microsecond and
    the one behind the last.
    """
    limits = {f"{TOP}/{name}": _TEXT for name in (*PARTS, "*_labels.csv")}
    texts = dict(untar_each(path, limits, _LARGEST))
    parts, spans = [], {}
    for name in PARTS:
        names = [f"{TOP}/{word}" for word in _text(path, texts, f"{TOP}/{name}").split()]
        for file in names:
            if not _NAME.fullmatch(file) or file in spans:
                raise DataError(f"The file {path}: {name} names {plain(file)}: get it again.")
            table = file.replace(".aedat", "_labels.csv")
            spans[file] = _spans(f"{path}: {table}", _text(path, texts, table))
        parts.append(names)
    return parts, spans


def _text(path: Path, texts: dict[str, bytes], name: str) -> str:
    if name not in texts:
        raise DataError(f"The archive {path} has no file {name}: get it again.")
    with reading(f"{path}: {name}"):
        return texts[name].decode("ascii")


def _spans(path: str, text: str) -> np.ndarray:
    """Rows of a table of labels; its first line has the names of the columns."""
    rows = [line.split(",") for line in text.split()[1:]]
    with reading(path):
        table = np.array(rows, np.int64).reshape(-1, 3)
        if not ((table[:, 0] > 0) & (table[:, 0] <= ENTRY.n_classes)).all():
            raise ValueError(f"classes {sorted(set(table[:, 0].tolist()))}")
        if not (table[:, 1] < table[:, 2]).all():
            raise ValueError("a gesture ends before it begins")
    return table


def _cut(
    times: np.ndarray, units: np.ndarray, span: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """One gesture of a file: times in seconds from its start, channels, label."""
    label, start, end = span.tolist()
    inside = (times >= start) & (times < end)
    return seconds(times[inside] - start), units[inside], label - 1
