"""The report's folder: views of all papers, files copied into it, one template a kind of page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import xarray as xr

from hnnlib import store
from hnnlib.errors import ConfigError, StoreError
from hnnlib.errors import plain as visible
from hnnlib.evidence import claims, ledger, papers, rules
from hnnlib.evidence.ledger import Ledger
from hnnlib.evidence.papers import Paper
from hnnlib.evidence.report import figures as pictures
from hnnlib.evidence.report import manifest, performance
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
    name: str = "This run",
    figures: Paths | None = None,
    reference_figures: Paths | None = None,
    notebooks: Paths | None = None,
    titles: Mapping[str, str] | None = None,
    timings: Mapping[str, float] | None = None,
    config: str | Path | None = None,
    benchmarks: Sequence[str | Path] = (),
    stems: Sequence[str] = (),
) -> None:
    """Write the report of a scale: ``out`` (an ``index.html``) and all that it leads to, in one
    folder, which is made anew and may be moved. The ledger's files lie in it, too.

    Where there are benchmark results, ``performance.html`` is among the pages.

    Args:
        out: the first page.
        scale: the scale file's content, of which ``scale`` and ``description`` are shown.
        stores: the run's result store of each study, in the order of the pages.
        references: the reference store of each study that has one; None: the run stands alone.
        name: what the run is called.
        figures: the folder with each study's figures and their sidecars.
        reference_figures: the same, drawn from the reference stores, of the studies that have any.
        notebooks: each study's notebook as HTML.
        titles: each study's title.
        timings: wall seconds of the steps, by name.
        config: the scale file.
        benchmarks: JSON files that ``python -m benchmarks`` has written.
        stems: names of the papers' files, in the order of the page; by default of all that name one
            of the studies.

    Raises:
        ConfigError: no paper names one of the studies.
        StoreError: a store is missing or unreadable.
    """
    known = _papers(stores, stems)
    paths = {name: stores}
    if references is not None:
        found = {k: v for k, v in references.items() if k in stores and Path(v).is_file()}
        paths = {"Reference run": found, name: stores}
    opened = {run: {k: store.open(v) for k, v in own.items()} for run, own in paths.items()}
    weighed = {name: _weighed(known, opened[name])}
    for run in paths.keys() - {name}:
        opened[run], weighed[run] = _weighed_as_far_as_read(known, opened[run])
        paths[run] = {study: paths[run][study] for study in opened[run]}
    shown = []
    for stem, (paper, studies) in known.items():
        runs = [Run.of(run, stem, paper, opened[run], weighed[run]) for run in paths]
        named = {study: (titles or {}).get(study, study) for study in studies}
        shown.append(paper_view(stem, paper, named, runs))
    measured = performance.read(benchmarks)
    with _renewed(Path(out).parent) as folder:
        files = _Folder(folder)
        drawn = [(figures or {}), (reference_figures or {})]
        for study in [study for view in shown for study in view["studies"]]:
            _add_files(study, files, paths, notebooks or {}, config)
            sources = [one.get(study["name"]) for one in drawn]
            study["figures"] = pictures.side_by_side(sources, folder / "figures" / study["name"])
        ledger.write(weighed[name], folder)
        manifest.write(folder / "codecheck.yml", shown)
        shared = {
            "scale": {key: visible(str(scale.get(key, ""))) for key in ("scale", "description")},
            "command": f"snakemake --cores all --config scale={scale.get('scale', '')}"
            if references is not None
            else "make site",
            "papers": shown,
            "runs": list(paths),
            "verdicts": claims.ANSWERS,
            "best_evidence": best_evidence(
                [(run, [j for own in weighed[run].judged.values() for j in own]) for run in paths]
            ),
            "tables": (*ledger.FILES, "codecheck.yml"),
            "timings": {step: duration(seconds) for step, seconds in (timings or {}).items()},
            "level": rules.LEVEL,
            "rules": {rule: plain(function) for rule, function in rules.RULES.items()},
            "performance": bool(measured),
        }
        speed = performance.view(measured, folder / "figures/performance") if measured else None
        _write_pages(folder, Path(out).name, shared, speed)


def _weighed(
    known: Mapping[str, tuple[Paper, list[str]]], opened: Mapping[str, xr.Dataset]
) -> Ledger:
    """The ledger of the papers that a run has any store of."""
    there = {stem: paper for stem, (paper, _) in known.items() if {*paper.studies} & {*opened}}
    return ledger.weigh(there, opened)


def _weighed_as_far_as_read(
    known: Mapping[str, tuple[Paper, list[str]]], opened: dict[str, xr.Dataset]
) -> tuple[dict[str, xr.Dataset], Ledger]:
    """The same without stores that lack what today's rules compare: those of an older version are
    no reason to show nothing of a new run.
    """
    try:
        return opened, _weighed(known, opened)
    except StoreError:
        read = {}
        for study, dataset in opened.items():
            with suppress(StoreError):
                _weighed(known, {study: dataset})
                read[study] = dataset
        return read, _weighed(known, read)


def _write_pages(folder: Path, first: str, shared: Mapping, speed: Mapping | None) -> None:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def write(page: str, template: str, **own: Any) -> None:
        text = templates.get_template(template).render(shared, page=page, **own)
        with written(folder / page) as temporary:
            temporary.write_text(text, encoding="utf-8")

    write(first, "index.html.j2")
    for paper in shared["papers"]:
        write(paper["page"], "paper.html.j2", paper=paper)
        for study in paper["studies"]:
            write(study["page"], "study.html.j2", paper=paper, study=study)
    if speed:
        write("performance.html", "performance.html.j2", **speed)
    for name in ("style.css", "filter.js"):
        shutil.copyfile(TEMPLATES / name, folder / name)


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


class _Folder:
    """Copies of files in a folder, and the links to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, source: str | Path, place: str) -> str:
        """Copy a file into a folder of this one; its link, quoted for a URL."""
        target = self.folder / place / Path(source).name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return quote(target.relative_to(self.folder).as_posix())


