"""Files that install, describe and test the project say the same things."""

from __future__ import annotations

import os
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import hnnlib
from hnnlib import config
from hnnlib.errors import ConfigError
from hnnlib.evidence import papers

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PINS = {
    name.lower().replace("_", "-"): version
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)(?:; .*)?$", CONSTRAINTS, re.M)
}
WANTED = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]


@pytest.mark.parametrize("text", WANTED)
def test_every_dependency_is_pinned_inside_its_range(text):
    wanted = Requirement(text)
    assert wanted.specifier.contains(PINS[wanted.name.lower()])


def test_every_pin_installs_on_the_oldest_python():
    """The oldest that people have: Debian 12's."""
    oldest = {"python_version": "3.11", "python_full_version": "3.11.2"}
    refused = []
    for line in CONSTRAINTS.splitlines():
        if not line or line.startswith("#"):
            continue
        pin = Requirement(line)
        if pin.marker and not pin.marker.evaluate(oldest):
            continue
        try:
            found = metadata.distribution(pin.name)
        except metadata.PackageNotFoundError:
            continue
        needs = SpecifierSet(found.metadata.get("Requires-Python") or "")
        if pin.specifier.contains(found.version) and not needs.contains("3.11.2"):
            refused.append(line)
    assert refused == []


def test_the_default_environment_needs_no_compiler():
    """What the default run never imports is an extra: tonic brings a package without a wheel."""
    everybody = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["workflow"]]
    assert "tonic" not in {Requirement(text).name for text in everybody}


def test_the_environment_has_one_torch_release_line():
    assert Version("2.13") <= Version(PINS["torch"]) < Version("2.14")


def test_environment_yml_installs_what_pyproject_says():
    found = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, through_pip = found["dependencies"]
    assert PROJECT["requires-python"] in python and pip == "pip"
    assert through_pip == {"pip": ["-c constraints.txt", "-e .[workflow,test]"]}
    assert "-c constraints.txt" in (ROOT / "Makefile").read_text()
    assert "-e '.[workflow,test]'" in (ROOT / "Makefile").read_text()


def test_who_opens_notebooks_gets_what_they_import():
    """Without the workflow's packages: `pip install -e ".[lab]"` in a fresh environment."""
    lab = {Requirement(text).name for text in PROJECT["optional-dependencies"]["lab"]}
    assert {"ipykernel", "jinja2", "jupyterlab", "matplotlib"} <= lab


def test_an_installation_without_the_repository_says_what_it_needs(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "FOLDER", tmp_path / "config")
    with pytest.raises(ConfigError, match="need the repository.* pip install -e"):
        config.load_scale("quick", {})
    with pytest.raises(ConfigError, match="need the repository"):
        papers.load("muramatsu_yu", tmp_path / "papers")


def test_all_files_name_the_same_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == hnnlib.__version__ == str(citation["version"])
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_continuous_integration_runs_the_test_command_of_the_readme():
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^(exec )?make test$", script.read_text(), re.M)
    assert "make test" in (ROOT / "README.md").read_text()


def test_results_are_ignored_but_for_the_reference():
    lines = (ROOT / ".gitignore").read_text().splitlines()
    assert lines.index("/results/*") < lines.index("!/results/reference/")


@pytest.mark.parametrize("path", ["workflow", "profiles", "config", "hnnlib", "Makefile"])
def test_no_file_knows_the_machine_it_was_written_on(path):
    """A path of somebody's machine would break everybody else's."""
    top = ROOT / path
    files = [top] if top.is_file() else [f for f in top.rglob("*") if f.is_file()]
    texts = [f for f in files if f.suffix in ("", ".py", ".smk", ".yaml", ".md", ".html", ".j2")]
    wrong = re.compile(r"(?<![\w.~])/(work|root|home|Users|tmp)/\w")
    assert [str(f) for f in texts if wrong.search(f.read_text(errors="replace"))] == []
