"""Keeping memory between training steps."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_memory"]

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_HUGEPAGE, _PAGE = 14, 2 << 20
_ROOM = 1 << 30  # of address space, not of memory


def keep_memory() -> None:
    """Ask glibc's allocator not to give large blocks back to the system, and the system for huge
    pages; elsewhere, do nothing.

    By default a large tensor may be mapped anew at each step, and its pages are faulted in one by
    one: a third of the time of a small convolutional network. What steps through time touches a
    piece of many pages at each step, and waits for the page table where pages are small.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        libc = ctypes.CDLL(None)
        mallopt, malloc, free, madvise = libc.mallopt, libc.malloc, libc.free, libc.madvise
    except (AttributeError, OSError):  # musl and others have no mallopt
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_TOP_PAD, 64 << 20)
    malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    free.argtypes = [ctypes.c_void_p]
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    # the block is never touched: it marks the addresses that later blocks will get
    block = malloc(_ROOM)
    if block:
        start = -(-block // _PAGE) * _PAGE
        madvise(start, (block + _ROOM - start) // _PAGE * _PAGE, _HUGEPAGE)
        free(block)
