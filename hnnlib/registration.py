"""Registration: which claims stood, in which words, when a network was trained.

A rule that is written after its data were seen may fit them by choice. Every run therefore carries
a digest of each claim as it stood before training; evidence compares them with today's claims.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import yaml

__all__ = ["PAPERS", "claims", "digests"]

PAPERS = Path(__file__).resolve().parents[1] / "papers"
_SHARED = ("defaults", "stand_ins", "chance", "gates", "older_stores")


def claims(study: str, folder: str | Path | None = None) -> dict[str, str]:
    """Digests of the claims of the papers that a study reruns, by claim; empty without a paper."""
    found: dict[str, str] = {}
    for path in sorted(Path(folder or PAPERS).glob("*.yaml")):
        paper = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(paper, dict) and study in (paper.get("studies") or [paper.get("study")]):
            found |= digests(paper)
    return found


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