def _papers(stores: Paths, stems: Sequence[str]) -> dict[str, tuple[Paper, list[str]]]:
    """Papers by the name of their file, each with the studies whose pages are its own: those that
    no earlier paper names.
    """
    read = {stem: papers.load(stem) for stem in stems} or papers.naming(stores)
    found, told = {}, set()
    for stem, paper in read.items():
        own = [study for study in stores if study in paper.studies and study not in told]
        found[stem] = (paper, own)
        told |= set(own)
    for study in stores.keys() - told:
        raise ConfigError(f"no file in papers/ names the study '{study}': add one")
    return found


def _add_files(
    study: dict, files: _Folder, paths: Mapping[str, Paths], notebooks: Paths, config: Any
) -> None:
    """Copy what a study's page links to, and put the links into its view."""
    name = study["name"]
    study["notebook"] = ""
    study["links"] = []
    if name in notebooks:
        study["notebook"] = files.add(notebooks[name], "notebooks")
        # a notebook's page leads back to the report, which now lies around it
        copy = files.folder / "notebooks" / Path(notebooks[name]).name
        text = copy.read_text("utf-8").replace('href="../report/', 'href="../')
        with written(copy) as temporary:
            temporary.write_text(text, "utf-8")
        study["links"].append({"text": "Notebook", "href": study["notebook"]})
    if config:
        study["links"].append({"text": "Scale file", "href": files.add(config, "config")})
    for run, (label, own) in zip(study["runs"], paths.items(), strict=True):
        run["store"] = files.add(own[name], f"stores/{run['key']}") if name in own else ""
        if run["store"]:
            text = f"Result store, {label[0].lower()}{label[1:]}"
            study["links"].append({"text": text, "href": run["store"]})
