"""Gates: may this run answer at all? Five questions, asked of every comparison that decides.

*Learned*: every seed of every compared cell learned its training data. *Settled*: the run has the
paper's number of passes, or what is compared no longer moves. *Comparable*: the data are the
paper's and our baseline lies near its number. *Matched*: compared cells differ in what is compared
only. *Able*: these seeds could have found the paper's effect.

What each is measured by stands in the paper's file (:class:`hnnlib.evidence.papers.Gates`). A gate
that is shut gives its reason in one sentence, and its comparison was not tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from hnnlib.evidence.comparison import Comparison
from hnnlib.evidence.gates.able import able
from hnnlib.evidence.gates.base import Asked
from hnnlib.evidence.gates.comparable import comparable
from hnnlib.evidence.gates.learned import learned
from hnnlib.evidence.gates.matched import matched
from hnnlib.evidence.gates.settled import settled
from hnnlib.evidence.papers import Gate
from hnnlib.evidence.rules import PartVerdict

__all__ = ["GATES", "Asked", "examine"]

GATES: dict[Gate, Callable[[Asked, Comparison], str | None]] = {
    "learned": learned,
    "settled": settled,
    "comparable": comparable,
    "matched": matched,
    "able": able,
}
_SPEAKS = ("for", "against", "open")


def examine(asked: Asked, found: PartVerdict) -> PartVerdict:
    """A part judged again, without the comparisons whose gates are shut."""
    asked = replace(asked, family=found.comparisons)
    gated = [_gated(asked, c) for c in found.comparisons]
    return found.again(gated) if any(c.shut for c in gated) else found


def _gated(asked: Asked, c: Comparison) -> Comparison:
    if c.outcome not in _SPEAKS:
        return c
    shut = [(gate, why) for gate in get_args(Gate) if (why := _shut(asked, gate, c))]
    return replace(c, outcome="not tested", shut=tuple(shut)) if shut else c


def _shut(asked: Asked, gate: Gate, c: Comparison) -> str | None:
    if asked.part.fixed:
        return asked.part.fixed if gate == "able" else None
    if c.kind in ("count", "number"):  # counted, not trained for: nothing to learn or to test
        early = c.variable in asked.paper.outcomes and c.outcome == "for" and gate == "settled"
        return settled(asked, c) if early else None
    if asked.gates is None:
        return (
            f"the paper's file declares no gates for {asked.study}" if gate == "learned" else None
        )
    if gate in asked.part.waived or gate in asked.gates.waived:
        return None
    return GATES[gate](asked, c)
