"""Threads for compiled kernels: as many as torch uses.

On several threads, start Python with ``GOMP_SPINCOUNT=1000`` in the environment, as ``python -m
hnnlib`` does: otherwise torch's threads spin for milliseconds behind every operation, on the cores
that these need. It makes up to a factor of 1.7.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch

__all__ = ["in_threads"]


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="hnnlib")


if hasattr(os, "register_at_fork"):  # threads don't live on in a forked process
    os.register_at_fork(after_in_child=_pool.cache_clear)


def in_threads(kernel: Callable[..., None], total: int, *arguments: Any) -> None:
    """Call ``kernel(first, last, *arguments)`` on ranges that make up 0 to ``total``, one a thread.

    Kernels let go of the interpreter lock, so plain threads do; unlike Numba's own, they can be
    used from several threads at once, and don't spin beside torch's when they wait.
    """
    parts = min(torch.get_num_threads(), total)
    if parts <= 1:
        kernel(0, total, *arguments)
        return
    ends = [total * k // parts for k in range(parts + 1)]
    waiting = [
        _pool(parts).submit(kernel, first, last, *arguments)
        for first, last in zip(ends[1:-1], ends[2:], strict=True)
    ]
    kernel(0, ends[1], *arguments)
    for part in waiting:
        part.result()
