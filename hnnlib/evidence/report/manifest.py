"""What a report's folder holds, as CODECHECK wants it: https://codecheck.org.uk/spec/config/1.0/.

Who checks it adds their name, the time and their report, and copies it over the one of the project.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import yaml

from hnnlib.evidence.papers import Paper
from hnnlib.files import written

__all__ = ["write"]

_TABLES = {
    "claims.csv": "answers to all claims, with the numbers that they rest on",
    "comparison.csv": "every printed number beside ours",
    "readings.csv": "every claim under other switches, references, measures and data",
    "claims.json": "all of it as one tree",
}


def write(path: Path, views: Iterable[Mapping]) -> None:
    """Write the manifest of a report.

    Args:
        path: the file.
        views: of its papers, with pages, stores and figures of their studies.
    """
    views = list(views)
    known = {
        "version": "https://codecheck.org.uk/spec/config/1.0/",
        "paper": {
            "title": "A companion to papers on hybrid spiking / non-spiking networks",
            "authors": [{"name": "The hnnlib authors"}],
            "reference": [_reference(view["paper"]) for view in views],
        },
        "manifest": [{"file": file, "comment": said} for file, said in _entries(views)],
    }
    text = yaml.safe_dump(known, sort_keys=False, allow_unicode=True)
    with written(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _reference(paper: Paper) -> str:
    return f"https://doi.org/{paper.doi}" if paper.doi else paper.title


def _entries(views: Iterable[Mapping]) -> Iterator[tuple[str, str]]:
    """Files and what they are: tables, then by study its page, result store and figures."""
    yield from _TABLES.items()
    for view in views:
        yield view["page"], f"summary of {view['short']}"
        for study in view["studies"]:
            of = f"{study['title']}, {view['short']}"
            printed = ", ".join(table["id"] for table in study["tables"] if table["printed"])
            yield study["page"], f"claims{f', tables {printed}' if printed else ''} of {of}"
            yield unquote(study["runs"][-1]["store"]), f"numbers of {of}"
            for figure in study["figures"]:
                yield unquote(figure["files"][0]), f"{figure['title']}: {of}"
