"""Finds data sets by name: each is a module of ``hnnlib.datasets.sets``, imported when needed."""

from __future__ import annotations

import os
import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

from hnnlib.datasets import sets
from hnnlib.datasets.entry import Entry
from hnnlib.datasets.eventdata import EventData
from hnnlib.datasets.imagedata import ImageData
from hnnlib.errors import DataError, nearest

__all__ = ["get", "load", "module", "names"]


@cache
def names() -> tuple[str, ...]:
    """Names of all data sets, in alphabetical order."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(sets.__path__)))


def module(name: str) -> str:
    """Dotted name of a data set's module; DataError with a suggestion where there is none."""
    if name not in names():
        raise DataError(f"There is no data set {name!r}: {nearest(name, names())}")
    return f"{sets.__name__}.{name}"


def get(name: str) -> Entry:
    """What is known of a data set; DataError with a suggestion where the name is unknown."""
    return _imported(name).ENTRY


def load(name: str, root: str | os.PathLike | None = None) -> ImageData | EventData:
    """A data set in memory, official training part first, then the official test part.

    `root` (else the folder that HNN_DATA names, else the user's cache) holds `<name>/`; embedded
    data need none. DataError, with a suggestion, where the name is unknown, and where files are
    missing, damaged or not the official ones without a MANIFEST.json to vouch for them.

    >>> load("digits").pixels(slice(0, 2)).shape
    (2, 1, 8, 8)
    """
    found = _imported(name)
    return found.load(root) if found.ENTRY.files else found.load()


def _imported(name: str) -> ModuleType:
    return import_module(module(name))
