"""Generates `spoken_digits`: made-up words of made-up speakers as spikes on 700 channels.

A stand-in for the Spiking Heidelberg Digits where these cannot be had: same format, same kind of
difficulty, but no sound was ever recorded. Each of twenty words, ten in each of two "languages", is
three of ten sounds. A sound is three bands of active channels (formants); between sounds the bands
glide. What makes the task hard is put in on purpose:

- Time matters: five pairs of words are each other's reversal, and so have the same spikes a
  channel but for chance. Counting spikes cannot tell them apart.
- Speakers differ: in the shift of all formants (the length of the vocal tract, on a logarithmic
  frequency axis), in their spacing, in rate and loudness. Two speakers, 4 and 5, occur in the test
  part only, and their voices lie at the two ends of the range.

Accuracy, one run each, seen / unseen speakers: a ridge classifier on spike counts of 70 groups of
channels 74 / 53 %, on 10 time bins of these 100 / 89 %; 64 recurrent spiking units, 50 steps, 25
epochs 59 / 44 %.

The spikes are the same to the bit on every machine: randomness comes from the raw stream of PCG64,
which NumPy promises to keep, and everything computed from it needs the four basic operations only,
element by element, which IEEE 754 fixes. (A cosine may differ in its last bit.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hnnlib.datasets.entry import Entry
from hnnlib.datasets.eventdata import EventData, embedded_data
from hnnlib.randomness import key

__all__ = ["ENTRY", "SPEAKERS", "UNSEEN", "WORDS", "load"]

ENTRY = Entry(
    name="spoken_digits",
    title="spoken digits",
    n_examples=2080,
    n_classes=20,
    shape=(700,),
    licence="the project's own",
    citation="this project",
    origin="generated",
    content="aa9b8e75c2adc67d5447c8625a57c84bd885e2bff68887aa8745568d25079fcc",
    note="synthetic words of synthetic speakers in the format of the Spiking Heidelberg Digits, "
    "no recordings of speech, not a published benchmark",
)

SOUNDS = {  # channels of the three formants, and loudness
    "a": (260, 340, 520, 1.0),
    "e": (190, 400, 560, 0.9),
    "i": (110, 470, 610, 0.8),
    "o": (210, 290, 470, 0.95),
    "u": (120, 240, 480, 0.8),
    "y": (130, 400, 510, 0.8),
    "s": (420, 560, 660, 0.8),
    "f": (300, 520, 640, 0.7),
    "n": (90, 180, 420, 0.7),
    "l": (170, 260, 600, 0.8),
}
WORDS = (
    *("nai", "ian", "sol", "los", "fey", "yef", "uni", "asu", "ely", "ofa"),
    *("lun", "nul", "ise", "esi", "yos", "fil", "aun", "nef", "osy", "eal"),
)


class _Voice(NamedTuple):
    shift: int  # channels
    spacing: float  # of formants around the middle channel
    rate: float
    loudness: float


SPEAKERS = (
    _Voice(-22, 1.000, 1.000, 1.00),
    _Voice(18, 0.980, 0.930, 0.85),
    _Voice(-10, 1.025, 1.105, 1.10),
    _Voice(6, 1.010, 0.895, 0.90),
    _Voice(26, 0.965, 1.140, 0.80),
    _Voice(-26, 1.040, 0.860, 1.15),
    _Voice(24, 1.020, 1.035, 1.05),
    _Voice(-16, 0.975, 0.965, 0.80),
    _Voice(0, 1.000, 1.070, 1.20),
    _Voice(12, 0.990, 1.000, 0.95),
    _Voice(-27, 1.015, 0.930, 0.90),
    _Voice(-4, 0.985, 1.140, 1.00),
)
UNSEEN = (4, 5)
SECONDS = 0.6  # of a word at rate 1
CANDIDATES = 4800  # spikes of a recording before some are left out
HUM = 0.06  # share of candidates that are noise: any channel, any time of one second
BANDS = (0.45, 0.8)  # of the other candidates, first formant below, third above
SPREAD = 24  # channels, half the width of a band
EDGE = 0.1  # of a word, in which it swells and fades
CHUNK = 256  # recordings drawn at once
BLOCK = 8  # recordings whose candidates fit into a core's cache


def load(repeats: int = 6, seed: int = 0) -> EventData:
    """1200 training and 880 test recordings of at most a second, about 2200 spikes each.

    Each training speaker says each word `repeats` times. The test part has 720 recordings of the
    speakers UNSEEN (82 %, as SHD's) and 160 of the others.
    """
    labels, speakers, test = _cast(repeats)
    stream = np.random.PCG64(key(seed, "spoken_digits"))
    parts = [
        _speak(labels[at : at + CHUNK], speakers[at : at + CHUNK], stream)
        for at in range(0, len(labels), CHUNK)
    ]
    times, units, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
    return embedded_data(ENTRY, times, units, counts, labels, speakers, test)


def _cast(repeats: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Word, speaker and part of each recording; every word equally often in both parts."""
    seen = [speaker for speaker in range(len(SPEAKERS)) if speaker not in UNSEEN]
    words = range(len(WORDS))
    train = [(word, speaker) for _ in range(repeats) for speaker in seen for word in words]
    test = [(word, speaker) for _ in range(18) for speaker in UNSEEN for word in words]
    test += [(word, seen[(word + k) % len(seen)]) for k in range(8) for word in words]
    labels, speakers = np.array(train + test).T
    return labels, speakers, np.repeat([False, True], [len(train), len(test)])


def _fraction(raw: np.ndarray) -> np.ndarray:
    """U[0, 1) of 53 bits."""
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _uniform(stream: np.random.PCG64, *shape: int) -> np.ndarray:
    """U[0, 1) of the next draws."""
    return _fraction(stream.random_raw(int(np.prod(shape))).reshape(shape))


def _vary(stream: np.random.PCG64, most: float, *shape: int) -> np.ndarray:
    """Triangular around 0, at most `most` either way."""
    return most * (_uniform(stream, *shape) + _uniform(stream, *shape) - 1)


def _speak(
    words: np.ndarray, speakers: np.ndarray, stream: np.random.PCG64
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (s) and channels of all spikes, ordered by recording and time; spikes a recording."""
    n = len(words)
    voice = np.array(SPEAKERS)[speakers]
    knots = _knots(words, voice, stream)
    loudness = voice[:, 3] * (1 + _vary(stream, 0.2, n))
    duration = SECONDS / (voice[:, 2] * (1 + _vary(stream, 0.08, n)))
    onset = 0.02 + 0.08 * _uniform(stream, n)

    raw = stream.random_raw(8 * n * CANDIDATES).reshape(8, n, CANDIDATES)
    blocks = [slice(at, at + BLOCK) for at in range(0, n, BLOCK)]
    parts = [
        _hear(knots[own], loudness[own], duration[own], onset[own], raw[:, own]) for own in blocks
    ]
    times, channels, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
    return times, channels, counts


def _hear(
    knots: np.ndarray,
    loudness: np.ndarray,
    duration: np.ndarray,
    onset: np.ndarray,
    raw: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spikes of a few recordings (n,), as `_speak` gives them; raw: (8, n, candidates) draws."""
    place = _fraction(raw[0])  # in the word, 0 to 1
    swell = np.minimum(np.minimum(place, 1 - place) / EDGE, 1)
    strength = _glide(knots, place, np.int64(3))
    hum = _fraction(raw[5]) < HUM
    keep = _fraction(raw[4]) < 0.6 * loudness[:, None] * strength * swell
    keep = np.where(hum, keep | (place < 0.5), keep)

    row, column = np.nonzero(keep)  # of the others nothing more is asked
    _, which, up, down, _, _, channel_of_hum, time_of_hum = raw[:, row, column]
    place, hum, which = place[keep], hum[keep], _fraction(which)
    band = (which >= BANDS[0]).astype(np.int64) + (which >= BANDS[1])
    channel = _glide(knots, place, band, row)
    channel = channel + SPREAD * (_fraction(up) + _fraction(down) - 1)
    time = onset[row] + duration[row] * place
    channel = np.where(hum, 700 * _fraction(channel_of_hum), channel)
    time = np.where(hum, _fraction(time_of_hum), time)

    inside = (channel >= 0) & (channel < 700) & (time < 1)
    row, channel, time = row[inside], channel[inside], time[inside]
    order = np.lexsort((time, row))
    return time[order], channel[order].astype(np.int32), np.bincount(row, minlength=len(knots))


def _knots(words: np.ndarray, voice: np.ndarray, stream: np.random.PCG64) -> np.ndarray:
    """Formants and loudness (n, 6, 4) of each sound where it begins and ends, as spoken."""
    spelling = np.array([[SOUNDS[sound] for sound in word] for word in WORDS])
    sounds = spelling[words]
    middle = 350
    shift = voice[:, 0] + _vary(stream, 5, len(words))
    spacing = voice[:, 1]
    sounds[..., :3] = (
        middle
        + (sounds[..., :3] - middle) * spacing[:, None, None]
        + shift[:, None, None]
        + _vary(stream, 8, len(words), 3, 3)
    )
    return np.repeat(sounds, 2, axis=1)


def _glide(
    knots: np.ndarray, place: np.ndarray, column: np.ndarray, row: np.ndarray | None = None
) -> np.ndarray:
    """A formant, or the loudness (column 3), at each place, linear between knots.

    The places are those of recordings `row`; without it, each row of them is one recording's.
    """
    if row is None:
        row = np.arange(len(knots))[:, None]
    left = (5 * place).astype(np.int64)
    weight = 5 * place - left
    at = (row * knots.shape[1] + left) * knots.shape[2] + column
    flat = knots.reshape(-1)
    return flat[at] * (1 - weight) + flat[at + knots.shape[2]] * weight
