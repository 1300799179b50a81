"""Data sets: one registry, verified downloads, embedded data, keyed splits.

>>> data = load("digits")
>>> data.pixels(slice(0, 2)).shape
(2, 1, 8, 8)
"""

from __future__ import annotations

import os
from functools import partial

from hnnlib.datasets import (
    embedded,
    images,
    randman,
    registry,
    shd,
    speakers,
    splits,
    spoken_digits,
)
from hnnlib.datasets.eventdata import BinnedEvents, EventData, bin_events
from hnnlib.datasets.fetch import locate
from hnnlib.datasets.imagedata import ImageData, Source
from hnnlib.datasets.registry import names

__all__ = [
    "BinnedEvents",
    "EventData",
    "ImageData",
    "Source",
    "bin_events",
    "load",
    "names",
    "randman",
    "speakers",
    "splits",
]

_READERS = {"mnist": images.mnist, "cifar10": images.cifar10, "shd": shd.read}
_EMBEDDED = {
    "digits": embedded.digits,
    "cluttered_digits": embedded.cluttered_digits,
    "spoken_digits": spoken_digits.generate,
} | {name: partial(randman.generate, task) for name, task in randman.TASKS.items()}


def load(name: str, root: str | os.PathLike | None = None) -> ImageData | EventData:
    """A data set in memory, official training part first, then the official test part.

    `root` (else the folder that HNN_DATA names, else the user's cache) holds `<name>/`; embedded
    data need none. DataError, with a suggestion, where the name is unknown, and where files are
    missing, damaged or not the official ones without a MANIFEST.json to vouch for them.
    """
    registry.get(name)
    if name in _EMBEDDED:
        return _EMBEDDED[name]()
    return _READERS[name](locate(name, root))
