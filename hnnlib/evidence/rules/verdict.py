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
]

LEVEL = 0.05
"""Level of every test, after Holm's correction."""

Verdict = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class PartVerdict:
    """What one part of a claim comes to, with the numbers."""

    verdict: Verdict
    reason: str
    comparisons: tuple[Comparison, ...]


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
    """Verdict and reason; ``extra`` are comparisons that can only speak against."""
    good = [c for c in found if c.outcome == "for"]
    bad = [*(c for c in found if c.outcome == "against"), *extra]
    total, everything = len(found), (*found, *extra)
    if need == "any" and good:
        told = f"{len(good)} of {total} comparisons agree"
        return PartVerdict("supported", _tell(told, good, total), everything)
    if bad and (need == "all" or len(bad) == total):
        of = "" if extra else f" of {total}"
        word = "comparison" if extra and len(bad) == 1 else "comparisons"
        told = f"{len(bad)}{of} {word} {'goes' if len(bad) == 1 else 'go'} against the claim"
        return PartVerdict("contradicted", _tell(told, bad, total), everything)
    if len(good) == total:
        told = f"all {total} comparisons agree"
        return PartVerdict("supported", _tell(told, good, total, clearest=False), everything)
    return PartVerdict("undecided", _why_open(found, len(good)), everything)


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


def _why_open(found: Sequence[Comparison], good: int) -> str:
    total = len(found)
    absent = [c for c in found if c.outcome == "not run"]
    few = [c for c in found if c.outcome == "too few seeds"]
    dull = [c for c in found if c.outcome == "not learned"]
    still = [c for c in found if c.outcome == "open"]
    if len(absent) == total:
        return "not run at this scale" + (f": {found[0].label}" if total == 1 else "")
    if few:
        kind = few[0].kind if few[0].kind == "correlation" else "difference"
        needed = statistics.SEEDS_NEEDED[kind]
        reason = f"too few seeds, the test needs {needed}: {few[0].sentence()}"
    elif dull:
        reason = (
            f"{len(dull)} of {total} comparisons are with networks that did not learn their "
            f"training images: {dull[0].sentence()}"
        )
    elif still and total == 1:
        reason = f"the seeds do not decide: {still[0].sentence()}"
    elif still:
        one = max(still, key=_weight)
        reason = f"{good} of {total} comparisons agree, others are open: {one.sentence()}"
    else:
        return f"{len(absent)} of {total} comparisons not run at this scale: {absent[0].label}"
    return reason + (f"; {len(absent)} of {total} not run at this scale" if absent else "")
