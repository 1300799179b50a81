"""A neuron of one's own: that of CONTRIBUTING.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ("coding_comparison", "operational_manifold", "shd_ablations")


def blocks() -> dict[str, str]:
    """Files of the section, by path."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    section = re.search(r"^## Adding a neuron$(.*?)^## ", page, re.M | re.S)[1]
    found = re.findall(r"^- `([^`\n]+)`.*?^```python\n(.*?)^```$", section, re.M | re.S)
    return dict(found)


def python(tree: Path, *words: str) -> str:
    """What a fresh Python in the tree says."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def digests(tree: Path) -> str:
    code = "from hnnlib import sources, studies\n"
    code += "\n".join(f"print(sources.digest(studies.module('{name}')))" for name in STUDIES)
    return python(tree, "-c", code)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the library and of the engines' tests, and the neuron's files; which changes no
    study's code.
    """
    project = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "hnnlib", project / "hnnlib")
    shutil.copytree(ROOT / "tests/engines", project / "tests/engines")
    shutil.copy(ROOT / "tests/conftest.py", project / "tests")  # no deadline: kernels compile
    shutil.copy(ROOT / "pyproject.toml", project)
    before, files = digests(project), blocks()
    rows = f"{files.pop('tests/engines/agreement.py').strip()},\n"
    for name, text in files.items():
        assert not (project / name).exists()
        (project / name).write_text(text)
    table = project / "tests/engines/agreement.py"
    text = table.read_text().replace("\nKINDS = [\n", f"\nKINDS = [\n{rows}")
    names = "from hnnlib.neurons.resonate import ResonateAndFire\n"
    table.write_text(
        text.replace("from hnnlib import engines\n", f"from hnnlib import engines\n{names}")
    )
    assert digests(project) == before
    for path in (project / "hnnlib/engines/cpu/neurons").glob("[a-z]*.py"):
        if path.stem != "resonate":  # every kernel holds all of them: compiling takes a minute
            path.unlink()
    return project


@pytest.mark.slow
def test_a_new_neuron_is_run_by_its_kernels_and_agrees_with_eager(tree):
    """With every surrogate; layers of all kinds call the same two functions."""
    code = """
import pytest
import torch
from hnnlib.engines.cpu import compiled
from hnnlib.neurons.resonate import ResonateAndFire

assert compiled.make(ResonateAndFire(), 2, 1, torch.float32) is not None
chosen = ["-k", "Resonate and gradients_in_single_precision", "-o", "addopts="]
raise SystemExit(pytest.main(["-q", "tests/engines/test_engine_cpu.py", *chosen]))
"""
    assert "5 passed" in python(tree, "-c", code)
