"""What one run of the workflow does: the scale, its studies and groups, where their files lie.

Studies import torch, and digests parse all of the library, which together take seconds. What comes
of it is therefore kept beside Snakemake's own notes, under a hash of every file that it depends on.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from hnnlib.errors import ConfigError, HnnError
from hnnlib.files import opened, read_text, written
from workflow.guards import NOTES, end, sentence

DEFAULT_SCALE = "quick"
PAGES = ("ipynb", "html")
KEPT = NOTES / "hnnlib.plans"
LEDGER = ("claims.csv", "comparison.csv", "readings.csv", "claims.json")
CODE = {"report": ("hnnlib.evidence.report",)}


@dataclass(frozen=True)
class Section:
    """One study of the scale.

    Attributes:
        title: what people call it.
        paper: name of the paper's file.
        settings: its section of the scale, complete with defaults.
        groups: training jobs, each with the settings that it depends on: only their change trains
            it anew.
        code: digests of the library code behind each group's results: a change trains it anew.
        collecting: digest of the code that joins the groups.
        data: data sets that are files, which are found and verified before it trains.
        notebook: digest of its notebook and of the library code that this imports.
        seconds: of one core that each group takes, estimated; NaN where nothing was measured.
        memory: bytes that the largest network of each group takes at least.
    """

    title: str
    paper: str
    settings: dict[str, Any]
    groups: dict[str, dict[str, Any]]
    code: dict[str, dict[str, str]]
    collecting: str
    data: list[str]
    notebook: str
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The scale and the folders; rules ask it for everything that depends on the studies.

    Attributes:
        scale: name of the scale.
        description: what it computes, for people.
        core_minutes: processor time of all its training as the scale file declares it, or None.
        scale_file: the file, as seen from the folder where Snakemake runs.
        sections: its studies by name, in the order of the report.
        code: digest of the library code behind claims and report.
        stems: names of the papers' files, in the order of the report.
        force: whether it runs however long it takes.
    """

    scale: str
    description: str
    core_minutes: float | None
    scale_file: str
    sections: dict[str, Section]
    code: dict[str, str]
    results: str
    project: Path
    device: str
    engine: str
    stems: list[str]
    force: bool = False

    @property
    def studies(self) -> list[str]:
        """Names of the scale's studies, in the order of the report."""
        return list(self.sections)

    def runs(self, study: str) -> list[str]:
        """What the study's training jobs write."""
        return [f"{self.results}/runs/{study}/{group}.nc" for group in self.sections[study].groups]

    def data_checks(self, study: str) -> list[str]:
        """What must be there before the study trains."""
        return [f"{self.results}/data/{name}.json" for name in self.sections[study].data]

    def stores(self) -> dict[str, str]:
        """Result store of each study."""
        return {name: f"{self.results}/{name}.nc" for name in self.sections}

    def files(self) -> list[str]:
        """Tables and pages that are made of the stores; none is ever empty."""
        pages = [f"notebooks/{study}.{kind}" for study in self.sections for kind in PAGES]
        pages = [f"{self.results}/{name}" for name in (*pages, "report/index.html")]
        return self.ledger(self.results) + pages

    def ledger(self, folder: str) -> list[str]:
        """Tables and tree of all claims."""
        return [f"{folder}/{name}" for name in LEDGER]

    def references(self) -> list[str]:
        """Reference stores that exist; the report shows them beside this run."""
        paths = [self.path(f"results/reference/{name}.nc") for name in self.sections]
        return [path for path in paths if os.path.isfile(path)]

    def reference_figures(self) -> list[str]:
        """Folders with figures of reference stores that exist; drawn by ``reference_figures``."""
        paths = [self.path(f"results/reference/figures/{name}") for name in self.sections]
        return [path for path in paths if os.path.isdir(path)]

    def papers(self) -> list[str]:
        """Files of the papers that the studies rerun, in the order of the report."""
        return [self.path(f"papers/{name}.yaml") for name in self.stems]

    def templates(self) -> list[str]:
        """Files that the report is laid out with."""
        folder = self.project / "hnnlib/evidence/templates"
        names = sorted(path.name for path in folder.glob("[!.]*"))
        return [self.path(f"hnnlib/evidence/templates/{name}") for name in names]

    def benchmarks(self) -> list[str]:
        """Benchmark results that exist; the report has a page on them."""
        folder = self.project / "benchmarks/results"
        return [
            self.path(f"benchmarks/results/{p.name}") for p in sorted(folder.glob("[!.]*.json"))
        ]

    @property
    def page(self) -> str:
        """What notebooks are laid out with."""
        return self.path("workflow/templates/notebook.html")

    def notebook(self, study: str) -> str:
        """The study's notebook."""
        return self.path(f"notebooks/{study}.ipynb")

    def path(self, name: str) -> str:
        """A file of the project, seen from the folder where Snakemake runs."""
        path = self.project / name
        return name if Path.cwd() == self.project else str(path)


