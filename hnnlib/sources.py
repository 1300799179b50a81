"""Digest of source code: changes when a result may change, and not for a comment or a docstring.

Snakemake sees a rule's script, not the library behind it. The workflow therefore gives every job
the digest of the modules that its result depends on: the named ones and, by static analysis of
their import statements, all of hnnlib that they import. Modules are read, never imported. What is
imported by a computed name is not seen, but for the kernels of neurons and surrogates, which bear
their names.
"""

from __future__ import annotations

import ast
import contextlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from hnnlib.errors import HnnError
from hnnlib.files import opened, read_text, written

__all__ = ["digest", "modules"]

PACKAGE = "hnnlib"
FOLDER = Path(__file__).resolve().parent
KERNELS = {
    "hnnlib.neurons.": ("hnnlib.engines.cpu.neurons.", "hnnlib.engines.gpu.neurons."),
    "hnnlib.surrogates.": ("hnnlib.engines.cpu.surrogates.",),
}
"""Where engines have the kernels of a room's modules: the room's name, and those that stand in its
place, see ``hnnlib.engines.rows``."""
KEPT = FOLDER / "__pycache__" / "sources.json"
"""What was parsed before: parsing all files takes half a second, which every job would spend."""
_MOST = 2000  # sources kept
_unkept: list[str] = []


class _Source(NamedTuple):
    """One file: the sha256 of its code, and what its import statements name."""

    code: str
    imports: tuple[tuple[int, str, tuple[str, ...]], ...]  # level, module, names from it


def digest(*names: str | Path) -> str:
    """Hexadecimal sha256 over the code of some modules and of all hnnlib modules that they import.

    Args:
        names: dotted module names (``hnnlib.studies.coding_comparison``), or paths of scripts
            (``.py``) and notebooks (``.ipynb``, their code cells).

    Raises:
        HnnError: a named module does not exist, or a file is not valid Python.
    """
    found = _closure(names)
    text = "\0".join(f"{name}\0{found[name].code}" for name in sorted(found))
    return sha256(text.encode()).hexdigest()


def modules(*names: str | Path) -> list[str]:
    """Names of the given modules and of all hnnlib modules that they import, however indirectly."""
    return sorted(_closure(names))


def _closure(names: tuple[str | Path, ...]) -> dict[str, _Source]:
    """Sources by module name (files: by file name)."""
    found: dict[str, _Source] = {}
    waiting: list[str] = []
    for name in names:
        if isinstance(name, Path):
            found[name.name] = _source(name)
            waiting += _imported(found[name.name], "")
        elif _file(name) is None:
            raise HnnError(f"there is no module {name} below {FOLDER}: check its name")
        else:
            waiting += _with_parents(name)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _source(_file(name))
            waiting += _imported(found[name], name)
            room, dot, module = name.rpartition(".")
            kernels = [folder + module for folder in KERNELS.get(room + dot, ())]
            waiting += [n for k in kernels if _file(k) for n in _with_parents(k)]
    _keep()
    return found


def _imported(source: _Source, name: str) -> Iterator[str]:
    """hnnlib modules named by the import statements of one module, with their parent packages."""
    is_package = bool(name) and _file(name).name == "__init__.py"
    package = name if is_package else name.rpartition(".")[0]
    for level, base, inside in source.imports:
        if level:
            above = package.split(".")[: len(package.split(".")) - level + 1]
            base = ".".join([*above, *base.split(".")]).rstrip(".")
        # ``from package import name``: the name may be a module or something inside one
        for target in (base, *(f"{base}.{one}" for one in inside)):
            yield from _with_parents(target)


def _with_parents(target: str) -> Iterator[str]:
    """``a.b.c`` as a, a.b, a.b.c, as far as they are modules: importing the last runs them all."""
    words = target.split(".")
    for end in range(1, len(words) + 1):
        name = ".".join(words[:end])
        if _file(name) is not None:
            yield name


def _file(name: str) -> Path | None:
    """Source file of an hnnlib module, or None."""
    first, *rest = name.split(".")
    if first != PACKAGE:
        return None
    stem = FOLDER.joinpath(*rest)
    for path in (stem / "__init__.py", stem.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _source(path: Path) -> _Source:
    try:
        state = path.stat()
    except OSError as reason:
        raise HnnError(f"{path} cannot be read as Python: {reason}") from reason
    return _parsed(path, state.st_mtime_ns, state.st_size)


@cache
def _parsed(path: Path, *state: int) -> _Source:
    """A file's source; it is read once while its time and size, the ``state``, stay the same, and
    parsed once on a machine while its text does.
    """
    try:
        with opened(path) as stream:
            content = stream.read()
        key = sha256(_own() + path.suffix.encode() + content).hexdigest()
        if key not in _known():
            text = content.decode()
            tree = ast.parse(_cells(text) if path.suffix == ".ipynb" else text)
            imports = list(_strip(tree))
            _known()[key] = [sha256(ast.unparse(tree).encode()).hexdigest(), imports]
            _unkept.append(key)
    except (OSError, SyntaxError, ValueError, KeyError) as reason:
        raise HnnError(f"{path} cannot be read as Python: {reason}") from reason
    code, imports = _known()[key]
    return _Source(code, tuple((level, base, tuple(inside)) for level, base, inside in imports))


@cache
def _own() -> bytes:
    """What sources are parsed by: this file, and Python, of which each version has its own."""
    return Path(__file__).read_bytes() + sys.version.encode()


@cache
def _known() -> dict[str, list[Any]]:
    """All sources parsed before, by a hash of what they were parsed from."""
    try:
        return json.loads(read_text(KEPT))
    except (OSError, ValueError):  # there are none, or half of them
        return {}


def _keep() -> None:
    """Write what was parsed anew, if anything; where nothing can be written it is parsed again."""
    if _unkept:
        recent = dict(list(_known().items())[-_MOST:])
        with contextlib.suppress(OSError), written(KEPT) as path:
            path.write_text(json.dumps(recent), encoding="utf-8")
        _unkept.clear()


def _strip(node: ast.AST) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Take docstrings and other bare strings out of a tree, and yield what its imports name.

    Only statements are visited: expressions hold neither.
    """
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        lines = getattr(node, block, None)
        if not isinstance(lines, list):  # not every statement has each of them
            continue
        kept = [line for line in lines if not _is_text(line)]
        setattr(node, block, kept or lines and [ast.Pass()])
        for line in kept:
            if isinstance(line, ast.Import):
                yield from ((0, alias.name, ()) for alias in line.names)
            elif isinstance(line, ast.ImportFrom):
                yield line.level, line.module or "", tuple(alias.name for alias in line.names)
            else:
                yield from _strip(line)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _cells(text: str) -> str:
    """Code of a notebook; lines for IPython (``%`` and ``!``) are left out."""
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    lines = "\n".join("".join(cell["source"]) for cell in cells).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))
