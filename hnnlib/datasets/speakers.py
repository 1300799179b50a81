"""Splits of recordings by speaker: whole speakers validate, fractions of the training part nest.

Test speakers may be ones that nobody has trained on. A validation part drawn at random has none of
those, and so is blind to what an unknown voice costs; whole held-out speakers are not. The usual
ways are here under their names, to be measured.
"""

from __future__ import annotations

import numpy as np

from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.splits import Split
from hnnlib.errors import ConfigError
from hnnlib.randomness import numpy_generator

__all__ = ["FLAWED", "HELD_OUT", "draw", "unseen"]

HELD_OUT = {
    "primary": (6, 7),
    "sensitivity": (3, 6),
    "fold_0": (0, 1),
    "fold_1": (2, 3),
    "fold_2": (6, 7),
    "fold_3": (8, 9),
    "fold_4": (10, 11),
}
FLAWED = ("random", "file_order")


def draw(
    data: EventData,
    seed: int,
    validation: str = "primary",
    fraction: float = 1.0,
    share: float = 0.1,
) -> Split:
    """Rows of each part; the test part is the official one, whatever else is chosen.

    `validation` names two speakers of HELD_OUT, or "random", a `share` of every class of every
    speaker, drawn with the seed, or "file_order", the last `share` of the file. Of what remains
    `fraction` is kept for training: drawn anew with each seed, the same of every class of every
    speaker to within one recording, smaller fractions within larger ones. Part sizes do not depend
    on the seed, so that seeds can share a population. ConfigError where nothing would be left, or
    a name is unknown.
    """
    rows = np.flatnonzero(~data.test)
    mask = _validation(data, rows, seed, validation, share)
    _check(data, fraction, validation, rows, mask)
    train = _spread(data, rows[~mask], seed, "fraction")
    kept = max(1, round(fraction * len(train)))
    return Split(np.sort(train[:kept]), rows[mask], np.flatnonzero(data.test))


def unseen(data: EventData) -> np.ndarray:
    """Speakers of the test part whom the training part lacks; none where nobody is new."""
    return np.setdiff1d(data.speakers[data.test], data.speakers[~data.test])


def _validation(
    data: EventData, rows: np.ndarray, seed: int, validation: str, share: float
) -> np.ndarray:
    """Which rows validate."""
    n = round(share * len(rows))
    if validation == "random":
        return np.isin(rows, _spread(data, rows, seed, "validation")[:n])
    if validation == "file_order":
        return np.arange(len(rows)) >= len(rows) - n
    if validation not in HELD_OUT:
        raise ConfigError(
            f"There is no validation {validation!r}: choose {', '.join((*HELD_OUT, *FLAWED))}."
        )
    return np.isin(data.speakers[rows], HELD_OUT[validation])


def _spread(data: EventData, rows: np.ndarray, seed: int, role: str) -> np.ndarray:
    """Rows in an order whose every beginning has its share of every class of every speaker.

    The i-th of a stratum's n recordings, shuffled, stands at (i + 1/2) / n of the way; ties, such
    as those between strata of equal size, are broken at random.
    """
    shuffled = numpy_generator(seed, "speakers", role).permutation(rows)
    stratum = data.speakers[shuffled] * data.n_classes + data.labels[shuffled]
    _, inverse, sizes = np.unique(stratum, return_inverse=True, return_counts=True)
    grouped = np.argsort(inverse, kind="stable")
    rank = np.empty(len(rows))
    rank[grouped] = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return shuffled[np.argsort((rank + 0.5) / sizes[inverse], kind="stable")]


def _check(
    data: EventData, fraction: float, validation: str, rows: np.ndarray, mask: np.ndarray
) -> None:
    if not 0 < fraction <= 1:
        raise ConfigError(f"The fraction {fraction} of the training part must lie in 0 to 1.")
    if not mask.any() or mask.all():
        raise ConfigError(
            f"The validation {validation!r} of {data.name} takes {mask.sum()} of {len(rows)} "
            f"recordings: choose another."
        )
    if validation in HELD_OUT and not np.isin(HELD_OUT[validation], data.speakers[rows]).all():
        raise ConfigError(
            f"The training part of {data.name} lacks a speaker of {HELD_OUT[validation]}, who "
            f"should validate: choose another of {', '.join((*HELD_OUT, *FLAWED))}."
        )
