"""CIFAR-10, from its binary records."""

from __future__ import annotations

import os

from hnnlib.datasets import cifar
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.imagedata import ImageData

__all__ = ["ENTRY", "load"]

ENTRY = Entry(
    name="cifar10",
    title="CIFAR-10 (binary version)",
    n_examples=60_000,
    n_test=10_000,
    n_classes=10,
    shape=(3, 32, 32),
    licence=cifar.LICENCE,
    citation=cifar.CITATION,
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
    mirrors=cifar.MIRRORS,
    unpacked=(
        *(f"cifar-10-batches-bin/data_batch_{k}.bin" for k in range(1, 6)),
        "cifar-10-batches-bin/test_batch.bin",
    ),
)


def load(root: str | os.PathLike | None = None) -> ImageData:
    """All images, the five training files' first; see ``cifar.load``."""
    each = ENTRY.n_examples // len(ENTRY.unpacked)
    return cifar.load(ENTRY, root, counts=(each,) * len(ENTRY.unpacked), labels=1)