def make(options: Mapping[str, str], project: str | Path) -> Plan:
    """Read the scale and check that the files it needs are there; else end with what is wrong."""
    project = Path(project).resolve()
    try:
        known = _known(options.get("scale", DEFAULT_SCALE), project)
        plan = Plan(
            scale=known["scale"],
            description=known["description"],
            core_minutes=known["core_minutes"],
            scale_file=os.path.relpath(known["path"]),
            sections={name: Section(**section) for name, section in known["sections"].items()},
            code=known["code"],
            results=os.path.join(options.get("results", "results"), known["scale"]),
            project=project,
            device=options.get("device", known["device"]),
            engine=options.get("engine", "auto"),
            stems=known["papers"],
            force=options.get("force") == "true",
        )
        _check(plan)
    except HnnError as reason:
        end(str(reason))
    except OSError as reason:
        end(sentence(reason))
    return plan


def _known(scale: str, project: Path) -> dict[str, Any]:
    """What the library says of a scale, as plain values; from the kept copy while it holds."""
    files = [*project.glob("hnnlib/**/[!.]*.py"), *project.glob("notebooks/[!.]*.ipynb")]
    files += [*project.glob("config/[!.]*.yaml"), *project.glob("papers/[!.]*.yaml")]
    files += project.glob("results/reference/[!.]*.nc")
    files += [path for path in [Path(scale)] if os.path.isfile(path)]
    state = sha256(f"{scale}\0{project}\0{Path.cwd()}\0{__file__}".encode())
    for path in sorted({path.resolve() for path in [*files, Path(__file__)]}):
        with opened(path) as stream:
            state.update(f"\0{path}\0".encode() + stream.read())
    kept = KEPT / f"{state.hexdigest()}.json"
    try:
        return json.loads(read_text(kept))
    except (OSError, ValueError):  # there is none, or half of one
        known = json.loads(json.dumps(_asked(scale, project)))
    _keep(kept, known)
    return known


def _keep(path: Path, known: dict[str, Any]) -> None:
    """Write a plan in the place of those that no longer hold; a read-only folder stays as it is."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in sorted(path.parent.glob("*.json"), key=os.path.getmtime)[:-4]:
            old.unlink(missing_ok=True)
        with written(path) as partial:
            partial.write_text(json.dumps(known))


def _asked(name: str, project: Path) -> dict[str, Any]:
    """Ask the library."""
    from hnnlib import config, estimates, sources, studies
    from hnnlib.datasets import registry
    from hnnlib.evidence import papers
    from hnnlib.studies import collecting, running

    def section(study: str, settings: Any) -> dict[str, Any]:
        known = studies.get(study)
        groups = studies.relevant(study, settings)
        # jobs that share one section share its work, too
        alike = Counter(map(repr, groups.values()))
        rate = estimates.rate(project / f"results/reference/{study}.nc")
        data = dict.fromkeys(known.datasets(settings))
        return asdict(
            Section(
                title=known.title,
                paper=known.paper,
                settings=settings.model_dump(mode="json"),
                groups=groups,
                seconds={k: rate * estimates.work(v) / alike[repr(v)] for k, v in groups.items()},
                memory={group: estimates.memory(its) for group, its in groups.items()},
                code={group: running.code_digests(study, settings, group) for group in groups},
                collecting=sources.digest(studies.module(study, "collecting"), collecting.__name__),
                data=[name for name in data if registry.get(name).files],
                notebook=sources.digest(project / f"notebooks/{study}.ipynb"),
            )
        )

    scale = config.load_scale(name, studies.settings_classes())
    own = dict.fromkeys(studies.get(study).paper for study in scale.studies)
    # read here: a slip would be told after the training
    stems = own | dict.fromkeys(papers.naming(scale.studies))
    return {
        "scale": scale.scale,
        "description": scale.description,
        "core_minutes": scale.core_minutes,
        "device": scale.device,
        "path": str(scale.path),
        "sections": {study: section(study, its) for study, its in scale.studies.items()},
        "code": {part: sources.digest(*modules) for part, modules in CODE.items()},
        "papers": list(stems),
    }


def _check(plan: Plan) -> None:
    for study, section in plan.sections.items():
        wrong = [name for name in section.groups if not re.fullmatch(r"[A-Za-z0-9_]+", name)]
        if wrong:
            raise ConfigError(
                f"group '{wrong[0]}' of study {study}: use letters, digits and _ only in its name"
            )
        if not section.groups:
            raise ConfigError(f"study {study} has nothing to train in {plan.scale_file}")
    for path in [*map(plan.notebook, plan.studies), *plan.papers()]:
        if not os.path.isfile(path):
            raise ConfigError(f"the file {path} is missing: CONTRIBUTING.md says what it holds")
