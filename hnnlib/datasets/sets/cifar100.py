"""CIFAR-100, from its binary records, which hold a coarse label before the fine one."""

from __future__ import annotations

import os

from hnnlib.datasets import cifar
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.imagedata import ImageData

__all__ = ["ENTRY", "load"]

ENTRY = Entry(
    name="cifar100",
    title="CIFAR-100 (binary version)",
    n_examples=60_000,
    n_test=10_000,
    n_classes=100,
    shape=(3, 32, 32),
    licence=cifar.LICENCE,
    citation=cifar.CITATION,
    origin="official files",
    # md5: https://www.cs.toronto.edu/~kriz/cifar.html; sha256: checksums of TensorFlow Datasets.
    files=(
        OfficialFile(
            "cifar-100-binary.tar.gz",
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            "03b5dce01913d631647c71ecec9e9cb8",
        ),
    ),
    mirrors=cifar.MIRRORS,
    unpacked=("cifar-100-binary/train.bin", "cifar-100-binary/test.bin"),
)


def load(root: str | os.PathLike | None = None) -> ImageData:
    """All images with their fine labels, the training file's first; see ``cifar.load``."""
    counts = ENTRY.n_examples - ENTRY.n_test, ENTRY.n_test
    return cifar.load(ENTRY, root, counts, labels=2)
