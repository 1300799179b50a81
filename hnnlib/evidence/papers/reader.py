"""Reader of ``papers/<paper>.yaml``: a mistake becomes one sentence with its line."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from hnnlib import registration, yaml_models
from hnnlib.errors import ConfigError, nearest
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
        known = sorted(p.stem for p in path.parent.glob("[!.]*.yaml"))
        raise ConfigError(f"there is no paper {path.name} in {path.parent}: {nearest(stem, known)}")
    document = yaml_models.read(path, path.name, "a paper is a mapping with the keys title, ...")
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
        raise ConfigError(
            f"{path.name}{where}: {place + ': ' * bool(place)}{message}{more}"
        ) from None


def of_study(study: str, folder: str | Path | None = None) -> tuple[str, Paper]:
    """File name (without ``.yaml``) and content of the paper that a study reruns.

    Raises:
        ConfigError: no paper names the study, or a file is not a paper.
    """
    folder = Path(folder or PAPERS)
    for path in sorted(folder.glob("[!.]*.yaml")):
        paper = load(path.stem, folder)
        if study in paper.studies:
            return path.stem, paper
    raise ConfigError(
        f"no file in {folder.name}/ names the study '{study}': add one with study: {study}"
    )


def _line_of_word(path: Path, message: str) -> int | None:
    """First line with the word that a message quotes first."""
    words = message.split("'")[1:2]
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((i for i, line in enumerate(lines, 1) if words and words[0] in line), None)
