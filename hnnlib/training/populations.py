"""Populations too large for the memory at hand, in pieces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

import torch

from hnnlib.networks.base import Network

__all__ = ["Piece", "chunks", "in_pieces"]

_SHARE = 0.25  # of the memory: several jobs may run at once, and estimates are no more than that
_Population = TypeVar("_Population", bound=Network)


class Piece(NamedTuple, Generic[_Population]):
    """Members that are trained together.

    Attributes:
        network: of these members, freshly built.
        part: which of all members.
        name: ``1of3``, for a checkpoint of its own.
    """

    network: _Population
    part: slice
    name: str


def in_pieces(
    build: Callable[[slice], _Population],
    count: int,
    batch: int,
    device: torch.device | str = "cpu",
    limit: int | None = None,
) -> Iterator[Piece[_Population]]:
    """A population in pieces that fit the memory, one after another; one where it allows that.

    A member is the same in any piece, but for the last bits of its sums: what it draws is keyed by
    its seed alone. Train and measure a piece before the next is taken, and let go of it.

    Args:
        build: the network of some of the ``count`` things that make the population; each may stand
            for several members, which then stay together.
        batch: examples a step.
        device, limit: as in ``chunks``.
    """
    first = build(slice(0, 1))
    parts = chunks(count, len(first.seeds) * first.memory(batch), device, limit)
    for number, part in enumerate(parts, start=1):
        yield Piece(build(part), part, f"{number}of{len(parts)}")


def chunks(
    count: int, bytes_each: int, device: torch.device | str = "cpu", limit: int | None = None
) -> list[slice]:
    """Slices of about equal size that need no more than the memory.

    Args:
        count: how many things there are.
        bytes_each: memory that one needs.
        device: whose memory; a quarter of it is used.
        limit: bytes to use instead.

    >>> chunks(10, 1, limit=4)
    [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """
    if limit is None:
        limit = int(_SHARE * _there(torch.device(device)))
    pieces = min(count, -(-count * bytes_each // max(limit, bytes_each)))
    ends = [count * k // pieces for k in range(pieces + 1)]
    return [slice(first, last) for first, last in zip(ends[:-1], ends[1:], strict=True)]


def _there(device: torch.device) -> int:
    """Bytes of memory that a device has."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system tells
        return 8 << 30
