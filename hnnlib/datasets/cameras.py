"""Recordings of event cameras of 128 x 128 pixels, and the AEDAT files that hold them.

A spike's channel is ``(polarity * 128 + y) * 128 + x``, polarity 1 where a pixel became brighter;
x and y are the file's, not turned upright. Formats: inivation, AEDAT file formats (2.0 and 3.1).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hnnlib.datasets.containers import reading
from hnnlib.datasets.entry import Entry, Source
from hnnlib.datasets.eventdata import EventData
from hnnlib.errors import DataError

__all__ = ["CHANNELS", "EDGE", "Recording", "aedat2", "aedat3", "channels", "record", "seconds"]

EDGE = 128  # pixels
CHANNELS = 2 * EDGE * EDGE
_HEADER = 1 << 16  # most bytes of the lines that begin with #
_END = b"#!END-HEADER"
_PACKET = struct.Struct("<HHIIIIII")
_POLARITY = 1  # kind of packet
_OVERFLOWS = 1000  # most, of 36 minutes each
_EVENT = 8  # bytes


@dataclass(frozen=True, eq=False)
class Recording:
    """Times (events,) float32 in seconds from its start, channels (events,) int32, and its label,
    who was seen, and whether it is for testing.
    """

    times: np.ndarray
    units: np.ndarray
    label: int
    subject: int
    test: bool


def aedat2(content: bytes, path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Times (events,) int64 in microseconds and channels (events,) int32 of a file of a DVS128.

    Big-endian pairs of an address (polarity in bit 0, 0 where brighter; x in bits 1 to 7, y in 8
    to 14; with any other bit it is no event of a pixel) and a time.
    """
    words = _numbers(content, _body(content, path, b"#!AER-DAT2."), ">u4", path)
    address = words[words[:, 0] < 1 << 15]
    times, address = address[:, 1].astype(np.int64), address[:, 0].astype(np.int32)
    return times, channels(address >> 1 & 127, address >> 8, 1 - (address & 1), path)


def aedat3(content: bytes, path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """The same of a file of version 3.1: packets with a header each, little-endian.

    An event has its validity in bit 0, polarity in bit 1, y in bits 2 to 16 and x in 17 to 31; its
    time goes on in the packet's header. Other packets and invalid events are left out.
    """
    place = _body(content, path, b"#!AER-DAT3.")
    times, data = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    while place < len(content):
        with reading(path):
            head = _PACKET.unpack_from(content, place)
        kind, _, size, _, overflow, capacity, number, _ = head
        first, place = place + _PACKET.size, place + _PACKET.size + size * capacity
        if place > len(content) or number > capacity or overflow > _OVERFLOWS:
            raise _damaged(path, "a packet states more than there is")
        if kind != _POLARITY:
            continue
        if size != _EVENT:
            raise _damaged(path, f"its events have {size} bytes")
        words = _numbers(content[first : first + size * number], 0, "<u4", path).astype(np.int64)
        words = words[words[:, 0] & 1 == 1]
        data.append(words[:, 0])
        times.append(words[:, 1] + (overflow << 31))
    found = np.concatenate(data)
    units = channels(found >> 17, found >> 2 & 0x7FFF, found >> 1 & 1, path)
    return np.concatenate(times), units


def channels(x: np.ndarray, y: np.ndarray, polarity: np.ndarray, path: Path | str) -> np.ndarray:
    """Channels (events,) int32; DataError where one lies outside or between pixels."""
    for what, values, end in (("x", x, EDGE), ("y", y, EDGE), ("polarity", polarity, 2)):
        if values.size and not (values.min() >= 0 and values.max() < end):
            raise _damaged(path, f"{what} is not from 0 to {end - 1}")
        if (values % 1 != 0).any():
            raise _damaged(path, f"{what} is a fraction")
    return ((polarity * EDGE + y) * EDGE + x).astype(np.int32)


def seconds(microseconds: np.ndarray) -> np.ndarray:
    """Times as ``EventData`` has them, float32."""
    return (microseconds * 1e-6).astype(np.float32)


def record(
    entry: Entry, found: Sequence[Recording], counts: tuple[int, int], source: Source
) -> EventData:
    """The record of a data set, in the order of its recordings; DataError where there are not so
    many for training and for test.
    """
    tests = sum(recording.test for recording in found)
    if (len(found) - tests, tests) != counts:
        raise DataError(
            f"The files of {entry.title} hold {len(found) - tests} and {tests} recordings, not "
            f"{counts[0]} and {counts[1]}: use the complete data set."
        )
    lengths = [len(recording.times) for recording in found]
    return EventData(
        name=entry.name,
        times=np.concatenate([r.times for r in found]),
        units=np.concatenate([r.units for r in found]),
        offsets=np.cumsum([0, *lengths], dtype=np.int64),
        labels=np.array([r.label for r in found], np.int64),
        speakers=np.array([r.subject for r in found], np.int64),
        test=np.array([r.test for r in found], bool),
        n_classes=entry.n_classes,
        channels=CHANNELS,
        source=source,
    )


def _body(content: bytes, path: Path | str, version: bytes) -> int:
    """Where the numbers begin: behind the lines that begin with #, and behind the line that ends
    them where there is one.
    """
    if not content.startswith(version):
        raise _damaged(path, f"it does not begin with {version.decode()}")
    place = 0
    while content[place : place + 1] == b"#":
        end = content.find(b"\n", place, _HEADER)
        if end < 0:
            raise _damaged(path, "its header does not end")
        line, place = content[place:end], end + 1
        if line.rstrip() == _END:
            break
    return place


def _numbers(content: bytes, start: int, kind: str, path: Path | str) -> np.ndarray:
    """Pairs (events, 2) of unsigned numbers from a place on."""
    if (len(content) - start) % _EVENT:
        raise _damaged(path, "its last event is cut")
    return np.frombuffer(content, kind, offset=start).reshape(-1, 2)


def _damaged(path: Path | str, what: str) -> DataError:
    return DataError(f"The file {path} is damaged or no recording ({what}): get it again.")
