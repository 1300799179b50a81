"""Reads CIFAR10-DVS (Li et al. 2017) from its ten official archives, which stay packed.

Layout: ``airplane.zip`` holds ``airplane/cifar10_airplane_<k>.aedat``, k from 0 to 999, in AEDAT
2.0. There is no official test part: the first tenth of each class is it, as in Duan et al. 2022
(temporal effective batch normalisation) and since.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hnnlib.datasets.cameras import CHANNELS, Recording, aedat2, record, seconds
from hnnlib.datasets.containers import unzip_each
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.fetch import locate

__all__ = ["ENTRY", "load"]

# md5 as SpikingJelly prints them
_SUMS = {
    "airplane": "0afd5c4bf9ae06af762a77b180354fdd",
    "automobile": "8438dfeba3bc970c94962d995b1b9bdd",
    "bird": "a9c207c91c55b9dc2002dc21c684d785",
    "cat": "52c63c677c2b15fa5146a8daf4d56687",
    "deer": "b6bf21f6c04d21ba4e23fc3e36c8a4a3",
    "dog": "f379ebdf6703d16e0a690782e62639c3",
    "frog": "cad6ed91214b1c7388a5f6ee56d08803",
    "horse": "e7cbbf77bec584ffbf913f00e682782a",
    "ship": "41c7bd7d6b251be82557c6cce9a7d5c9",
    "truck": "89f3922fd147d9aeff89e76a2b0b70a7",
}
ENTRY = Entry(
    name="cifar10_dvs",
    title="CIFAR10-DVS",
    n_examples=10_000,
    n_classes=10,
    shape=(CHANNELS,),
    licence="CC BY 4.0",
    citation="Li, Liu, Ji, Li, Shi, CIFAR10-DVS: an event-stream dataset for object "
    "classification, Frontiers in Neuroscience 11, 2017, doi 10.3389/fnins.2017.00309",
    origin="official files",
    files=tuple(OfficialFile(f"{name}.zip", 0, "", md5) for name, md5 in _SUMS.items()),
    mirrors=("https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671",),
    folders=("CIFAR10DVS",),
    note="the first tenth of each class is the test part, by custom",
)

EACH = 1000  # recordings of a class
_LARGEST = 1 << 26  # bytes of a recording, several times what there are


def load(root: str | os.PathLike | None = None, every: int = 1) -> EventData:
    """Training part first, class by class; `root` as in `fetch.locate`.

    Takes minutes and twice 16 GiB; with `every`, each so manieth recording only and as much less.
    DataError where a file is damaged or missing.
    """
    located = locate(ENTRY, root)
    tests = range(0, EACH // 10, every)
    trains = range(EACH // 10, EACH, every)
    found = [
        recording
        for numbers, test in ((trains, False), (tests, True))
        for label, path in enumerate(located.files.values())
        for recording in _read(path, label, numbers, test)
    ]
    counts = ENTRY.n_classes * len(trains), ENTRY.n_classes * len(tests)
    return record(ENTRY, found, counts, located.source)


def _read(path: Path, label: int, numbers: range, test: bool) -> Iterator[Recording]:
    word = path.stem
    names = [f"{word}/cifar10_{word}_{number}.aedat" for number in numbers]
    for name, content in zip(names, unzip_each(path, names, _LARGEST), strict=True):
        times, units = aedat2(content, f"{path}: {name}")
        yield Recording(seconds(times - times.min(initial=1 << 32)), units, label, 0, test)
