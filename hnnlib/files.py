"""Files that are whole or not there, whatever ends the program or the machine."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["FULL", "is_whole", "written"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the system's errors where there is no room: on the disk, or for this user."""


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
    if not path.is_file():  # a pipe has no end
        return False
    try:
        with path.open("rb") as stream:
            head = stream.read(52)
            size = stream.seek(0, os.SEEK_END)
    except OSError:
        return False
    # the end of the file in 8 bytes of the superblock (HDF5 file format specification, II.A)
    if len(head) < 52 or head[:8] != b"\x89HDF\r\n\x1a\n" or head[8] > 3:
        return False
    at = 28 if head[8] >= 2 else 40 + 4 * head[8]
    return size >= int.from_bytes(head[at : at + 8], "little")


def _settle(path: Path) -> None:
    """Wait until the disk has it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
