"""The two records that every loader returns: labelled images and where they came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnnlib.errors import DataError

__all__ = ["ImageData", "Source"]


@dataclass(frozen=True)
class Source:
    """Where data came from; `official` is False for a copy vouched for by a MANIFEST.json only.

    `sha256` identifies the content, `note` says in one sentence what a reader of a result must know
    (it marks every result made with an unofficial copy), `origin` names the maker of the copy.
    """

    official: bool
    note: str
    sha256: str
    licence: str
    citation: str
    origin: str


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
