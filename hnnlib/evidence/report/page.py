"""The page itself: views of all studies, figures copied beside it, one template filled in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2

from hnnlib.errors import ConfigError
from hnnlib.evidence import papers, rules
from hnnlib.evidence.papers import Paper
from hnnlib.evidence.report import figures as pictures
from hnnlib.evidence.report import performance
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
    benchmarks: Sequence[str | Path] = (),
) -> None:
    """Write the report of a scale to ``out`` (an ``index.html``), its figures beside it.

    Where there are benchmark results, ``performance.html`` lies beside it too.

    Args:
        out: the page; the folder ``figures`` next to it is made anew.
        scale: the scale file's content, of which ``scale`` and ``description`` are shown.
        stores: this run's result store of each study, in the order of the page.
        references: the reference store of each study that has one.
        figures: the folder with each study's figures and their sidecars.
        notebooks: each study's notebook as HTML.
        timings: wall seconds of the steps, by name.
        config: the scale file, to link to.
        benchmarks: JSON files that ``python -m benchmarks`` has written.

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
    measured = performance.read(benchmarks)
    with pictures.renewed(out.parent / "figures") as folder:
        for study in studies:
            found = (figures or {}).get(study["name"])
            target = folder / study["name"]
            study["figures"] = pictures.copied(found, target) if found else []
        speed = performance.view(measured, folder / "performance") if measured else None
    templates = _environment()
    _replace(out.with_name("performance.html"), templates, "performance.html.j2", speed)
    view = {
        "scale": {"scale": "", "description": ""} | dict(scale),
        "studies": studies,
        "verdicts": VERDICTS,
        "timings": {name: duration(seconds) for name, seconds in (timings or {}).items()},
        "level": rules.LEVEL,
        "rules": {name: plain(rule) for name, rule in rules.RULES.items()},
        "performance": speed is not None,
    }
    _replace(out, templates, "index.html.j2", view)


def _replace(
    path: Path, templates: jinja2.Environment, template: str, view: Mapping | None
) -> None:
    """Write a page in one move; without anything to show, there is none."""
    if view is None:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(templates.get_template(template).render(view), encoding="utf-8")
    os.replace(temporary, path)


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


def _links(
    beside: Path, runs: list[Run], notebook: str | Path | None, config: str | Path | None
) -> list[dict]:
    named = [("Notebook", notebook), ("Scale file", config)]
    named += [(f"Result store, {run.name.lower()}", run.path) for run in runs]
    return [{"text": text, "href": _href(path, beside)} for text, path in named if path]


def _href(path: str | Path, beside: Path) -> str:
    """A link from the page to a file: relative, quoted for a URL."""
    return quote(Path(os.path.relpath(path, beside)).as_posix())
