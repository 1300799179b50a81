"""Files that are whole or not there, whatever ends the program or the machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["written"]


@contextlib.contextmanager
def written(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to, which takes its place when all went well.

    The bytes are on the disk before the name is: a machine that loses its power keeps the earlier
    file or the new one, never an empty one. Where the work fails, the earlier file stays.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _settle(temporary)
        os.replace(temporary, path)
        with contextlib.suppress(OSError):  # not every file system lets folders be opened
            _settle(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Wait until the disk has it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
