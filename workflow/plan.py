"""What one run of the workflow does: the scale, its studies and groups, where their files lie."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hnnlib import config as scales
from hnnlib import sources, studies
from hnnlib.errors import ConfigError, HnnError
from hnnlib.studies import running

DEFAULT_SCALE = "quick"
DATA_FOLDER = "HNN_DATA"


@dataclass(frozen=True)
class Plan:
    """The scale and the folders; rules ask it for everything that depends on the studies."""

    scale: scales.Scale
    results: str
    project: Path
    device: str
    engine: str

    @cached_property
    def studies(self) -> list[str]:
        """Names of the scale's studies, in the order of the report."""
        return list(self.scale.studies)

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Training jobs of each study."""
        settings = self.scale.studies
        return {name: list(studies.get(name).groups(settings[name])) for name in self.studies}

    @cached_property
    def data(self) -> dict[str, list[str]]:
        """Data sets of each study."""
        settings = self.scale.studies
        return {
            name: list(dict.fromkeys(studies.get(name).datasets(settings[name])))
            for name in self.studies
        }

    def code(self, study: str, group: str) -> dict[str, str]:
        """Digests of the library code behind one group's results: a change trains it anew."""
        return running.code_digests(study, self.scale.studies[study], group)

    def settings(self, study: str) -> dict[str, Any]:
        """The study's section of the scale, complete with defaults, as plain values."""
        return self.scale.studies[study].model_dump(mode="json")

    def relevant(self, study: str, group: str) -> dict[str, Any]:
        """The settings that one group depends on: only their change trains it anew."""
        return studies.get(study).relevant(self.scale.studies[study], group).model_dump(mode="json")

    def runs(self, study: str) -> list[str]:
        return [f"{self.results}/runs/{study}/{group}.nc" for group in self.groups[study]]

    def data_checks(self, study: str) -> list[str]:
        return [f"{self.results}/data/{name}.json" for name in self.data[study]]

    def stores(self) -> dict[str, str]:
        return {name: f"{self.results}/{name}.nc" for name in self.studies}

    def references(self) -> list[str]:
        """Reference stores that exist; the report shows them beside this run."""
        paths = [self.path(f"results/reference/{name}.nc") for name in self.studies]
        return [path for path in paths if os.path.isfile(path)]

    def papers(self) -> list[str]:
        """Files of the papers that the studies rerun, in the order of the report."""
        names = dict.fromkeys(studies.get(name).paper for name in self.studies)
        return [self.path(f"papers/{name}.yaml") for name in names]

    def templates(self) -> list[str]:
        """Files that the report is laid out with."""
        folder = self.project / "hnnlib/evidence/templates"
        return [self.path(f"hnnlib/evidence/templates/{p.name}") for p in sorted(folder.iterdir())]

    def benchmarks(self) -> list[str]:
        """Benchmark results that exist; the report has a page on them."""
        folder = self.project / "benchmarks/results"
        return [self.path(f"benchmarks/results/{p.name}") for p in sorted(folder.glob("*.json"))]

    def scale_file(self) -> str:
        return os.path.relpath(self.scale.path)

    def title(self, study: str) -> str:
        return studies.get(study).title

    def notebook(self, study: str) -> str:
        return self.path(f"notebooks/{study}.ipynb")

    def path(self, name: str) -> str:
        """A file of the project, seen from the folder where Snakemake runs."""
        path = self.project / name
        return name if Path.cwd() == self.project else str(path)

    def digest(self, *names: str) -> str:
        """Digest of library modules (dotted) and of project files (with a slash)."""
        return sources.digest(*(self.project / n if "/" in n else n for n in names))


def make(options: Mapping[str, Any], project: str | Path) -> Plan:
    """Read the scale and check that the files it needs are there; else end with what is wrong."""
    project = Path(project).resolve()
    # scripts and notebook kernels import the library of this project, wherever they are started
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(project), *filter(None, before)]))
    try:
        scale = scales.load_scale(
            str(options.get("scale", DEFAULT_SCALE)), studies.settings_classes()
        )
        plan = Plan(
            scale=scale,
            results=f"{str(options.get('results', 'results')).rstrip('/')}/{scale.scale}",
            project=project,
            device=str(options.get("device", scale.device)),
            engine=str(options.get("engine", "auto")),
        )
        _check(plan)
    except HnnError as reason:
        sys.exit(f"error: {reason}")
    return plan


def data_state(name: str) -> list[tuple[str, int, int]]:
    """Names, sizes and times of the files that a reader handed over: a change is checked anew."""
    folder = Path(os.environ.get(DATA_FOLDER) or "/nonexistent").expanduser() / name
    if not folder.is_dir():
        return []
    states = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    return [(file, state.st_size, state.st_mtime_ns) for file, state in states]


def _check(plan: Plan) -> None:
    for study, groups in plan.groups.items():
        wrong = [name for name in groups if not re.fullmatch(r"[A-Za-z0-9_]+", name)]
        if wrong:
            raise ConfigError(
                f"group '{wrong[0]}' of study {study}: use letters, digits and _ only in its name"
            )
        if not groups:
            raise ConfigError(f"study {study} has nothing to train in {plan.scale.path.name}")
    for path in [*map(plan.notebook, plan.studies), *plan.papers()]:
        if not os.path.isfile(path):
            raise ConfigError(f"the file {path} is missing: CONTRIBUTING.md says what it holds")
