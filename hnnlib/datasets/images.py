"""Reads MNIST's IDX files and CIFAR-10's binary records, without ever opening a pickle."""

from __future__ import annotations

import gzip
import math
import tarfile
import zlib
from pathlib import Path

import numpy as np

from hnnlib.datasets.fetch import Located
from hnnlib.datasets.imagedata import ImageData
from hnnlib.errors import DataError

__all__ = ["cifar10", "mnist", "read_idx", "read_records"]

UNSIGNED_BYTES = 8  # type code of an IDX file


def mnist(located: Located) -> ImageData:
    """MNIST from its four IDX files in the order images, labels of training, then of test."""
    train_images, train_labels, test_images, test_labels = map(read_idx, located.files.values())
    pairs = ((train_images, train_labels), (test_images, test_labels))
    for images, labels in pairs:
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise DataError(
                f"The files of {located.entry.title} do not belong together: images of shape "
                f"{images.shape}, labels of shape {labels.shape}; get all four from one place."
            )
    return _image_data(
        located,
        np.concatenate([images[:, None] for images, _ in pairs]),
        np.concatenate([labels for _, labels in pairs]),
    )


def cifar10(located: Located) -> ImageData:
    """CIFAR-10 from its binary records, five training files and one test file.

    The official archive is read in memory and never unpacked, so that nothing unverified lies
    about and a read-only data folder will do.
    """
    shape = located.entry.shape
    blobs = _unpacked(located)
    parts = [read_records(blob, name, shape) for name, blob in blobs.items()]
    images, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _image_data(located, images, labels)


def read_idx(path: Path) -> np.ndarray:
    """Array of unsigned bytes in a gzipped IDX file (http://yann.lecun.com/exdb/mnist).

    Header: two zero bytes, type code, number of dimensions, each dimension as big-endian uint32.
    DataError where the file is truncated, is no IDX file or has another length than it states.
    """
    try:
        with gzip.open(path) as stream:
            content = stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"The file {path} is truncated or no gzip file ({error}): get it again."
        ) from error
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTES]):
        raise DataError(
            f"The file {path} is no IDX file of unsigned bytes (it begins with "
            f"{content[:4].hex() or 'nothing'}, not 000008): get it again."
        )
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start].ljust(start - 4, b"\0"), ">u4").tolist())
    if len(content) != start + math.prod(shape):
        raise DataError(
            f"The file {path} holds {len(content)} bytes where its IDX header states "
            f"{start + math.prod(shape)}: get it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


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
        return {name: located.files[name].read_bytes() for name in names}
    (archive,) = located.files.values()
    found = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.name in names and member.isfile():
                    found[member.name] = tar.extractfile(member).read()
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"The archive {archive} cannot be read ({error}): get it again.") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"The archive {archive} has no file {missing[0]}: get it again.")
    return {name: found[name] for name in names}


def _image_data(located: Located, images: np.ndarray, labels: np.ndarray) -> ImageData:
    """The record of one data set, once its size is the registry's."""
    entry = located.entry
    if images.shape != (entry.n_examples, *entry.shape):
        raise DataError(
            f"The files of {entry.title} hold images of shape {images.shape}, not "
            f"{(entry.n_examples, *entry.shape)}: use the complete data set."
        )
    return ImageData(
        name=entry.name,
        images=images,
        labels=labels.astype(np.int64),
        n_classes=entry.n_classes,
        source=located.source,
        scale=255.0,
    )
