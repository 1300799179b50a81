"""Files that are whole or not there: on a full disk the earlier one stays, and is named."""

from __future__ import annotations

import ast
import os
import re
import resource
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure

from hnnlib import store
from hnnlib.evidence import ledger
from hnnlib.evidence.report import page
from hnnlib.files import FULL, opened, read_text, written
from hnnlib.plotting import save
from hnnlib.training.checkpoint import Checkpoint
from workflow import jobs

ROOT = Path(__file__).resolve().parents[1]
DATA = xr.Dataset({"x": ("cell", torch.rand(9000).numpy(), {"units": "1", "long_name": "a"})})
TABLE = pd.DataFrame({"claim": ["A1"] * 3000})


@contextmanager
def full(room: int):
    """No file of this process can be longer than `room` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def text(path: Path) -> None:
    with written(path) as temporary:
        temporary.write_text("x" * 9000)


def tables(path: Path) -> None:
    tree = {"a": {"b": "x" * 9000}} if path.suffix == ".json" else {}
    names = ("claims", "numbers", "readings")
    frames = {name: TABLE if path.stem == name else TABLE[:1] for name in names}
    ledger.write(
        SimpleNamespace(**(frames | {"claims": TABLE[:1]} if tree else frames), tree=tree),
        path.parent,
    )


def figure(path: Path) -> None:
    save(Figure(), path.parent, path.stem, title="t" * 9000, caption="c", alt="a")


WRITERS = {
    "record.json": text,
    "g0.nc": lambda path: store.write(DATA, path),
    "c.npz": lambda path: Checkpoint(path, "x").save({"a": torch.rand(9000)}, {}),
    "claims.csv": tables,
    "readings.csv": tables,
    "claims.json": tables,
    "figure.png": figure,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_what_was_there_and_names_the_file(tmp_path, name):
    path = tmp_path / name
    path.write_text("earlier")
    with full(0 if name == "figure.png" else 4000), pytest.raises(OSError) as caught:
        WRITERS[name](path)
    assert caught.value.errno in FULL
    said = f"{path} cannot be written, the disk is full: free some space and run again"
    assert jobs.reason(caught.value) == said
    assert path.read_text() == "earlier"
    assert not [found for found in tmp_path.iterdir() if found.name.startswith(".")]
    WRITERS[name](path)  # there is room again
    assert path.read_bytes() != b"earlier"


def test_a_full_disk_leaves_the_earlier_report(tmp_path):
    folder = tmp_path / "report"
    folder.mkdir()
    text(folder / "index.html")
    with full(4000), pytest.raises(OSError) as caught, page._renewed(folder) as fresh:
        (fresh / "style.css").write_text("new")
        text(fresh / "index.html")
    assert caught.value.errno in FULL
    assert list(tmp_path.rglob("*")) == [folder, folder / "index.html"]


def test_another_error_is_left_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, written(tmp_path / "a"):
        (tmp_path / "none").read_text()
    assert caught.value.filename == str(tmp_path / "none")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_is_read_by_nobody(tmp_path, make):
    make(tmp_path / "a")
    with pytest.raises(OSError, match="is a pipe, a device or a folder") as caught:
        opened(tmp_path / "a")
    said = f"{tmp_path / 'a'} is a pipe, a device or a folder and no file"
    assert jobs.reason(caught.value) == said


def test_a_file_is_read_as_it_is(tmp_path):
    (tmp_path / "a").write_bytes(b"\xc3\xa9\xff")
    with opened(tmp_path / "a") as stream:
        assert stream.read() == b"\xc3\xa9\xff"
    assert read_text(tmp_path / "a", "replace") == "é\N{REPLACEMENT CHARACTER}"


def test_what_others_may_exchange_is_opened_by_one_function():
    found = set()
    for path in (*ROOT.glob("hnnlib/**/*.py"), *ROOT.glob("workflow/**/*.py")):
        if re.search(r"\.read_(text|bytes)\(|path\.open\((?!\"[wr]b)", path.read_text()):
            found.add(path.name)
    assert found == {
        "cifar.py",  # files whose sums were taken just before
        "compilation.py",  # its own kernels
        "execute_notebook.py",  # a page of the project
        "figures.py",  # copies of its own making
        "jobs.py",  # what the system says of memory
        "lock.py",  # and of processes
        "own.py",  # a file that the reader names, who may mean a pipe
        "page.py",  # copies of its own making
        "power.py",  # scale files of the project
        "reader.py",  # a file that was just read
        "readme.py",  # pages and stores of the project
        "sources.py",  # itself
    }


WRITES = ("write_text", "write_bytes", "savez", "to_netcdf", "dump")


def _calls(node: ast.AST, inside: bool = False):
    """Calls that write or rename a file, and whether they stand inside ``with written(...)``."""
    if isinstance(node, ast.With):
        names = [getattr(getattr(i.context_expr, "func", None), "id", "") for i in node.items]
        inside = inside or "written" in names
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        renames = node.func.attr == "replace" and getattr(node.func.value, "id", "") == "os"
        if node.func.attr in WRITES or renames:
            yield node, inside
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, inside)


def test_every_file_is_written_whole_or_not_at_all():
    """Notebooks and their pages, too, which are written by scripts of the workflow."""
    found = {}
    for path in (*ROOT.glob("hnnlib/**/*.py"), *ROOT.glob("workflow/**/*.py")):
        code = path.read_text()
        if not any(word in code for word in ("os.replace", *WRITES)):
            continue  # parsing all files takes seconds
        for call, inside in _calls(ast.parse(code)):
            found.setdefault(inside, []).append(f"{path.name}: {ast.unparse(call)}")
    assert len(found[True]) >= 8
    assert sorted(line.split(":")[0] for line in found[False]) == [
        "checkpoint.py",  # puts what is damaged aside
        "earlier.py",  # puts earlier results back
        "files.py",
        "guards.py",  # tries whether a folder takes files
        "page.py",  # puts a whole folder in the place of another
    ]
