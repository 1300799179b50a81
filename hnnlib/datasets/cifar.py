"""Reads the binary records of CIFAR-10 and CIFAR-100, without ever opening a pickle."""

from __future__ import annotations

import math
import os

import numpy as np

from hnnlib.datasets.containers import reading, untar
from hnnlib.datasets.entry import Entry
from hnnlib.datasets.fetch import Located, locate
from hnnlib.datasets.imagedata import ImageData, complete
from hnnlib.errors import DataError

__all__ = ["CITATION", "LICENCE", "MIRRORS", "load"]

LICENCE = "no licence stated; the authors ask for the citation"
CITATION = (
    "Krizhevsky, Learning multiple layers of features from tiny images, technical report, "
    "University of Toronto, 2009"
)
MIRRORS = ("https://www.cs.toronto.edu/~kriz", "https://cave.cs.toronto.edu/kriz")


def load(
    entry: Entry, root: str | os.PathLike | None, counts: tuple[int, ...], labels: int
) -> ImageData:
    """All images, the training files' first; `root` as in `fetch.locate`.

    The official archive is read in memory and never unpacked, so that nothing unverified lies
    about and a read-only data folder will do.

    Args:
        counts: records of each file of ``entry.unpacked``.
        labels: how many a record has; the last is taken.
    """
    located = locate(entry, root)
    blobs = _unpacked(located)
    parts = [_read_records(blob, name, entry.shape, labels) for name, blob in blobs.items()]
    for name, (images, _), count in zip(blobs, parts, counts, strict=True):
        if len(images) != count:
            raise DataError(
                f"The file {name} holds {len(images)} records, not {count}: get it again."
            )
    images, found = (np.concatenate(column) for column in zip(*parts, strict=True))
    return complete(entry, images, found, located.source)


def _read_records(
    blob: bytes, name: str, shape: tuple[int, ...], labels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, C, H, W) and labels (n,), uint8, of records <labels><C*H*W bytes>."""
    length = labels + math.prod(shape)
    if not blob or len(blob) % length:
        raise DataError(
            f"The file {name} holds {len(blob)} bytes, which is no whole number of records of "
            f"{length} bytes: it is truncated, get it again."
        )
    records = np.frombuffer(blob, np.uint8).reshape(-1, length)
    return records[:, labels:].reshape(-1, *shape), records[:, labels - 1]


def _unpacked(located: Located) -> dict[str, bytes]:
    """Contents of the data files, from the archive or from a copy that a manifest vouches for."""
    entry = located.entry
    if set(entry.unpacked) == set(located.files):
        blobs = {}
        for name in entry.unpacked:
            with reading(located.files[name]):
                blobs[name] = located.files[name].read_bytes()
        return blobs
    (archive,) = located.files.values()
    limit = entry.n_examples * (2 + math.prod(entry.shape))
    return untar(archive, dict.fromkeys(entry.unpacked, limit))
