"""Registration: which claims stood, in which words, when a network was trained.

A rule that is written after its data were seen may fit them by choice. Every run therefore carries
a digest of each claim as it stood before training; evidence compares them with today's claims.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from hnnlib import yaml_models

__all__ = ["PAPERS", "claims", "digests"]

PAPERS = Path(__file__).resolve().parents[1] / "papers"
_SHARED = ("defaults", "stand_ins", "chance", "gates", "older_stores")


def claims(paper: str, folder: str | Path | None = None) -> dict[str, str]:
    """Digests of the claims of ``<folder>/<paper>.yaml``, by claim; empty where there is no file.

    Raises:
        ConfigError: the file is no YAML mapping; the message names the line.
    """
    path = Path(folder or PAPERS) / f"{paper}.yaml"
    if not path.is_file():
        return {}
    what = "a paper is a mapping with the keys title, claims, ..."
    return digests(yaml_models.read(path, path.name, what).values)


def digests(paper: dict) -> dict[str, str]:
    """Sha256 of each claim of a paper's file: its text, its rules, and what they fall back on.

    Layout, comments and what is only said of a claim (notes, context, who asked it) don't count:
    they decide nothing. Gates do.
    """
    shared = {key: paper.get(key) for key in _SHARED}
    found = {}
    for claim in paper.get("claims") or []:
        decides = {key: claim.get(key) for key in ("id", "text", "study", "parts")}
        text = json.dumps([decides, shared], sort_keys=True, ensure_ascii=False, default=str)
        found[str(claim["id"])] = sha256(text.encode()).hexdigest()
    return found
