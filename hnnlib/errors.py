"""Errors written for people: each message is one sentence that says what is wrong, where, and what
to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ConfigError",
    "DataError",
    "HnnError",
    "NotationError",
    "StoreError",
    "counted",
    "nearest",
    "plain",
]

_LIKENESS = 0.67  # of a suggestion; less, and "gpu" would be taken for "cpu"


class HnnError(Exception):
    """Base of all errors that the user can act on; shown without a traceback by the command line
    and the workflow.
    """


class ConfigError(HnnError):
    """A scale file has an unknown key, an impossible value or an unknown name."""


class DataError(HnnError):
    """A data file is missing, truncated or has the wrong checksum."""


class NotationError(HnnError):
    """A layer notation such as ``A784-S500-S10`` cannot be read."""


class StoreError(HnnError):
    """A result store is missing, unreadable or lacks what a reader needs."""


def counted(number: int, word: str, words: str = "") -> str:
    """``1 claim``, ``2 claims``; ``words`` where the plural takes more than an s."""
    return f"{number} {word if number == 1 else words or word + 's'}"


def nearest(word: object, choices: Iterable[object]) -> str:
    """The words that help after an unknown name: the nearest choice, else all of them."""
    choices = [str(choice) for choice in choices]
    near = get_close_matches(str(word), choices, 1, _LIKENESS)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"choose {', '.join(choices)}" if choices else "there is nothing to choose from"


def plain(text: str) -> str:
    """Words from outside as a terminal may show them: control characters become visible."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
