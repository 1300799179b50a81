"""Files that are whole or not there, whatever ends the program or the machine, and no pipes."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["FULL", "end_of_hdf5", "is_whole", "name_fault", "opened", "read_text", "written"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the system's errors where there is no room: on the disk, or for this user."""
LONGEST_NAME = 255
"""Bytes, on nearly every file system."""


@contextlib.contextmanager
def written(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to, which takes its place when all went well.

    The bytes are on the disk before the name is: a machine that loses its power keeps the earlier
    file or the new one, never an empty one. Where the work fails, the earlier file stays.

    Raises:
        OSError: the disk is full, or the folder cannot be written; it names ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _settle(temporary)
        os.replace(temporary, path)
        with contextlib.suppress(OSError):  # not every file system lets folders be opened
            _settle(path.parent)
    except OSError as reason:
        # the system names no file where a write fails, and otherwise one that nobody knows
        if reason.errno and reason.filename in (None, str(temporary)):
            reason.filename, reason.filename2 = str(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def is_whole(path: Path) -> bool:
    """Whether a file begins as a netCDF-4 file and is as long as it says; nothing else is read.

    An empty or cut store, of a full disk or a killed copy, counts as none: it is made anew.
    """
    try:
        with opened(path) as stream:
            head = stream.read(52)
            size = stream.seek(0, os.SEEK_END)
    except OSError:
        return False
    return size >= (end_of_hdf5(head) or math.inf)


def end_of_hdf5(head: bytes) -> int | None:
    """Where a file ends that begins like this, in bytes; None where it is no HDF5 file.

    It stands in 8 bytes of the superblock (HDF5 file format specification, II.A).
    """
    if len(head) < 52 or head[:8] != b"\x89HDF\r\n\x1a\n" or head[8] > 3:
        return None
    at = 28 if head[8] >= 2 else 40 + 4 * head[8]
    return int.from_bytes(head[at : at + 8], "little")


def opened(path: str | Path) -> BinaryIO:
    """A file to read. Nothing else: a pipe waits for somebody who writes, a device may have no end.

    Raises:
        OSError: it is not there, cannot be read, or is something else.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "is a pipe, a device or a folder and no file", str(path))
    return os.fdopen(handle, "rb")


def read_text(path: str | Path, errors: str = "strict") -> str:
    """Text of a file in UTF-8, see ``opened``; ``errors`` as Python's decoders take it."""
    with opened(path) as stream:
        return stream.read().decode("utf-8", errors)


def name_fault(path: str | Path) -> str:
    """Why no file to write should have a name; "" where it may."""
    if not str(path).isprintable():
        return "line breaks and control characters cannot be in it"
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(path).parts):
        return f"a name has at most {LONGEST_NAME} bytes"
    return ""


def _settle(path: Path) -> None:
    """Wait until the disk has it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
