"""Examples for a population: each member reads the rows of its own split, in its own order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from hnnlib.datasets.eventdata import BinnedEvents
from hnnlib.datasets.imagedata import ImageData
from hnnlib.datasets.splits import Split
from hnnlib.randomness import MemberNoise
from hnnlib.signals import Events

__all__ = [
    "Augmentation",
    "Examples",
    "Features",
    "Frozen",
    "Images",
    "Parts",
    "Recordings",
    "Shared",
    "cache",
]


class Parts(NamedTuple):
    """Rows of each member's split: integer tensors (member, n)."""

    train: Tensor
    validation: Tensor
    test: Tensor

    @classmethod
    def of(cls, drawn: Sequence[Split], device: torch.device) -> Parts:
        """Splits of all members, one each.

        Where groups of examples differ in size, so may the splits: parts are cut to the shortest,
        which leaves out a few examples at most.
        """
        columns = zip(*((d.train, d.validation, d.test) for d in drawn), strict=True)
        equal = (np.stack([rows[: min(map(len, column))] for rows in column]) for column in columns)
        return cls(*(torch.from_numpy(rows).to(device) for rows in equal))


class Examples(Protocol):
    """Something to train on."""

    def inputs(self, rows: Tensor) -> Tensor | Events:
        """Inputs of rows (member, batch): (member, batch, *in), or events over time."""

    def labels(self, rows: Tensor) -> Tensor:
        """What a task wants for rows (member, batch): classes (member, batch), or targets of any
        type (member, batch, ...).
        """


class Augmentation(Protocol):
    """What is done to a batch before it is trained on."""

    def __call__(
        self, inputs: Tensor | Events, labels: Tensor, noise: MemberNoise
    ) -> tuple[Tensor | Events, Tensor]:
        """Other inputs and labels, of the same members.

        Args:
            inputs, labels: as ``Examples`` gives them; not to be changed in place.
            noise: draws of this batch, keyed by (seed, "augmentation", epoch, place of the batch).
        """


class Images:
    """Images that all members share; kept as stored (8 bits a pixel where the data set is), scaled
    when read.

    Args:
        data: a data set.
        device: where batches are wanted.
    """

    def __init__(self, data: ImageData, device: torch.device) -> None:
        self._images = torch.from_numpy(np.ascontiguousarray(data.images)).to(device)
        self._labels = torch.from_numpy(np.ascontiguousarray(data.labels)).to(device)
        self._scale = data.scale
        self.in_shape = tuple(self._images.shape[1:])

    def inputs(self, rows: Tensor) -> Tensor:
        """Pixels in [0, 1]."""
        return self._images[rows].to(torch.float32) / self._scale

    def labels(self, rows: Tensor) -> Tensor:
        """See ``Examples``."""
        return self._labels[rows]


class Recordings:
    """Recordings of spikes that all members share, as lists of events.

    Args:
        binned: recordings cut into steps.
        labels: (n,) class of each recording.
        device: where batches are wanted.
    """

    def __init__(self, binned: BinnedEvents, labels: np.ndarray, device: torch.device) -> None:
        units = torch.from_numpy(binned.units).to(device)
        starts = torch.from_numpy(binned.starts).to(device)
        self._all = Events(units, starts, (binned.steps, 1, len(starts), binned.channels))
        self._labels = torch.from_numpy(np.ascontiguousarray(labels)).to(device)
        self.in_shape = (binned.channels,)

    def inputs(self, rows: Tensor) -> Events:
        """Events (time, member, batch, channel): the units are shared with every other batch, only
        the places where recordings begin are copied.
        """
        shape, some = (self._all.shape[0], *rows.shape, *self.in_shape), rows.flatten()
        return Events(self._all.units, self._all.starts[some], shape, (self._all, some))

    def labels(self, rows: Tensor) -> Tensor:
        """See ``Examples``."""
        return self._labels[rows]


class Shared:
    """Examples of a population whose members all read the same rows, as members of one seed do.

    Inputs are then made once, with a member axis of 1, which networks that know about it extend.

    Args:
        examples: what each member reads.
    """

    def __init__(self, examples: Examples) -> None:
        self._examples = examples

    def inputs(self, rows: Tensor) -> Tensor:
        """Inputs (1, batch, *in) of rows (member, batch), which are the same for all members."""
        return self._examples.inputs(rows[:1])

    def labels(self, rows: Tensor) -> Tensor:
        """See ``Examples``."""
        labels = self._examples.labels(rows[:1])
        return labels.expand(len(rows), *labels.shape[1:])


class Features:
    """Frozen features, cached: each member has its own, from its own pretrained network.

    Args:
        values: (member, n, *units).
        labels: (member, n, ...).
    """

    def __init__(self, values: Tensor, labels: Tensor) -> None:
        self._values, self._labels = values, labels
        self._member = torch.arange(len(values), device=values.device)[:, None]

    def inputs(self, rows: Tensor) -> Tensor:
        """Features of each member's rows."""
        return self._values[self._member, rows]

    def labels(self, rows: Tensor) -> Tensor:
        """See ``Examples``."""
        return self._labels[self._member, rows]


class Frozen:
    """Frozen features, computed for each batch: for those too large to cache.

    Args:
        encode: from images (member, batch, *in) to features.
        images: what to encode.
    """

    def __init__(self, encode: Callable[[Tensor], Tensor], images: Examples) -> None:
        self._encode, self._images = encode, images

    @torch.no_grad()
    def inputs(self, rows: Tensor) -> Tensor:
        """Features of each member's rows."""
        return self._encode(self._images.inputs(rows))

    def labels(self, rows: Tensor) -> Tensor:
        """See ``Examples``."""
        return self._images.labels(rows)


def cache(frozen: Frozen, parts: Parts, limit: int = 4 << 30) -> tuple[Examples, Parts]:
    """Compute the features of all parts once, unless they take more than ``limit`` bytes.

    Returns:
        Examples and the parts' rows in them.
    """
    rows = torch.cat(parts, dim=1)
    one = frozen.inputs(rows[:, :1])
    if one.numel() * one.element_size() * rows.shape[1] > limit:
        return frozen, parts
    values = torch.cat([frozen.inputs(some) for some in rows.split(500, dim=1)], dim=1)
    places = torch.arange(rows.shape[1], device=rows.device).expand(len(rows), -1)
    ends = [part.shape[1] for part in parts]
    return Features(values, frozen.labels(rows)), Parts(*places.split(ends, dim=1))
