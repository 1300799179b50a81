"""The first words of the page: in two sentences, what the best evidence is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hnnlib.errors import counted
from hnnlib.evidence.claims import Judgement

__all__ = ["because", "best_evidence"]

_TOLD = 4  # decided claims that are named
_WHY = {
    "learned": "networks did not learn their training data",
    "settled": "training was shorter than the paper’s",
    "comparable": "the data stand in for the paper’s, or our baseline lies apart from it",
    "matched": "the compared networks differ in more than what is compared",
    "able": "the seeds could not have found the effect",
}
"""What a shut gate means, in a few words."""


class _Best(NamedTuple):
    """A claim's best answer and the run that gives it."""

    run: str
    found: Judgement


def best_evidence(runs: Sequence[tuple[str, Iterable[Judgement]]]) -> str:
    """What is decided and by what; then what keeps the other claims of the authors open.

    Of a claim that several runs answer, a decided answer counts before an undecided one, and that
    before none; among equals the first run's.

    Args:
        runs: names of runs with their judgements, the one to be preferred first.
    """
    best: dict[str, _Best] = {}
    for name, judgements in runs:
        for one in judgements:
            known = best.get(one.claim)
            if one.asked_by == "authors" and (not known or _rank(one) < _rank(known.found)):
                best[one.claim] = _Best(name, one)
    if not best:
        return "No claim was judged: there is no result store yet."
    decided = [one for one in best.values() if _rank(one.found) == 0]
    others = [one.found for one in best.values() if _rank(one.found)]
    return f"{_decided(decided, [one.found for one in best.values()])} {_open(others)}".strip()


def _rank(one: Judgement) -> int:
    return {"undecided": 1, "not tested": 2}.get(one.answer, 0)


def _decided(decided: Sequence[_Best], found: Sequence[Judgement]) -> str:
    total = len(found)
    if not decided:
        leans = Counter(one.direction for one in found)
        return (
            f"None of the authors’ {total} claims is decided by these runs; the estimates lean for "
            f"{leans['leans for']} of them and against {leans['leans against']}."
        )
    named = sorted(decided, key=lambda one: -one.found.n_seeds)[:_TOLD]
    told = [
        f"{one.found.claim} {one.found.answer} at {one.found.scale} ({_behind(one.found)})"
        for one in named
    ]
    more = f" and {len(decided) - _TOLD} more" if len(decided) > _TOLD else ""
    verb = "is" if len(decided) == 1 else "are"
    return f"{len(decided)} of the authors’ {total} claims {verb} decided: {', '.join(told)}{more}."


def _behind(one: Judgement) -> str:
    """Seeds and data; of numbers without seeds, whatever data they were counted on, exact; of
    times, that they were measured once.
    """
    return f"{one.basis}, {one.data}" if one.n_seeds else one.basis


def _open(found: Sequence[Judgement]) -> str:
    undecided = sum(one.answer == "undecided" for one in found)
    untested = [one for one in found if one.answer == "not tested"]
    words = "was fairly tested and stays undecided", "were fairly tested and stay undecided"
    said = [counted(undecided, *words)] if undecided else []
    said += [f"{len(untested)} could not be tested, {because(untested)}"] if untested else []
    return f"{'; '.join(said)}." if said else ""


def because(untested: Sequence[Judgement]) -> str:
    """Why claims were not tested: ``3 because training was shorter than the paper's``, ..."""
    gates = Counter(next(iter(one.gates)) for one in untested if one.gates)
    why = [f"{number} because {_WHY[gate]}" for gate, number in gates.most_common()]
    missing = len(untested) - gates.total()
    why += [f"{missing} because no store holds what they compare"] if missing else []
    return ", ".join(why)
