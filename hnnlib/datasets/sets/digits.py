"""The handwritten digits embedded in scikit-learn: no network, no files."""

from __future__ import annotations

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hnnlib.datasets.entry import Entry
from hnnlib.datasets.imagedata import ImageData
from hnnlib.errors import DataError

__all__ = ["ENTRY", "content", "load"]

ENTRY = Entry(
    name="digits",
    title="scikit-learn digits",
    n_examples=1797,
    n_classes=10,
    shape=(1, 8, 8),
    licence="CC BY 4.0 (UCI Machine Learning Repository)",
    citation="Alpaydin, Kaynak, Optical recognition of handwritten digits, UCI Machine Learning "
    "Repository, 1998, doi 10.24432/C50P49",
    origin="embedded in scikit-learn",
    content="65e5b4619795efb40c1082f4c350c049e4ad552200d369b6ae99e21eef5e72c5",
)


def load() -> ImageData:
    """The 1797 handwritten digits of scikit-learn, (1797, 1, 8, 8), ink 0..16 so that scale = 16.

    Raises DataError if scikit-learn is missing or delivers other values than the registry's sum.
    """
    images, labels = _handwriting()
    found = content(images, labels)
    if found != ENTRY.content:
        raise DataError(
            f"The digits of the installed scikit-learn have sha256 {found} where the registry "
            f"has {ENTRY.content}: install the version of scikit-learn that the project pins."
        )
    return ImageData(ENTRY.name, images, labels, ENTRY.n_classes, ENTRY.source(found), scale=16.0)


def content(images: np.ndarray, labels: np.ndarray) -> str:
    """Sha256 of images and labels, in little-endian order."""
    return sha256(images.tobytes() + labels.astype("<i8").tobytes()).hexdigest()


def _handwriting() -> tuple[np.ndarray, np.ndarray]:
    found = find_spec("sklearn")  # not imported: that takes a second, its file a hundredth
    if found is None:
        raise DataError(
            "The embedded digits come with scikit-learn, which is not installed: "
            "install it, or choose a data set that is read from files."
        )
    path = Path(found.origin).parent / "datasets/data/digits.csv.gz"
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The installed scikit-learn has no digits in {path}: install the version that the "
            "project pins."
        ) from error
    images = np.ascontiguousarray(table[:, :-1]).reshape(-1, 1, 8, 8)
    return images, table[:, -1].astype(np.int64)
