"""Notebooks are thin, clean and read results only."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import synthetic_delays
import synthetic_shd
from notebook_runs import FOLDER, read, run
from synthetic_store import make

from hnnlib import store, studies

TUTORIALS = sorted(FOLDER.glob("tutorial_*.ipynb"))
NOTEBOOKS = sorted(set(FOLDER.glob("*.ipynb")) - set(TUTORIALS))
TRAINS = {"torch", "numba"} | {
    f"hnnlib.{room}"
    for room in "studies training networks engines neurons surrogates codings datasets".split()
}

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code(path: Path) -> list[str]:
    """Source of every code cell."""
    return ["".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def parameters(path: Path) -> dict:
    """Defaults of the cell tagged ``parameters``; there must be exactly one."""
    tagged = [c for c in read(path)["cells"] if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    found = {}
    exec("".join(tagged[0]["source"]), found)
    found.pop("__builtins__")
    return found


def imported(source: str) -> set[str]:
    """Dotted names that a cell imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@every_notebook
def test_answers_stand_beside_the_scale_that_they_hold_for(path):
    assert any('["text", "answer", "scale", "direction", "reason"' in cell for cell in code(path))


def test_every_notebook_is_a_studys_or_a_tutorial():
    """A tutorial trains, and the workflow must never take it for a study's."""
    assert [path.stem for path in NOTEBOOKS] == sorted(studies.names())
    assert all("assert " in "".join(code(path)) for path in TUTORIALS)


@pytest.mark.parametrize("path", [*NOTEBOOKS, *TUTORIALS], ids=lambda path: path.stem)
def test_it_is_stripped(path):
    notebook = read(path)
    for number, cell in enumerate(notebook["cells"]):
        assert cell["id"] == str(number)
        assert set(cell["metadata"]) <= {"tags"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    assert notebook["metadata"]["kernelspec"]["display_name"] == "Python 3 (ipykernel)"


def test_a_notebook_that_was_opened_and_run_is_no_change_for_git():
    """What JupyterLab adds goes through the filter that ``make lab`` installs."""
    said = subprocess.run(["make", "-n", "lab"], cwd=FOLDER.parent, capture_output=True, text=True)
    words = re.search(r"git config filter\.notebooks\.clean '(.*)'", said.stdout)[1]
    assert "*.ipynb filter=notebooks" in (FOLDER.parent / ".gitattributes").read_text()
    path = FOLDER / "delays.ipynb"
    opened = read(path)
    details = {"codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py"}
    details |= {"mimetype": "text/x-python", "nbconvert_exporter": "python"}
    opened["metadata"]["language_info"] |= details | {"pygments_lexer": "ipython3"}
    opened["metadata"]["language_info"]["version"] = "3.12.1"
    for number, cell in enumerate(opened["cells"]):
        cell["id"] = f"a{number}"
        if cell["cell_type"] == "code":
            cell["execution_count"], cell["metadata"]["trusted"] = number, True
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["1"]}]
    python = words.replace(".venv/bin/python", sys.executable)
    text = json.dumps(opened)
    done = subprocess.run(python, shell=True, input=text, capture_output=True, text=True)
    assert done.stdout == path.read_text("utf-8"), done.stderr


@every_notebook
def test_it_trains_nothing(path):
    for name in set().union(*map(imported, code(path))):
        assert not any(name == room or name.startswith(f"{room}.") for room in TRAINS), name


@every_notebook
def test_its_cells_are_short(path):
    assert [source for source in code(path) if len(source.splitlines()) >= 10] == []


@every_notebook
def test_it_checks_what_it_shows(path):
    assert any("assert " in source for source in code(path))


@every_notebook
def test_its_text_needs_no_mathjax(path):
    cells = read(path)["cells"]
    assert "$" not in "".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


