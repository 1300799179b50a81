"""CIFAR-10, from its binary records, without ever opening a pickle."""

from __future__ import annotations

import math
import os

import numpy as np

from hnnlib.datasets.containers import reading, untar
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.fetch import Located, locate
from hnnlib.datasets.imagedata import ImageData, complete
from hnnlib.errors import DataError

__all__ = ["ENTRY", "load", "read_records"]

ENTRY = Entry(
    name="cifar10",
    title="CIFAR-10 (binary version)",
    n_examples=60_000,
    n_test=10_000,
    n_classes=10,
    shape=(3, 32, 32),
    licence="no licence stated; the authors ask for the citation",
    citation="Krizhevsky, Learning multiple layers of features from tiny images, technical report, "
    "University of Toronto, 2009",
    origin="official files",
    # md5: https://www.cs.toronto.edu/~kriz/cifar.html; sha256: checksums of TensorFlow Datasets.
    files=(
        OfficialFile(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            "c32a1d4ab5d03f1284b67883e8d87530",
        ),
    ),
    mirrors=("https://www.cs.toronto.edu/~kriz", "https://cave.cs.toronto.edu/kriz"),
    unpacked=(
        *(f"cifar-10-batches-bin/data_batch_{k}.bin" for k in range(1, 6)),
        "cifar-10-batches-bin/test_batch.bin",
    ),
)


def load(root: str | os.PathLike | None = None) -> ImageData:
    """All images, the five training files' first; `root` as in `fetch.locate`.

    The official archive is read in memory and never unpacked, so that nothing unverified lies
    about and a read-only data folder will do.
    """
    located = locate(ENTRY, root)
    blobs = _unpacked(located)
    parts = [read_records(blob, name, ENTRY.shape) for name, blob in blobs.items()]
    for name, (images, _) in zip(blobs, parts, strict=True):
        if len(images) != ENTRY.n_examples // len(blobs):
            raise DataError(
                f"The file {name} holds {len(images)} records, not "
                f"{ENTRY.n_examples // len(blobs)}: get it again."
            )
    images, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    return complete(ENTRY, images, labels, located.source)


def read_records(
    blob: bytes, name: str, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, C, H, W) and labels (n,), uint8, of CIFAR-10 records <label><C*H*W bytes>."""
    length = 1 + math.prod(shape)
    if not blob or len(blob) % length:
        raise DataError(
            f"The file {name} holds {len(blob)} bytes, which is no whole number of records of "
            f"{length} bytes: it is truncated, get it again."
        )
    records = np.frombuffer(blob, np.uint8).reshape(-1, length)
    return records[:, 1:].reshape(-1, *shape), records[:, 0]


def _unpacked(located: Located) -> dict[str, bytes]:
    """Contents of the data files, from the archive or from a copy that a manifest vouches for."""
    names = located.entry.unpacked
    if set(names) == set(located.files):
        files = located.files
        blobs = {}
        for name in names:
            with reading(files[name]):
                blobs[name] = files[name].read_bytes()
        return blobs
    (archive,) = located.files.values()
    return untar(archive, dict.fromkeys(names, ENTRY.n_examples * (1 + math.prod(ENTRY.shape))))
