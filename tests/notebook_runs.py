"""Notebooks as tests read and run them."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["FOLDER", "read", "run"]

FOLDER = Path(__file__).parents[1] / "notebooks"


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def run(path: Path, **given) -> dict:
    """Run all code cells in this process, as papermill would with these parameters."""
    names: dict = {}
    tagged = [c for c in read(path)["cells"] if c["cell_type"] == "code"]
    for cell in tagged:
        exec(compile("".join(cell["source"]), f"{path.name} {cell['id']}", "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= given
    return names