@every_notebook
def test_its_defaults_work_right_after_a_clone(path):
    defaults = parameters(path)
    assert set(defaults) == {"store", "figures"}
    assert defaults["figures"] is None
    reference = (FOLDER / defaults["store"]).resolve()
    assert reference == FOLDER.parent / f"results/reference/{path.stem}.nc"
    assert reference.is_file()


def test_coding_comparison_runs_on_a_store_with_gaps(tmp_path):
    quick = make(
        seeds=3,
        epochs=3,
        scale="quick",
        datasets={"mlp": "digits"},
        keep=lambda cell: cell["family"] == "mlp" and cell["arm"] in ("main", "split"),
        drop=["digits/ASS/duplicate/separate"],
        diverged={"digits/AAS/duplicate/separate": [0]},
    )
    path = store.write(quick, tmp_path / "quick.nc")
    names = run(FOLDER / "coding_comparison.ipynb", store=str(path), figures=str(tmp_path / "f"))
    assert names["printed"] == {}  # no number of the paper beside other data
    pictures = sorted(path.stem for path in (tmp_path / "f").glob("*.png"))
    assert len(pictures) == 6
    assert sorted(path.stem for path in (tmp_path / "f").glob("*.json")) == pictures


def test_shd_ablations_runs_on_a_store_with_gaps(tmp_path):
    quick = synthetic_shd.make(
        datasets=("spoken_digits", "randman_standard"),
        models=("snn", "hybrid", "nsn", "n2n_block", "rnn"),
        arms=("main", "matched", "fraction", "rate"),
        drop=["spoken_digits/rnn/fraction/0.1"],
        diverged={"spoken_digits/nsn/main": [0]},
        scale="quick",
    )
    path = store.write(quick, tmp_path / "quick.nc")
    names = run(FOLDER / "shd_ablations.ipynb", store=str(path), figures=str(tmp_path / "f"))
    assert names["failed"].sum() == 1
    pictures = sorted(path.stem for path in (tmp_path / "f").glob("*.png"))
    assert [name.split("_")[0] for name in pictures] == [*"123456789", "readings"]
    assert sorted(path.stem for path in (tmp_path / "f").glob("*.json")) == pictures


def test_delays_runs_on_a_store_with_gaps(tmp_path):
    quick = synthetic_delays.make(
        seeds=3, datasets=("spoken_digits",), lines=["norm", "gain_norm"], arms=["main"]
    )
    path = store.write(quick, tmp_path / "quick.nc")
    names = run(FOLDER / "delays.ipynb", store=str(path), figures=str(tmp_path / "f"))
    assert set(names["judged"]["answer"]) <= {"supported", "not tested", "undecided"}
    pictures = sorted(path.stem for path in (tmp_path / "f").glob("*.png"))
    assert [name.split("_")[0] for name in pictures] == [*"1234567", "readings"]


def test_reading_results_loads_nothing_that_only_training_or_rare_tests_need():
    figures = ", ".join(f"hnnlib.plotting.{path.stem}" for path in NOTEBOOKS)
    heavy = ("torch", "numba", "sklearn", "scipy.stats", "matplotlib.pyplot")
    source = f"import hnnlib.evidence.report, hnnlib.evidence.ledger, {figures}, sys; "
    check = f"sys.exit(', '.join(m for m in {heavy} if m in sys.modules) or 0)"
    assert subprocess.run([sys.executable, "-c", source + check], timeout=120).returncode == 0


def test_training_loads_no_statistics_and_no_second_library_of_learning():
    """Importing torch and Numba takes two seconds of every job; these would take as much again."""
    heavy = ("scipy.stats", "sklearn", "sympy", "torch._dynamo", "matplotlib")
    source = """
import sys
from hnnlib import engines, studies
from hnnlib.datasets import registry
from hnnlib.studies import running

engines.get("cpu", running.torch.device("cpu"))
studies.settings_classes()
registry.load("digits")
"""
    check = f"sys.exit(', '.join(m for m in {heavy} if m in sys.modules) or 0)"
    assert subprocess.run([sys.executable, "-c", source + check], timeout=120).returncode == 0
