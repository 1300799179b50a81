"""The installation of ``make``, with a Python that only writes down what it is asked to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/sh
echo "PIP_USER=$PIP_USER $*" >> "$ASKED"
case "$*" in
    "-m venv --clear "*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; touch "$4/pip" ;;
    "-m pip --version") test -e "${0%/bin/python}/pip" ;;
    *"$FAILS"*) exit 1 ;;
esac
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "stub").write_text(PYTHON)
    (tmp_path / "stub").chmod(0o755)
    return tmp_path


def make(folder: Path, fails: str = "(nothing)", **habits: str) -> tuple[int, str, list[str]]:
    """Status, words and what Python was asked to do while the environment was made."""
    asked = folder / "asked"
    asked.write_text("")
    done = subprocess.run(
        ["make", "-s", "PYTHON=./stub", ".venv/.ready"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "ASKED": str(asked), "FAILS": fails} | habits,
    )
    return done.returncode, done.stdout + done.stderr, asked.read_text().splitlines()


def test_packages_go_into_the_environment_whatever_the_habits_of_pip(folder):
    status, _, asked = make(folder, PIP_USER="1")
    installs = [line for line in asked if "pip install" in line]
    assert status == 0 and len(installs) == 2
    assert all(line.startswith("PIP_USER=0 ") for line in installs)
    assert make(folder)[2] == ["PIP_USER= -c "], "once made, it stays"


def without_pip(venv: Path) -> None:
    (venv / "bin").mkdir(parents=True)
    shutil.copy(venv.parent / "stub", venv / "bin/python")


def without_python(venv: Path) -> None:
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to("/nowhere/python3")
    (venv / ".ready").touch()


def half_installed(venv: Path) -> None:
    assert make(venv.parent, fails="-e .[workflow,test]")[0] != 0


def moved(venv: Path) -> None:
    before = shutil.copytree(venv.parent, venv.parent / "before it moved")
    assert make(before)[0] == 0
    (before / ".venv/bin/snakemake").write_text(f"#!{before}/.venv/bin/python")
    (before / ".venv").rename(venv)


@pytest.mark.parametrize("stuck", [without_pip, without_python, half_installed, moved])
def test_an_environment_that_is_stuck_is_made_again(folder, stuck):
    stuck(folder / ".venv")
    status, said, asked = make(folder)
    assert status == 0 and (folder / ".venv/.ready").exists()
    assert not (folder / ".venv/bin/snakemake").exists(), "it names a place that is gone"
    assert make(folder)[2] == ["PIP_USER= -c "], "once made, it stays"
    assert ("creating .venv" in said) == (stuck is not half_installed)
    assert any("-e .[workflow,test]" in line for line in asked)


@pytest.mark.parametrize(
    ("fails", "said"),
    [("-m venv", "cannot create .venv: install its module venv"), ("-c import sys", "")],
)
def test_a_python_that_will_not_do_ends_in_a_sentence(folder, fails, said):
    stub = folder / "stub"
    stub.write_text(PYTHON.replace('    "-m venv', '    *"$FAILS"*) exit 1 ;;\n    "-m venv'))
    status, words, _ = make(folder, fails=fails)
    assert status != 0 and said in words and not (folder / ".venv/.ready").exists()
