"""Reader of ``papers/<paper>.yaml``: a mistake becomes one sentence with its line."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hnnlib import registration
from hnnlib.errors import ConfigError
from hnnlib.evidence.papers.base import suggest
from hnnlib.evidence.papers.paper import Paper

__all__ = ["PAPERS", "load", "of_study"]

PAPERS = Path(__file__).parents[3] / "papers"


def load(stem: str, folder: str | Path | None = None) -> Paper:
    """Read ``<folder>/<stem>.yaml``; the folder defaults to the repository's ``papers``.

    Raises:
        ConfigError: no such file, not YAML, or not a paper; the message names the line.
    """
    path = Path(folder or PAPERS) / f"{stem}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.yaml"))
        raise ConfigError(f"there is no paper {path.name} in {path.parent}{suggest(stem, known)}")
    text = path.read_text(encoding="utf-8")
    try:
        tree = yaml.compose(text, yaml.SafeLoader)
        _refuse_repeated_keys(tree, path.name)
        content = yaml.safe_load(text)
        return Paper.model_validate(content).registered(registration.digests(content))
    except yaml.YAMLError as reason:
        line = getattr(getattr(reason, "problem_mark", None), "line", 0) + 1
        raise ConfigError(f"{path.name} line {line} is not YAML: {reason.problem}") from reason
    except ValidationError as reason:
        first, *others = reason.errors()
        line = _line(tree, first["loc"]) or _line_of_word(text, first["msg"])
        where = f" line {line}" if line else ""
        place = ".".join(str(step) for step in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        more = f" (and {len(others)} more)" if others else ""
        raise ConfigError(
            f"{path.name}{where}: {place + ': ' * bool(place)}{message}{more}"
        ) from None


def of_study(study: str, folder: str | Path | None = None) -> tuple[str, Paper]:
    """File name (without ``.yaml``) and content of the paper that a study reruns.

    Raises:
        ConfigError: no paper names the study, or a file is not a paper.
    """
    folder = Path(folder or PAPERS)
    for path in sorted(folder.glob("*.yaml")):
        paper = load(path.stem, folder)
        if study in paper.studies:
            return path.stem, paper
    raise ConfigError(
        f"no file in {folder.name}/ names the study '{study}': add one with study: {study}"
    )


def _refuse_repeated_keys(node: yaml.Node | None, name: str) -> None:
    """A key given twice would silently lose the first number."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise ConfigError(f"{name} line {line}: '{key.value}' is given twice, keep one")
            seen.add(key.value)
            _refuse_repeated_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(value, name)


def _line(tree: yaml.Node, location: tuple) -> int | None:
    """Line of the innermost node of an error's path; steps that are not in the file are passed."""

    def inside(node: yaml.Node, step: Any) -> yaml.Node:
        if isinstance(node, yaml.MappingNode):
            return next((value for key, value in node.value if key.value == step), node)
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return node.value[step]
        return node

    return reduce(inside, location, tree).start_mark.line + 1 if location else None


def _line_of_word(text: str, message: str) -> int | None:
    """First line with the word that a message quotes first."""
    words = message.split("'")[1:2]
    lines = text.splitlines()
    return next((i for i, line in enumerate(lines, 1) if words and words[0] in line), None)
