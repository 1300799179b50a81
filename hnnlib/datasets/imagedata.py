"""Labelled images in memory: the record that loaders of images return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnnlib.datasets.entry import Entry, Source
from hnnlib.errors import DataError

__all__ = ["ImageData", "complete"]


@dataclass(frozen=True, eq=False)
class ImageData:
    """Labelled images in memory, official training images first, then the test images.

    images: (N, C, H, W), uint8 or float32; labels: (N,) int64 in 0..n_classes-1.
    scale:  the value of a white pixel, so that images / scale lies in [0, 1].
    groups: (N,) int64, images of one group show the same original and must stay in one part of a
            split; None where every image is its own original.
    Raises DataError where shapes, types or labels do not fit.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    n_classes: int
    source: Source
    scale: float = 1.0
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype not in (np.uint8, np.float32):
            raise DataError(
                f"The images of {self.name} have shape {self.images.shape} and type "
                f"{self.images.dtype}; they must be (N, C, H, W) of uint8 or float32."
            )
        for what, values in (("labels", self.labels), ("groups", self.groups)):
            if values is not None and (
                values.shape != self.images.shape[:1] or values.dtype != np.int64
            ):
                raise DataError(
                    f"The {what} of {self.name} have shape {values.shape} and type {values.dtype}; "
                    f"they must be one int64 for each of the {len(self.images)} images."
                )
        if len(self) == 0:
            raise DataError(f"The data set {self.name} holds no image.")
        if self.labels.min() < 0 or self.labels.max() >= self.n_classes:
            raise DataError(
                f"The labels of {self.name} run from {self.labels.min()} to {self.labels.max()}; "
                f"they must lie in 0 to {self.n_classes - 1}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self, index: np.ndarray | slice) -> np.ndarray:
        """The chosen images as new float32 (n, C, H, W) in [0, 1]: images[index] / scale."""
        chosen = self.images[index].astype(np.float32)
        chosen /= np.float32(self.scale)
        return chosen


def complete(entry: Entry, images: np.ndarray, labels: np.ndarray, source: Source) -> ImageData:
    """The record of a data set read from files, whose white is 255; DataError where their number or
    shape is not that of its entry.
    """
    if images.shape != (entry.n_examples, *entry.shape):
        raise DataError(
            f"The files of {entry.title} hold images of shape {images.shape}, not "
            f"{(entry.n_examples, *entry.shape)}: use the complete data set."
        )
    return ImageData(
        name=entry.name,
        images=images,
        labels=labels.astype(np.int64),
        n_classes=entry.n_classes,
        source=source,
        scale=255.0,
    )
