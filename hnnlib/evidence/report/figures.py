"""Figures beside a page: a folder made anew, copies, and the words that belong to them."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

__all__ = ["copied", "described", "renewed"]


@contextmanager
def renewed(folder: Path) -> Iterator[Path]:
    """A new folder that takes the old one's place when it is complete."""
    fresh = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def copied(source: str | Path, target: Path) -> list[dict]:
    """Copy a study's figures beside the page and describe them."""
    target.mkdir(parents=True)
    for path in sorted(Path(source).iterdir()):
        if path.suffix in (".png", ".svg", ".json"):
            shutil.copyfile(path, target / path.name)
    found = described(target)
    for path in target.glob("*.json"):
        path.unlink()  # its words are on the page
    return found


def described(folder: Path) -> list[dict]:
    """The figures of a folder in the page's folder ``figures``, in the order of their names."""
    found = []
    for png in sorted(folder.glob("*.png")):
        sidecar = png.with_suffix(".json")
        words = json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.exists() else {}
        files = [path for path in (png, png.with_suffix(".svg")) if path.exists()]
        width, height = _size(png)
        found.append(
            {
                "anchor": f"figure-{folder.name}-{png.stem}",
                "files": [quote(f"figures/{folder.name}/{path.name}") for path in files],
                "title": words.get("title", png.stem).rstrip("."),
                "caption": words.get("caption", ""),
                "alt": words.get("alt", ""),
                "width": width,
                "height": height,
            }
        )
    return found


def _size(png: Path) -> tuple[int, int]:
    """Width and height from the header of a PNG (its first chunk, IHDR)."""
    return struct.unpack(">II", png.read_bytes()[16:24])
