"""Source digests: code counts, words about it do not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hnnlib import sources
from hnnlib.errors import HnnError

FILES = {
    "__init__.py": '"""Package."""',
    "top.py": "from hnnlib.sub import near\nfrom . import base\ndef f(): import hnnlib.sub.lazy\n",
    "base.py": '"""Doc."""\nX = 1\n',
    "alone.py": "Y = 1\n",
    "sub/__init__.py": "",
    "sub/near.py": "from .far import f as g\n",
    "sub/far.py": "from ..base import X\n",
    "sub/lazy.py": "Z = 1\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in hnnlib's place."""
    for name, text in FILES.items():
        path = tmp_path / "hnnlib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(sources, "FOLDER", tmp_path / "hnnlib")
    monkeypatch.setattr(sources, "KEPT", tmp_path / "sources.json")
    forget()
    yield tmp_path / "hnnlib"
    forget()


def forget() -> None:
    """As another process starts."""
    sources._parsed.cache_clear()
    sources._known.cache_clear()


def write(path: Path, text: str) -> None:
    """A file's time is how a change is seen, and clocks of file systems are slow."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 1, before + 1))


def test_imports_are_followed_wherever_they_stand(package):
    expected = ["", ".base", ".sub", ".sub.far", ".sub.lazy", ".sub.near", ".top"]
    assert sources.modules("hnnlib.top") == [f"hnnlib{name}" for name in expected]


@pytest.mark.parametrize(
    ("name", "text", "changes"),
    [
        ("base.py", "X = 2\n", True),
        ("base.py", '"""Other words."""\n# why\n\nX = (1)\n', False),
        ("sub/far.py", "from ..base import X\n\ndef f():\n    return 0\n", True),
        ("sub/lazy.py", "Z = 2\n", True),
        ("sub/__init__.py", "import math\n", True),
        ("alone.py", "Y = 2\n", False),
    ],
)
def test_the_digest_changes_with_code_that_is_imported_only(package, name, text, changes):
    before = sources.digest("hnnlib.top")
    write(package / name, text)
    assert (sources.digest("hnnlib.top") != before) is changes


def test_another_process_parses_only_what_has_changed(package, monkeypatch):
    before = sources.digest("hnnlib.top")
    forget()
    with monkeypatch.context() as patch:
        patch.setattr(sources.ast, "parse", None)
        assert sources.digest("hnnlib.top") == before
    state = (package / "base.py").stat()
    (package / "base.py").write_text(FILES["base.py"].replace("1", "2"))
    os.utime(package / "base.py", ns=(state.st_atime_ns, state.st_mtime_ns))
    forget()  # the same time and size
    assert sources.digest("hnnlib.top") != before


@pytest.mark.parametrize("text", ["", '{"a'])
def test_damaged_notes_of_earlier_processes_do_not_count(package, text):
    before = sources.digest("hnnlib.top")
    sources.KEPT.write_text(text)
    forget()
    assert sources.digest("hnnlib.top") == before


def test_docstrings_of_functions_and_classes_do_not_count(package):
    bare = "class A:\n    x = 1\n\n    def f(self):\n        return 1\n"
    (package / "base.py").write_text(bare)
    before = sources.digest("hnnlib.base")
    worded = bare.replace("class A:", 'class A:\n    """A."""')
    write(package / "base.py", worded.replace("f(self):", 'f(self):\n        "F."'))
    assert sources.digest("hnnlib.base") == before


def test_a_notebook_counts_by_its_code_cells_and_their_imports(package, tmp_path):
    def notebook(code, text="words"):
        cells = [
            {"cell_type": "markdown", "source": [text]},
            {"cell_type": "code", "source": code},
        ]
        path = tmp_path / "n.ipynb"
        path.touch()
        write(path, json.dumps({"cells": cells}))
        return path

    path = notebook(["%matplotlib inline\n", "import hnnlib.alone"])
    before = sources.digest(path)
    assert "hnnlib.alone" in sources.modules(path)
    assert sources.digest(notebook(["import hnnlib.alone"], "other words")) == before
    assert sources.digest(notebook(["import hnnlib.alone as b"])) != before
    notebook(["import hnnlib.alone"])
    write(package / "alone.py", "Y = 3\n")
    assert sources.digest(path) != before


def test_a_file_is_parsed_once(package, monkeypatch):
    before = sources.digest("hnnlib.top")
    monkeypatch.setattr(sources.ast, "parse", None)
    assert sources.digest("hnnlib.top") == before


def test_an_unknown_module_is_an_error(package):
    with pytest.raises(HnnError, match="no module hnnlib.nothing"):
        sources.digest("hnnlib.nothing")


def below(folder):
    """Names of all modules in a folder of hnnlib."""
    files = (sources.FOLDER / folder).rglob("*.py")
    paths = [file.relative_to(sources.FOLDER.parent).with_suffix("") for file in files]
    return {".".join(path.parts).removesuffix(".__init__") for path in paths}


def test_all_kernels_are_in_the_digest():
    """Those of a neuron, a surrogate, a network come with it, and with no other."""
    engines, rooms = set(sources.modules("hnnlib.engines")), ("neurons", "surrogates", "networks")
    of_rooms = {name for name in below("engines") if set(rooms) & set(name.split("."))}
    assert below("engines") - of_rooms <= engines
    everything = sources.modules("hnnlib.engines", *(name for r in rooms for name in below(r)))
    assert below("engines") <= set(everything)
    mine = set(sources.modules("hnnlib.engines", "hnnlib.neurons.decay_input")) - engines
    assert mine == {"hnnlib.neurons.decay_input", "hnnlib.engines.cpu.neurons.decay_input"}
