"""Populations too large for the memory at hand, in pieces."""

from __future__ import annotations

import os

import torch

__all__ = ["chunks"]

_SHARE = 0.25  # of the memory: several jobs may run at once, and estimates are no more than that


def chunks(
    members: int, bytes_each: int, device: torch.device | str = "cpu", limit: int | None = None
) -> list[range]:
    """Members to train together, in pieces of about equal size; one where the memory allows it.

    A member's result is the same in any piece: what it draws is keyed by its seed alone.

    Args:
        members: size of the whole population.
        bytes_each: memory that one member needs.
        device: whose memory; a quarter of it is used.
        limit: bytes to use instead.

    >>> chunks(10, 1, limit=4)
    [range(0, 3), range(3, 6), range(6, 10)]
    """
    if limit is None:
        limit = int(_SHARE * _memory(torch.device(device)))
    pieces = min(members, -(-members * bytes_each // max(limit, bytes_each)))
    ends = [members * k // pieces for k in range(pieces + 1)]
    return [range(first, last) for first, last in zip(ends[:-1], ends[1:], strict=True)]


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system tells
        return 8 << 30
