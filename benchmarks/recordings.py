"""Batches of real recordings, epoch after epoch: as lists of events, or written out.

Imported only for the task ``epoch``, since the peers' processes hold nothing else of hnnlib.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.tasks import Epoch
from hnnlib.datasets.eventdata import BinnedEvents, bin_events
from hnnlib.datasets.registry import load
from hnnlib.signals import Signal, dense
from hnnlib.training.examples import Recordings

__all__ = ["Feed", "orders", "written"]

_CHUNK = 64  # recordings that are counted at once: bounds the memory


class Feed:
    """The training part of a data set in batches; every process gives the same ones.

    All recordings are cut into steps when the feed is made, and held in the form that is best for
    the library: a list of events, or an array of 8-bit counts, which is a quarter of the memory of
    numbers in single precision. A batch is made from it within the timed step.

    Args:
        task: says which data set, how it is cut, and the batch.
        listed: batches of events (time, 1, batch, channel), not of tensors (time, batch, channel).
        device: where recordings are held.

    Attributes:
        about: name, official, note of the data set's maker, recordings, and steps of an epoch.
        density: share of elements that aren't zero, in the first batch of a feed.

    Raises:
        DataError: the data set isn't there.
    """

    def __init__(self, task: Epoch, listed: bool, device: str = "cpu") -> None:
        data = load(task.data)
        size = int(np.count_nonzero(~data.test))  # the training part comes first
        binned = bin_events(data, task.steps, task.width)
        part = BinnedEvents(binned.units, binned.starts[:size], binned.channels)
        self.about: dict[str, Any] = {
            "name": data.name,
            "official": data.source.official,
            "note": data.source.note,
            "recordings": size,
            "steps": math.ceil(size / task.batch),
        }
        self.task, self.device = task, torch.device(device)
        self.labels = torch.from_numpy(data.labels[:size]).to(device)
        self.recordings = Recordings(part, data.labels[:size], self.device) if listed else None
        self.array = None if listed else torch.from_numpy(written(part)).to(device)
        first, _ = next(iter(self))
        self.density = (dense(first) != 0).float().mean().item()

    def __iter__(self) -> Iterator[tuple[Signal, Tensor]]:
        """Input and labels (batch,) of one training step after the other, without end."""
        for rows in orders(len(self.labels), self.task.batch, self.task.generator(3)):
            here = rows.to(self.device)
            yield self._input(here), self.labels[here]

    def _input(self, rows: Tensor) -> Signal:
        if self.recordings is not None:
            return self.recordings.inputs(rows[None])
        # turning the small numbers before they grow takes the least time of the ways tried
        return self.array.index_select(0, rows).transpose(0, 1).contiguous().float()


def orders(n: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Rows of one batch after the other, a new order each epoch; the last batch has what is left.

    >>> [len(rows) for rows, _ in zip(orders(5, 2, torch.Generator()), range(4))]
    [2, 2, 1, 2]
    """
    while True:
        yield from torch.randperm(n, generator=generator).split(batch)


def written(binned: BinnedEvents) -> np.ndarray:
    """How often each channel fired, uint8 (recording, step, channel)."""
    shape = (len(binned), binned.steps, binned.channels)
    counts = np.empty(shape, np.uint8)
    for first in range(0, len(binned), _CHUNK):
        starts = binned.starts[first : first + _CHUNK]
        step = np.repeat(np.arange(len(starts) * binned.steps), np.diff(starts).ravel())
        place = step * binned.channels + binned.units[starts[0, 0] : starts[-1, -1]]
        counts[first : first + _CHUNK] = np.bincount(
            place, minlength=math.prod((len(starts), *shape[1:]))
        ).reshape(-1, *shape[1:])
    return counts
