"""A paper with a few of its claims: judging all of them takes seconds."""

from __future__ import annotations

from hnnlib.evidence.papers import Paper

__all__ = ["only"]


def only(paper: Paper, *names: str) -> Paper:
    """The paper with the claims of these ids; digests stay those of its file."""
    kept = tuple(claim for claim in paper.claims if claim.id in names)
    return paper.model_copy(update={"claims": kept})
