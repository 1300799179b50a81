"""Work that processes must not do side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["only_one"]


@contextlib.contextmanager
def only_one(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """A block that one process at a time is in; a process that ends, however it ends, is out of it.

    Args:
        path: the lock, a file that stays empty.
        waiting: called before this process waits for another one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
