"""The page itself: views of all studies, figures copied beside it, one template filled in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2

from hnnlib.evidence import claims, papers, rules
from hnnlib.evidence.papers import Paper
from hnnlib.evidence.report import figures as pictures
from hnnlib.evidence.report import performance
from hnnlib.evidence.report.summary import best_evidence
from hnnlib.evidence.report.text import duration, plain
from hnnlib.evidence.report.views import Run, paper_view
from hnnlib.files import written

__all__ = ["build"]

TEMPLATES = Path(__file__).parents[1] / "templates"
Paths = Mapping[str, str | Path]


def build(
    out: str | Path,
    scale: Mapping,
    stores: Paths,
    references: Paths | None = None,
    figures: Paths | None = None,
    reference_figures: Paths | None = None,
    notebooks: Paths | None = None,
    titles: Mapping[str, str] | None = None,
    timings: Mapping[str, float] | None = None,
    config: str | Path | None = None,
    tables: Sequence[str | Path] = (),
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
        reference_figures: the same, drawn from the reference stores, of the studies that have any.
        notebooks: each study's notebook as HTML.
        titles: each study's title.
        timings: wall seconds of the steps, by name.
        config: the scale file, to link to.
        tables: files of the ledger, to link to.
        benchmarks: JSON files that ``python -m benchmarks`` has written.

    Raises:
        ConfigError: no paper names one of the studies.
        StoreError: a store is missing or unreadable.
    """
    out = Path(out)
    references = {k: v for k, v in (references or {}).items() if Path(v).is_file()}
    shown, judged = [], {"Reference run": [], "This run": []}
    for stem, (paper, names) in _papers(stores).items():
        runs = [
            Run("Reference run", {k: v for k, v in references.items() if k in names}),
            Run("This run", {k: stores[k] for k in names}),
        ]
        named = {name: (titles or {}).get(name, name) for name in names}
        view = paper_view(stem, paper, named, runs)
        for run in runs:
            judged[run.name] += run.judgements.values()
        for study in view["studies"]:
            beside = (notebooks or {}).get(study["name"])
            study["links"] = _links(out.parent, runs, study["name"], beside, config)
        shown.append(view)
    studies = [study for view in shown for study in view["studies"]]
    measured = performance.read(benchmarks)
    with pictures.renewed(out.parent / "figures") as folder:
        for study in studies:
            drawn = [(figures or {}), (reference_figures or {})]
            sources = [paths.get(study["name"]) for paths in drawn]
            study["figures"] = pictures.side_by_side(sources, folder / study["name"])
        speed = performance.view(measured, folder / "performance") if measured else None
    templates = _environment()
    _replace(out.with_name("performance.html"), templates, "performance.html.j2", speed)
    view = {
        "scale": {"scale": "", "description": ""} | dict(scale),
        "papers": shown,
        "studies": studies,
        "verdicts": claims.ANSWERS,
        "best_evidence": best_evidence(list(judged.items())),
        "tables": [{"text": Path(path).name, "href": _href(path, out.parent)} for path in tables],
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
    text = templates.get_template(template).render(view)
    with written(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _papers(stores: Paths) -> dict[str, tuple[Paper, list[str]]]:
    """Papers by the name of their file, each with its studies in the order of the page."""
    read: list[tuple[str, Paper]] = []  # each file once: it takes a while
    found: dict[str, tuple[Paper, list[str]]] = {}
    for study in stores:
        known = next((one for one in read if study in one[1].studies), None)
        if known is None:
            read.append(known := papers.of_study(study))
        stem, paper = known
        found.setdefault(stem, (paper, []))[1].append(study)
    return found


def _links(
    beside: Path,
    runs: list[Run],
    study: str,
    notebook: str | Path | None,
    config: str | Path | None,
) -> list[dict]:
    named = [("Notebook", notebook), ("Scale file", config)]
    named += [(f"Result store, {run.name.lower()}", run.paths.get(study)) for run in runs]
    return [{"text": text, "href": _href(path, beside)} for text, path in named if path]


def _href(path: str | Path, beside: Path) -> str:
    """A link from the page to a file: relative, quoted for a URL."""
    return quote(Path(os.path.relpath(path, beside)).as_posix())
