"""The page itself: views of all studies, figures copied beside it, one template filled in."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import jinja2

from hnnlib.errors import ConfigError
from hnnlib.evidence import papers, rules
from hnnlib.evidence.papers import Paper
from hnnlib.evidence.report.text import duration, plain
from hnnlib.evidence.report.views import VERDICTS, Run, study_view

__all__ = ["build"]

TEMPLATES = Path(__file__).parents[1] / "templates"
Paths = Mapping[str, str | Path]


def build(
    out: str | Path,
    scale: Mapping,
    stores: Paths,
    references: Paths | None = None,
    figures: Paths | None = None,
    notebooks: Paths | None = None,
    timings: Mapping[str, float] | None = None,
    config: str | Path | None = None,
) -> None:
    """Write the report of a scale to ``out`` (an ``index.html``), its figures beside it.

    Args:
        out: the page; the folder ``figures`` next to it is made anew.
        scale: the scale file's content, of which ``scale`` and ``description`` are shown.
        stores: this run's result store of each study, in the order of the page.
        references: the reference store of each study that has one.
        figures: the folder with each study's figures and their sidecars.
        notebooks: each study's notebook as HTML.
        timings: wall seconds of the steps, by name.
        config: the scale file, to link to.

    Raises:
        ConfigError: no paper names one of the studies.
        StoreError: a store is missing or unreadable.
    """
    out = Path(out)
    studies = []
    for name, path in stores.items():
        reference = (references or {}).get(name)
        runs = [
            Run("Reference run", reference if reference and Path(reference).is_file() else None),
            Run("This run", path),
        ]
        links = _links(out.parent, runs, (notebooks or {}).get(name), config)
        studies.append(study_view(name, _paper(name), runs) | {"links": links})
    with _renewed(out.parent / "figures") as folder:
        for study in studies:
            found = (figures or {}).get(study["name"])
            study["figures"] = _figures(found, folder / study["name"]) if found else []
    page = _environment().get_template("index.html.j2")
    text = page.render(
        scale={"scale": "", "description": ""} | dict(scale),
        studies=studies,
        verdicts=VERDICTS,
        timings={name: duration(seconds) for name, seconds in (timings or {}).items()},
        level=rules.LEVEL,
        rules={name: plain(rule) for name, rule in rules.RULES.items()},
    )
    temporary = out.with_name(f".{out.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, out)


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _paper(study: str) -> Paper:
    """The paper that a study reruns."""
    for path in sorted(papers.PAPERS.glob("*.yaml")):
        paper = papers.load(path.stem)
        if paper.study == study:
            return paper
    raise ConfigError(
        f"no file in {papers.PAPERS.name}/ names the study '{study}': add one with study: {study}"
    )


@contextmanager
def _renewed(folder: Path) -> Iterator[Path]:
    """A new folder that takes the old one's place when it is complete."""
    fresh = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _figures(source: str | Path, target: Path) -> list[dict]:
    """Copy a study's figures beside the page and describe them, in the order of their names."""
    target.mkdir(parents=True)
    found = []
    for png in sorted(Path(source).glob("*.png")):
        sidecar = png.with_suffix(".json")
        words = json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.exists() else {}
        copies = [path for path in (png, png.with_suffix(".svg")) if path.exists()]
        for path in copies:
            shutil.copyfile(path, target / path.name)
        width, height = _size(png)
        found.append(
            {
                "anchor": f"figure-{target.name}-{png.stem}",
                "files": [quote(f"figures/{target.name}/{path.name}") for path in copies],
                "title": words.get("title", png.stem).rstrip("."),
                "caption": words.get("caption", ""),
                "alt": words.get("alt", ""),
                "width": width,
                "height": height,
            }
        )
    return found


def _size(png: Path) -> tuple[int, int]:
    """Width and height from the header of a PNG (its first chunk, IHDR)."""
    return struct.unpack(">II", png.read_bytes()[16:24])


def _links(
    beside: Path, runs: list[Run], notebook: str | Path | None, config: str | Path | None
) -> list[dict]:
    named = [("Notebook", notebook), ("Scale file", config)]
    named += [(f"Result store, {run.name.lower()}", run.path) for run in runs]
    return [{"text": text, "href": _href(path, beside)} for text, path in named if path]


def _href(path: str | Path, beside: Path) -> str:
    """A link from the page to a file: relative, quoted for a URL."""
    return quote(Path(os.path.relpath(path, beside)).as_posix())
