"""Errors written for people: each message is one sentence that says what is wrong, where, and what
to do.
"""

from __future__ import annotations

__all__ = ["ConfigError", "DataError", "HnnError", "NotationError", "StoreError"]


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
