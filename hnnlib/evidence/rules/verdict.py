"""From tests to a verdict: what all rules share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from hnnlib.analysis import statistics
from hnnlib.evidence.comparison import Comparison

__all__ = [
    "LEVEL",
    "RULES",
    "PartVerdict",
    "Tested",
    "Verdict",
    "decide",
    "directed",
    "rule",
    "settle",
    "why_untested",
]

LEVEL = 0.05
"""Level of every test, after Holm's correction."""

Verdict = Literal["supported", "contradicted", "undecided", "not tested"]


@dataclass(frozen=True)
class PartVerdict:
    """What one part of a claim comes to, with the numbers.

    The last ``extra`` comparisons can only speak against; ``need`` says how many of the others
    must agree.
    """

    verdict: Verdict
    reason: str
    comparisons: tuple[Comparison, ...]
    need: Literal["all", "any"] = "all"
    extra: int = 0

    @property
    def asked(self) -> tuple[Comparison, ...]:
        """The comparisons that can speak for the claim."""
        return self.comparisons[: len(self.comparisons) - self.extra]

    @property
    def untested(self) -> tuple[Comparison, ...]:
        """The comparisons that keep the part from being tested."""
        return tuple(c for c in self.asked if c.outcome in _UNTESTED)

    def again(self, comparisons: Sequence[Comparison]) -> PartVerdict:
        """The part once more, on the same comparisons with other outcomes."""
        last = len(comparisons) - self.extra
        return decide(comparisons[:last], self.need, comparisons[last:])

    def lean(self) -> Literal["for", "against"] | None:
        """On which side of the claim the estimates lie, whatever the tests say; None: nowhere."""
        sides = [c.favours for c in self.comparisons if c.favours is not None]
        if not sides:
            return None
        some, every = any(sides), all(sides)
        return "for" if (some if self.need == "any" else every) else "against"


class Tested(NamedTuple):
    """A comparison with the p-values of being for and against the claim."""

    comparison: Comparison
    p_for: float = np.nan
    p_against: float = np.nan


RULES: dict[str, Callable[..., PartVerdict]] = {}


def rule(function: Callable[..., PartVerdict]) -> Callable[..., PartVerdict]:
    """Register a rule under its name."""
    RULES[function.__name__] = function
    return function


def directed(c: Comparison, p: float, favours: bool) -> Tested:
    """A two-sided p-value as evidence for the side on which the estimate lies."""
    if not np.isnan(c.difference):
        c = replace(c, favours=bool(favours))
    if np.isnan(p):
        return Tested(c)
    return Tested(c, p, 1.0) if favours else Tested(c, 1.0, p)


def settle(tests: Sequence[Tested], contrary: Sequence[Tested] = ()) -> list[Comparison]:
    """Holm over the family, once for and once against; then what each comparison says.

    ``contrary`` are tests that can speak against the claim only.
    """
    found = []
    p_for = statistics.holm([t.p_for for t in tests]) + [np.nan] * len(contrary)
    tests = [*tests, *(t._replace(p_for=np.nan) for t in contrary)]
    p_against = statistics.holm([t.p_against for t in tests])
    for test, good, bad in zip(tests, p_for, p_against, strict=True):
        c = test.comparison
        if c.outcome == "open":
            p, p_holm = (test.p_for, good) if good <= bad else (test.p_against, bad)
            outcome = "for" if good <= LEVEL else "against" if bad <= LEVEL else "open"
            c = replace(c, p=p, p_holm=p_holm, outcome=outcome)
        found.append(c)
    return found


def decide(
    found: Sequence[Comparison],
    need: Literal["all", "any"] = "all",
    extra: Sequence[Comparison] = (),
) -> PartVerdict:
    """Verdict and reason; ``extra`` are comparisons that can only speak against.

    What was not tested keeps the part from being supported, or undecided: only a comparison that
    was tested and goes against the claim still contradicts it.
    """
    good = [c for c in found if c.outcome == "for"]
    steps = [c for c in extra if c.outcome == "against"]
    bad = [*(c for c in found if c.outcome == "against"), *steps]
    total, everything = len(found), (*found, *extra)

    def verdict(word: Verdict, reason: str) -> PartVerdict:
        return PartVerdict(word, reason, everything, need, len(extra))

    if need == "any" and good:
        told = f"{len(good)} of {total} comparisons agree"
        return verdict("supported", _tell(told, good, total))
    if bad and (need == "all" or len(bad) == total):
        of = "" if steps else f" of {total}"
        word = "comparison" if steps and len(bad) == 1 else "comparisons"
        told = f"{len(bad)}{of} {word} {'goes' if len(bad) == 1 else 'go'} against the claim"
        return verdict("contradicted", _tell(told, bad, total))
    if len(good) == total:
        told = f"{'both' if total == 2 else f'all {total}'} comparisons agree"
        return verdict("supported", _tell(told, good, total, clearest=False))
    if any(c.outcome in _UNTESTED for c in found):
        return verdict("not tested", why_untested(found))
    return verdict("undecided", _why_open(found, len(good)))


_TOLD = 2  # reasons of one part that are written out
_UNTESTED = ("not run", "not tested", "too few seeds")


def _tell(told: str, some: list[Comparison], total: int, clearest: bool = True) -> str:
    if total == 1 and len(some) == 1:
        return some[0].sentence()
    one = (min if clearest else max)(some, key=_weight)
    return f"{told}; the {'clearest' if clearest else 'weakest'} is {one.sentence()}"


def _weight(c: Comparison) -> tuple[float, float]:
    """Small for clear comparisons: by p, then by size (counts: by ratio)."""
    if c.kind == "count":
        return 0.0, -abs(np.log(c.means[0] / c.means[1])) if min(c.means) > 0 else 0.0
    return c.p_holm, -abs(c.difference)


def why_untested(found: Sequence[Comparison]) -> str:
    """Why the comparisons that were not tested were not, each reason once."""
    total = len(found)
    shut = [c for c in found if c.outcome == "not tested"]
    few = [c for c in found if c.outcome == "too few seeds"]
    absent = [c for c in found if c.outcome == "not run"]
    reasons = []
    whys = list(dict.fromkeys(c.why for c in shut))
    for why in whys[:_TOLD]:
        number = sum(c.why == why for c in shut)
        reasons.append(why + (f" ({number} of {total} comparisons)" if number < total else ""))
    if len(whys) > _TOLD:
        more = len(whys) - _TOLD
        reasons.append(f"{more} more such reason{'s' * (more > 1)}")
    if few:
        needed = statistics.SEEDS_NEEDED.get(few[0].kind, statistics.SEEDS_NEEDED["difference"])
        reasons.append(f"too few seeds, the test needs {needed}: {few[0].sentence()}")
    if absent:
        what = f"{len(absent)} of {total} comparisons " if total > len(absent) else ""
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        reasons.append(f"{what}not run at this scale: {absent[0].label}{more}")
    return "; ".join(reasons)


def _why_open(found: Sequence[Comparison], good: int) -> str:
    still = [c for c in found if c.outcome == "open"]
    if len(found) == 1:
        return f"the seeds do not decide: {still[0].sentence()}"
    one = max(still, key=_weight)
    return f"{good} of {len(found)} comparisons agree, others are open: {one.sentence()}"
