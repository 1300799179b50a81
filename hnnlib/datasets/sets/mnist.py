"""MNIST, from its four IDX files."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from hnnlib.datasets.containers import gunzip, idx
from hnnlib.datasets.entry import Entry, OfficialFile
from hnnlib.datasets.fetch import locate
from hnnlib.datasets.imagedata import ImageData, complete
from hnnlib.errors import DataError

__all__ = ["ENTRY", "load", "read_idx"]

ENTRY = Entry(
    name="mnist",
    title="MNIST",
    n_examples=70_000,
    n_test=10_000,
    n_classes=10,
    shape=(1, 28, 28),
    licence="CC BY-SA 3.0 as usually stated; copyright Y. LeCun and C. Cortes",
    citation="LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document "
    "recognition, Proc. IEEE 86(11), 1998, doi 10.1109/5.726791",
    origin="official files",
    files=(
        OfficialFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        ),
        OfficialFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "d53e105ee54ea40749a09fcbcd1e9432",
        ),
        OfficialFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "9fb629c4189551a2d022fa330f9573f3",
        ),
        OfficialFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ),
)


def load(root: str | os.PathLike | None = None) -> ImageData:
    """All images, those of the training files first; `root` as in `fetch.locate`."""
    located = locate(ENTRY, root)
    # the order of the entry: images, labels of training, then of test
    train_images, train_labels, test_images, test_labels = map(read_idx, located.files.values())
    pairs = ((train_images, train_labels), (test_images, test_labels))
    for images, labels in pairs:
        if images.shape[1:] != ENTRY.shape[1:] or labels.shape != images.shape[:1]:
            raise DataError(
                f"The files of {ENTRY.title} do not belong together: images of shape "
                f"{images.shape}, labels of shape {labels.shape}; get all four from one place."
            )
    data = complete(
        ENTRY,
        np.concatenate([images[:, None] for images, _ in pairs]),
        np.concatenate([labels for _, labels in pairs]),
        located.source,
    )
    if len(test_labels) != ENTRY.n_test:
        raise DataError(
            f"The test files of {ENTRY.title} hold {len(test_labels)} images, not {ENTRY.n_test}: "
            f"perhaps they are exchanged with the training files."
        )
    return data


def read_idx(path: Path) -> np.ndarray:
    """Images or labels of a gzipped IDX file; DataError where it is damaged or too large."""
    header = 16
    return idx(gunzip(path, ENTRY.n_examples * math.prod(ENTRY.shape) + header), path, (1, 3))
