"""Imports point down the list of rooms only, and optional libraries stay out of the library's
core.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "hnnlib"
# a room may import rooms that stand behind it
ROOMS = """
    __main__ studies evidence plotting analysis training networks engines codings neurons
    surrogates signals estimates datasets store variables config sources locks registration
    yaml_models files processor randomness errors
""".split()
MODULES = sorted(ROOT.rglob("*.py"))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "hnnlib" and len(parts) > 1 else None


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    relative = path.relative_to(ROOT)
    mine = relative.parts[0].removesuffix(".py")
    if mine == "__init__":
        assert not any(room(name) for name in imported(path))
        return
    assert mine in ROOMS, f"{relative}: a new room needs its place in the list"
    above = set(ROOMS[: ROOMS.index(mine)])
    wrong = {name for name in imported(path) if room(name) in above}
    assert not wrong, f"{relative} imports from a room above it: {sorted(wrong)}"


def test_training_needs_no_workflow_packages():
    """A machine that only trains has no Snakemake, Jupyter or matplotlib."""
    heavy = {"snakemake", "papermill", "nbconvert", "matplotlib", "jinja2", "tonic"}
    for path in MODULES:
        top = {name.split(".")[0] for name in imported(path)}
        if path.relative_to(ROOT).parts[0] in ("evidence", "plotting"):
            continue
        assert not top & heavy, f"{path.relative_to(ROOT)} imports {top & heavy}"
