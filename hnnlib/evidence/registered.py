"""Whether a claim's rule stood before its data were made."""

from __future__ import annotations

import json
from collections.abc import Mapping

import xarray as xr

from hnnlib.evidence.papers import Claim, Paper

__all__ = ["registration"]


def registration(paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset]) -> str:
    """``registered``, ``not registered`` or ``changed after its data``, with the data's commit.

    A store carries a digest of each claim as it was at training. A store without one was made
    before digests were kept. Where several studies decide, the worst holds.
    """
    found = [_of(paper, claim, stores[s]) for s in paper.studies_of(claim) if s in stores]
    if not found:
        return "no data yet"
    worst = max(found, key=lambda text: (text != "registered", text != "not registered"))
    seen = paper.pilot or claim.pilot
    return f"{worst}; results of a pilot were seen before" if seen else worst


def _of(paper: Paper, claim: Claim, dataset: xr.Dataset) -> str:
    stood = json.loads(dataset.attrs.get("claims_json") or "{}").get(claim.id)
    if stood is None:
        return "not registered"
    if stood == paper.digests.get(claim.id):
        return "registered"
    commit = str(dataset.attrs.get("git_commit", ""))[:7] or "unknown"
    return f"changed after its data (made at commit {commit})"
