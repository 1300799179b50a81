"""Studies: a module of this package with an object ``STUDY`` is a study; nothing else needs to know
its name. One that is a folder has it in ``study``, and how its groups become one dataset in
``collecting``. What studies share stands in ``base``; what trains them in ``running``, what joins
what was trained in ``collecting``.
"""

from __future__ import annotations

import pkgutil
import re
import traceback
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnnlib.errors import ConfigError, nearest

if TYPE_CHECKING:
    from hnnlib.studies.base import Settings, Study

__all__ = ["check", "get", "jobs", "module", "names", "relevant", "settings_classes"]

_SHARED = ("base", "collecting", "running")


@cache
def names() -> tuple[str, ...]:
    """Names of all studies, in alphabetical order."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if name not in _SHARED))


def check(name: str) -> None:
    """Refuse what is no study's name.

    Raises:
        ConfigError: it is none, and the message suggests the nearest one.
    """
    if name not in names():
        raise ConfigError(f"there is no study '{name}': {nearest(name, names())}")


def get(name: str) -> Study:
    """The study of a name.

    Raises:
        ConfigError: there is no such study, and the message suggests the nearest name; or its
            module cannot be imported, and the message says where it fails.
    """
    check(name)
    if not name.isidentifier():
        raise ConfigError(f"the study '{name}' needs a name of letters, digits and _: rename it")
    try:
        found = import_module(module(name))
    except Exception as reason:  # whatever a module may do while it is imported
        raise ConfigError(f"the study {name} cannot be imported: {_told(reason)}") from reason
    if not hasattr(found, "STUDY"):
        raise ConfigError(f"{found.__file__} has no object STUDY: see CONTRIBUTING.md")
    return found.STUDY


def module(name: str, part: str = "study") -> str:
    """Dotted name of a study's module: in a folder the part of that name, where there is one, or
    ``study``; else the only one.
    """
    for inside in (part, "study"):
        if any((Path(folder) / name / f"{inside}.py").is_file() for folder in __path__):
            return f"{__name__}.{name}.{inside}"
    return f"{__name__}.{name}"


def _told(reason: Exception) -> str:
    """What failed and in which line, as far as that is not said already."""
    words = f"{type(reason).__name__}: {reason}"
    if isinstance(reason, SyntaxError):
        return words
    frames = traceback.extract_tb(reason.__traceback__)
    last = [frame for frame in frames if not frame.filename.startswith("<frozen")][-1]
    return f"{words} ({last.filename}, line {last.lineno})"


def jobs(name: str, settings: Settings) -> Mapping[str, Any]:
    """Training jobs of a study by name, see ``Study.groups``; files bear their names.

    Raises:
        ConfigError: there is nothing to train, or a name cannot be a file's.
    """
    found = get(name).groups(settings)
    if not found:
        raise ConfigError(f"study {name} has nothing to train with these settings")
    for job in found:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,200}", job):
            raise ConfigError(
                f"job {job!r} of study {name} needs a name of up to 200 letters, digits and _: "
                "shorten names, or share seeds among more jobs"
            )
    return found


def relevant(name: str, settings: Settings) -> dict[str, dict[str, Any]]:
    """The settings that each job of a study depends on, as plain values."""
    study = get(name)
    return {
        job: study.relevant(settings, job).model_dump(mode="json") for job in study.groups(settings)
    }


def settings_classes() -> dict[str, type[Settings]]:
    """The settings model of every study, which checks its section of a scale file."""
    return {name: get(name).Settings for name in names()}
