"""Reader of ``papers/<paper>.yaml``: a mistake becomes one sentence with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import category

from pydantic import ValidationError

from hnnlib import registration, yaml_models
from hnnlib.errors import ConfigError, nearest
from hnnlib.evidence.papers.paper import Paper

__all__ = ["PAPERS", "load", "naming"]

PAPERS = Path(__file__).parents[3] / "papers"
LARGEST = 1e15


def load(stem: str, folder: str | Path | None = None) -> Paper:
    """Read ``<folder>/<stem>.yaml``; the folder defaults to the repository's ``papers``.

    Raises:
        ConfigError: no such file, not YAML, or not a paper; the message names the line.
    """
    path = Path(folder or PAPERS) / f"{stem}.yaml"
    if not path.is_file():
        known = [one.stem for one in _files(path.parent)]
        if not known:
            raise ConfigError(
                f"there are no papers in {path.parent}: they need the repository, so install from "
                "a clone of it with pip install -e ."
            )
        raise ConfigError(f"there is no paper {path.name} in {path.parent}: {nearest(stem, known)}")
    name = f"{path.parent.name}/{path.name}"  # a scale may be called the same
    document = yaml_models.read(path, name, "a paper is a mapping with the keys title, ...")
    for place in _unusable(document.values):
        raise ConfigError(
            f"{document.at(*place)}: no printed number is infinite or beyond {LARGEST:g}, and no "
            "text holds control characters"
        )
    try:
        paper = Paper.model_validate(document.values)
        return paper.registered(registration.digests(document.values))
    except ValidationError as reason:
        first, *others = reason.errors()
        line = document.line(first["loc"]) if first["loc"] else _line_of_word(path, first["msg"])
        where = f" line {line}" if line else ""
        place = ".".join(str(step) for step in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        more = f" (and {len(others)} more)" if others else ""
        raise ConfigError(f"{name}{where}: {place + ': ' * bool(place)}{message}{more}") from None


def naming(studies: Iterable[str], folder: str | Path | None = None) -> dict[str, Paper]:
    """Papers that rerun any of the studies, by file name (without ``.yaml``), in the order of the
    studies; those of one study in alphabetical order.

    Raises:
        ConfigError: a file is not a paper.
    """
    names = list(studies)
    every = {path.stem: load(path.stem, folder) for path in _files(Path(folder or PAPERS))}
    found = [
        (names.index(min(named, key=names.index)), stem, paper)
        for stem, paper in every.items()
        if (named := set(names) & set(paper.studies))
    ]
    return {stem: paper for _, stem, paper in sorted(found, key=lambda one: one[:2])}


def _unusable(node: Any, place: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    """Places of numbers that no table prints, and of texts that would steer a terminal."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(node, dict):
                yield from _unusable(key, (*place, key))
            yield from _unusable(value, (*place, key))
    elif isinstance(node, str):
        if any(category(letter)[0] == "C" for letter in node.replace("\n", "")):
            yield place
    elif isinstance(node, int | float) and not abs(node) <= LARGEST:
        yield place


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.yaml"))


def _line_of_word(path: Path, message: str) -> int | None:
    """First line with the word that a message quotes first."""
    words = message.split("'")[1:2]
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((i for i, line in enumerate(lines, 1) if words and words[0] in line), None)
