"""Reads archives and arrays of files from outside: of bounded size, and with one kind of error.

A limit is known from the registry before anything is unpacked. Every archive is read to its end,
where its own checksum stands.
"""

from __future__ import annotations

import gzip
import math
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from hnnlib.errors import DataError, plain

__all__ = [
    "column",
    "gunzip",
    "hdf5",
    "idx",
    "npy",
    "reading",
    "untar",
    "untar_each",
    "unzip",
    "unzip_each",
]

_UNSIGNED_BYTES = 8  # type code of an IDX file
_NPY_HEADER = 1000  # most characters
_PIECE = 1 << 20  # bytes


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turns whatever a library raises at damage into a DataError with the file's name."""
    try:
        yield
    except DataError:
        raise
    except (
        Exception
    ) as error:  # damage has many faces: any of zlib's, HDF5's, NumPy's, the system's
        reason = plain(f"{type(error).__name__}: {error}")[:200]
        raise DataError(
            f"The file {path} is truncated or damaged ({reason}): get it again."
        ) from error


def gunzip(path: Path, limit: int) -> bytes:
    """Content of a gzip file; DataError beyond `limit` bytes."""
    with reading(path), gzip.open(path) as stream:
        return _bounded(stream, limit, path)


def untar(path: Path, limits: Mapping[str, int]) -> dict[str, bytes]:
    """Named files of a gzipped tar archive, in the order of their names in `limits`, which are of
    bytes; nothing else of it is kept, and no link is followed.
    """
    found = dict(untar_each(path, limits))
    missing = [name for name in limits if name not in found]
    if missing:
        raise DataError(f"The archive {path} has no file {missing[0]}: get it again.")
    return {name: found[name] for name in limits}


def untar_each(
    path: Path, limits: Mapping[str, int], largest: int = 0
) -> Iterator[tuple[str, bytes]]:
    """Files of a gzipped tar archive one after another, with their names: those that match a
    pattern of `limits`, such as ``part/*.csv``, and have no more bytes than it says.

    `largest`: most bytes of any other file, where that is more.
    """
    largest = max(largest, *limits.values())
    with reading(path), gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            if member.size > largest:
                raise DataError(
                    f"The file {path} states {member.size} bytes for {plain(member.name)}, more "
                    f"than any of its files can have: get it again."
                )
            limit = next((limits[key] for key in limits if fnmatchcase(member.name, key)), None)
            if limit is not None and member.isreg():
                where = f"{path}: {plain(member.name)}"
                yield member.name, _bounded(tar.extractfile(member), limit, where)
        while stream.read(_PIECE):  # to the checksum
            pass


def unzip(path: Path, name: str, limit: int) -> bytes:
    """One file of a zip archive; DataError beyond `limit` bytes, and for an encrypted one."""
    return next(unzip_each(path, (name,), limit))


def unzip_each(path: Path, names: Iterable[str], limit: int) -> Iterator[bytes]:
    """Named files of a zip archive one after another, see ``unzip``."""
    with reading(path), zipfile.ZipFile(path) as archive:
        for name in names:
            with archive.open(name) as stream:
                yield _bounded(stream, limit, path)


def npy(content: bytes, path: Path | str, columns: int) -> np.ndarray:
    """Array (rows, columns) of numbers in a file of NumPy's, version 1; no object is read.

    DataError where it is something else, or has another length than it states.
    """
    stream = BytesIO(content)
    with reading(path):
        if (version := np.lib.format.read_magic(stream)) != (1, 0):
            raise ValueError(f"version {version}")
        shape, fortran, kind = np.lib.format.read_array_header_1_0(stream, _NPY_HEADER)
    fits = len(shape) == 2 and shape[0] >= 0 and shape[1] == columns and kind.kind in "iuf"
    if not fits or len(content) - stream.tell() != shape[0] * columns * kind.itemsize:
        raise _other(path, "array", f"shape {shape} of {kind} in {len(content)} bytes")
    values = np.frombuffer(content, kind, offset=stream.tell())
    return values.reshape(shape, order="F" if fortran else "C")


def idx(content: bytes, path: Path, dimensions: tuple[int, ...]) -> np.ndarray:
    """Array of unsigned bytes in an IDX file (http://yann.lecun.com/exdb/mnist).

    Header: two zero bytes, type code, number of dimensions, each dimension as big-endian uint32.
    DataError where the file is truncated, is no IDX file, has another length than it states, or
    has none of the numbers of `dimensions`.
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTES]):
        raise DataError(
            f"The file {path} is no IDX file of unsigned bytes (it begins with "
            f"{content[:4].hex() or 'nothing'}, not 000008): get it again."
        )
    if content[3] not in dimensions:
        raise DataError(
            f"The file {path} states {content[3]} dimensions, not "
            f"{' or '.join(map(str, dimensions))}: get it again."
        )
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start].ljust(start - 4, b"\0"), ">u4").tolist())
    if len(content) != start + math.prod(shape):
        raise DataError(
            f"The file {path} holds {len(content)} bytes where its IDX header states "
            f"{start + math.prod(shape)}: get it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


@contextmanager
def hdf5(source: Path | IO[bytes], path: Path) -> Iterator[h5py.File]:
    """An open HDF5 file, at a path or in memory; `path` names it in errors."""
    with reading(path), h5py.File(source, "r") as file:
        yield file


def column(file: h5py.File, path: Path, name: str, kinds: str, limit: int) -> np.ndarray:
    """A one-dimensional column of numbers, or of lists of numbers of varying length.

    Args:
        name: its place, such as ``spikes/times``; links out of the file, and soft ones, are no way
            to it.
        kinds: NumPy's letters of the numbers' types, such as ``iu`` for integers.
        limit: most entries.

    Raises:
        DataError: it is something else, or too long; nothing was read then.
    """
    node = file
    for part in name.split("/"):
        if not isinstance(node, h5py.Group):
            raise _other(path, name, "no group holds it")
        link = node.get(part, getlink=True)  # None where there is none
        if not isinstance(link, h5py.HardLink):
            raise _other(path, name, "it is missing, or a link")
        node = node[part]
    if not isinstance(node, h5py.Dataset):
        raise _other(path, name, "it is a group")
    if node.external or node.is_virtual:
        raise _other(path, name, "it lies in another file")
    if node.ndim != 1 or len(node) > limit:
        raise _other(path, name, f"it has shape {node.shape}, not up to {limit} entries")
    inside = h5py.check_vlen_dtype(node.dtype)
    if (inside or node.dtype).kind not in kinds:
        raise _other(path, name, f"it holds {inside or node.dtype}")
    return node[:]


def _other(path: Path | str, name: str, what: str) -> DataError:
    return DataError(
        f"The file {path} is damaged or has not its layout ({name}: {plain(what)}): get it again."
    )


def _bounded(stream: IO[bytes], limit: int, path: Path | str) -> bytes:
    """All of a stream, which goes through its checksum at its end."""
    content = bytearray()
    while piece := stream.read(_PIECE):
        content += piece
        if len(content) > limit:
            raise DataError(
                f"The file {path} unpacks to more than the {limit} bytes that it can have: it is "
                f"not what it should be, get it again."
            )
    return bytes(content)
