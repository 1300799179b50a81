"""Recordings as membrane potentials over time: the record of simulated current steps."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from hnnlib.datasets.entry import Source
from hnnlib.errors import DataError

__all__ = ["FEATURES", "TraceData", "content"]

FEATURES = ("rheobase", "slope", "ahp_depth", "rest")


@dataclass(frozen=True, eq=False)
class TraceData:
    """Somatic responses of some cells to one step of current each.

    voltage:   (n, steps) float32, mV at the soma.
    amplitude: (n,) float32, nA of the step.
    cell:      (n,) int64, which cell was recorded: its place in the features.
    onset:     (n,) float32, ms at which the step begins, a multiple of `dt`.
    pulse:     ms that the step lasts.
    dt:        ms between samples; the first lies at 0.
    rheobase:  (cells,) float32, I_thr, nA: the least amplitude that elicits a spike.
    slope:     (cells,) float32, s_thr, Hz/nA: slope of the F-I curve above it.
    ahp_depth: (cells,) float32, mV from rest down to the least potential between spikes.
    rest:      (cells,) float32, mV.
    Raises DataError where shapes, types or ranges do not fit.
    """

    name: str
    voltage: np.ndarray
    amplitude: np.ndarray
    cell: np.ndarray
    onset: np.ndarray
    pulse: float
    dt: float
    rheobase: np.ndarray
    slope: np.ndarray
    ahp_depth: np.ndarray
    rest: np.ndarray
    source: Source

    def __post_init__(self) -> None:
        n, cells = len(self), len(self.rheobase)
        if n == 0 or self.voltage.ndim != 2 or self.voltage.dtype != np.float32:
            raise DataError(
                f"The voltage of {self.name} has shape {self.voltage.shape} and type "
                f"{self.voltage.dtype}; it must be (traces, steps) of float32."
            )
        for size, kind, names in (
            (n, np.float32, ("amplitude", "onset")),
            (n, np.int64, ("cell",)),
            (cells, np.float32, FEATURES),
        ):
            for what in names:
                values = getattr(self, what)
                if values.shape != (size,) or values.dtype != kind:
                    raise DataError(
                        f"The {what} of {self.name} has shape {values.shape} and type "
                        f"{values.dtype}; it must be {size} {np.dtype(kind)}."
                    )
        if self.cell.min() < 0 or self.cell.max() >= cells:
            raise DataError(
                f"The cells of {self.name} run from {self.cell.min()} to {self.cell.max()}; they "
                f"must lie in 0 to {cells - 1}."
            )
        end = self.voltage.shape[1] * self.dt
        if self.onset.min() < 0 or self.onset.max() + self.pulse > end + self.dt / 2:
            raise DataError(f"A step of {self.name} lies outside its trace of {end:g} ms.")

    def __len__(self) -> int:
        return len(self.voltage)


def content(*columns: np.ndarray) -> str:
    """sha256 of the columns, one after another, in little-endian order."""
    return sha256(
        b"".join(c.astype(c.dtype.newbyteorder("<")).tobytes() for c in columns)
    ).hexdigest()
