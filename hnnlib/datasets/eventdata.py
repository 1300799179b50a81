"""Recordings as lists of spikes: the record that event loaders return, and its cut into steps."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from hnnlib.datasets.entry import Entry, Source
from hnnlib.errors import DataError

__all__ = ["BinnedEvents", "EventData", "bin_events", "embedded_data"]

CHUNK = 512  # recordings that are binned at once: bounds the memory that binning takes
ROUNDING = 2.0**-23  # relative error of a float32 time and of its step together


@dataclass(frozen=True, eq=False)
class EventData:
    """Labelled recordings of spikes in memory.

    times:    (events,) float32, seconds since the start of the recording.
    units:    (events,) int32, channel of each spike, 0 to channels - 1.
    offsets:  (n + 1,) int64, recording i owns events offsets[i] to offsets[i + 1].
    labels:   (n,) int64, 0 to n_classes - 1.
    speakers: (n,) int64, who spoke; 0 throughout where nobody did.
    test:     (n,) bool, the official test part.
    Raises DataError where shapes, types or ranges do not fit.
    """

    name: str
    times: np.ndarray
    units: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    speakers: np.ndarray
    test: np.ndarray
    n_classes: int
    channels: int
    source: Source

    def __post_init__(self) -> None:
        self._check_events()
        self._check_recordings()

    def __len__(self) -> int:
        return len(self.labels)

    def _check_events(self) -> None:
        events, n = self.times.size, len(self)
        for what, values, kind in (
            ("times", self.times, np.float32),
            ("units", self.units, np.int32),
        ):
            if values.shape != (events,) or values.dtype != kind:
                raise DataError(
                    f"The {what} of {self.name} have shape {values.shape} and type {values.dtype}; "
                    f"they must be one {np.dtype(kind)} for each of the {events} spikes."
                )
        ends = self.offsets
        if ends.shape != (n + 1,) or ends.dtype != np.int64:
            raise DataError(
                f"The offsets of {self.name} have shape {ends.shape} and type {ends.dtype}; they "
                f"must be {n + 1} int64, one more than there are recordings."
            )
        if ends[0] != 0 or ends[-1] != events or (np.diff(ends) < 0).any():
            raise DataError(
                f"The offsets of {self.name} must rise from 0 to {events}, the number of spikes."
            )
        if events and not (self.times.min() >= 0 and np.isfinite(self.times.max())):
            raise DataError(f"The times of {self.name} must be finite and not negative.")
        self._check_range("units", self.units, self.channels)

    def _check_recordings(self) -> None:
        if len(self) == 0:
            raise DataError(f"The data set {self.name} holds no recording.")
        for what, values, kind in (
            ("labels", self.labels, np.int64),
            ("speakers", self.speakers, np.int64),
            ("test marks", self.test, np.bool_),
        ):
            if values.shape != (len(self),) or values.dtype != kind:
                raise DataError(
                    f"The {what} of {self.name} have shape {values.shape} and type {values.dtype}; "
                    f"they must be one {np.dtype(kind)} for each of the {len(self)} recordings."
                )
        self._check_range("labels", self.labels, self.n_classes)

    def _check_range(self, what: str, values: np.ndarray, end: int) -> None:
        if values.size and (values.min() < 0 or values.max() >= end):
            raise DataError(
                f"The {what} of {self.name} run from {values.min()} to {values.max()}; they must "
                f"lie in 0 to {end - 1}."
            )


def embedded_data(
    entry: Entry,
    times: np.ndarray,
    units: np.ndarray,
    counts: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
    test: np.ndarray,
) -> EventData:
    """The record of generated recordings, with `counts` spikes each; its source has the sum of all
    the columns, in fixed types and little-endian order.
    """
    columns = {
        "times": times.astype("<f4"),
        "units": units.astype("<i4"),
        "offsets": np.cumsum([0, *counts]).astype("<i8"),
        "labels": labels.astype("<i8"),
        "speakers": speakers.astype("<i8"),
        "test": test,
    }
    content = sha256(b"".join(values.tobytes() for values in columns.values())).hexdigest()
    return EventData(
        name=entry.name,
        **columns,
        n_classes=entry.n_classes,
        channels=entry.shape[0],
        source=entry.source(content),
    )


@dataclass(frozen=True, eq=False)
class BinnedEvents:
    """Recordings cut into steps; never a dense tensor.

    units:  (kept,) int32, ordered by recording and step. A unit that fires twice in one step stands
            twice.
    starts: (n, steps + 1) int64, recording i has units[starts[i, t]:starts[i, t + 1]] at step t.
    """

    units: np.ndarray
    starts: np.ndarray
    channels: int

    @property
    def steps(self) -> int:
        """Number of steps of every recording."""
        return self.starts.shape[1] - 1

    def __len__(self) -> int:
        return len(self.starts)


def bin_events(data: EventData, steps: int, dt: float, binary: bool = False) -> BinnedEvents:
    """Cut recordings into `steps` steps of `dt` seconds: a spike at time t falls in floor(t / dt).

    Spikes at steps * dt and later are dropped. With `binary`, a unit that fires more than once in
    a step stands once. A time that float32 rounded to just below the beginning of a step belongs to
    that step. DataError where `steps` or `dt` is not positive.
    """
    if steps < 1 or not dt > 0:
        raise DataError(
            f"Recordings cannot be cut into {steps} steps of {dt} s: give positive numbers."
        )
    units = np.empty(len(data.units), np.int32)
    starts = np.empty((len(data), steps + 1), np.int64)
    kept = 0
    for first in range(0, len(data), CHUNK):
        rows = slice(first, min(first + CHUNK, len(data)))
        some, counts = _bin_chunk(data, rows, steps, dt, binary)
        units[kept : kept + len(some)] = some
        ends = kept + np.cumsum(counts).reshape(-1, steps)
        starts[rows, 1:] = ends
        starts[rows, 0] = np.concatenate([[kept], ends[:-1, -1]])
        kept += len(some)
    units.resize(kept, refcheck=False)  # in place: there is no second copy at any time
    return BinnedEvents(units, starts, data.channels)


def _bin_chunk(
    data: EventData, rows: slice, steps: int, dt: float, binary: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Units of some recordings, ordered by recording and step, and how many (rows * steps,)."""
    ends = data.offsets[rows.start : rows.stop + 1]
    span = slice(ends[0], ends[-1])
    units = data.units[span]
    step = np.floor(data.times[span].astype(np.float64) * ((1 + ROUNDING) / dt))
    keep = step < steps
    row = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    place = row[keep] * steps + step[keep].astype(np.int64)
    units = units[keep]
    if binary:
        place, units = np.divmod(np.unique(place * data.channels + units), data.channels)
    elif (np.diff(place) < 0).any():
        order = np.argsort(place, kind="stable")
        place, units = place[order], units[order]
    return units, np.bincount(place, minlength=(len(ends) - 1) * steps)
