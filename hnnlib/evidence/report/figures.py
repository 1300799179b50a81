"""Figures of the report: copies, and the words that belong to them."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from hnnlib.files import read_text

__all__ = ["described", "side_by_side"]


def _copied(source: str | Path, figures: Path, place: str) -> list[dict]:
    """Copy a study's figures beside the page and describe them."""
    target = figures / place
    target.mkdir(parents=True)
    for path in sorted(Path(source).glob("[!.]*")):
        if path.suffix in (".png", ".svg", ".json"):
            shutil.copyfile(path, target / path.name)
    return described(figures, place)


def side_by_side(sources: Sequence[str | Path | None], target: Path) -> list[dict]:
    """Figures of this run, each with ``reference``, the file of the same name of the reference run;
    None where it has none. What only the reference run has is not shown. All are copied.

    Args:
        sources: the folders of this run and of the reference run, None without figures.
    """
    own, other = (
        _copied(source, target.parent, place) if source else []
        for source, place in zip(sources, (target.name, f"{target.name}/reference"), strict=True)
    )
    beside = {Path(one["files"][0]).name: one for one in other}
    return [one | {"reference": beside.get(Path(one["files"][0]).name)} for one in own]


def described(figures: Path, place: str) -> list[dict]:
    """The figures of a place in the page's folder ``figures``, in the order of their names.

    Sidecars go: their words are on the page.
    """
    found = []
    for png in sorted((figures / place).glob("[!.]*.png")):
        sidecar = png.with_suffix(".json")
        words = json.loads(read_text(sidecar)) if sidecar.exists() else {}
        files = [path for path in (png, png.with_suffix(".svg")) if path.exists()]
        width, height = _size(png)
        found.append(
            {
                "name": png.stem,
                "anchor": f"figure-{place.replace('/', '-')}-{png.stem}",
                "files": [quote(f"figures/{place}/{path.name}") for path in files],
                "title": words.get("title", png.stem).rstrip("."),
                "caption": words.get("caption", ""),
                "alt": words.get("alt", ""),
                "width": width,
                "height": height,
            }
        )
        sidecar.unlink(missing_ok=True)
    return found


def _size(png: Path) -> tuple[int, int]:
    """Width and height from the header of a PNG (its first chunk, IHDR)."""
    return struct.unpack(">II", png.read_bytes()[16:24])
