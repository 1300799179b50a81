"""A paper's reproducibility summary: scope, what came out, what was easy, what was hard.

After the reports of the ML Reproducibility Challenge (Sinha et al. 2021), but every sentence is
counted from the paper's file and the result stores.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hnnlib.errors import counted
from hnnlib.evidence.papers import Paper
from hnnlib.evidence.report.summary import because
from hnnlib.evidence.report.text import duration

if TYPE_CHECKING:
    from hnnlib.evidence.report.views import Run

__all__ = ["summary"]


def summary(paper: Paper, runs: Sequence[Run]) -> dict[str, list[str]]:
    """Sentences by section: ``scope``, ``results``, ``easy``, ``hard``."""
    there = [run for run in runs if run.stores]
    return {
        "scope": _scope(paper, there),
        "results": [_results(run) for run in there],
        "easy": _easy(paper, there),
        "hard": _hard(paper, there),
    }


def _scope(paper: Paper, runs: Sequence[Run]) -> list[str]:
    asked = Counter(claim.asked_by for claim in paper.claims)
    printed = sum(entry.value is not None for entry in paper.entries())
    said = [
        f"{counted(asked['authors'], 'claim')} of the authors"
        + (f" and {counted(asked['referee'], 'question')} of a referee" if asked["referee"] else "")
        + (f", and {counted(printed, 'printed number')}" if printed else "")
        + f", rerun by {counted(len(paper.studies), 'study', 'studies')}."
    ]
    for run in runs:
        marks = run.marks(paper, *paper.studies)
        marked = f" ({', '.join(marks)})" if marks else ""
        seconds = sum(float(s.attrs.get("wall_seconds", 0)) for s in run.stores.values())
        said.append(
            f"{run.name}: scale {run.attribute('scale', *paper.studies)}, "
            f"{run.attribute('data', *paper.studies)}{marked}; trained in {duration(seconds)}."
        )
    return said


def _results(run: Run) -> str:
    tally = run.tally()
    decided = tally["supported"] + tally["contradicted"]
    return (
        f"{run.name}: {decided} of {counted(sum(tally.values()), 'claim')} decided, "
        f"{tally['supported']} for and {tally['contradicted']} against the authors; "
        f"{tally['undecided']} undecided, {tally['not tested']} not tested."
    )


def _easy(paper: Paper, runs: Sequence[Run]) -> list[str]:
    said = []
    if paper.protocol:
        told = sum(fact.source == "paper" for fact in paper.protocol)
        said.append(
            f"{told} of {counted(len(paper.protocol), 'choice')} of the protocol stand in the "
            "paper."
        )
    for run in runs:
        numbers = [one for one in run.numbers.values() if not math.isnan(one["printed"])]
        ran = [one for one in numbers if one["n"]]
        same = [one for one in ran if not math.isnan(one["difference"])]
        inside = sum(one["low"] <= one["printed"] <= one["high"] for one in same)
        if numbers:
            said.append(
                f"{run.name}: {len(ran)} of {counted(len(numbers), 'printed number')} rerun, "
                f"{len(same)} of them on the paper’s data at its scale"
                + (f", where {inside} lie in our 95 % interval." if same else ".")
            )
    return said or ["Nothing that the paper’s file or these runs could tell."]


def _hard(paper: Paper, runs: Sequence[Run]) -> list[str]:
    said = []
    sources = Counter(fact.source for fact in paper.protocol)
    if sources["code"] or sources["derived"]:
        said.append(
            f"Of the protocol’s choices {sources['code']} were found in public code only and "
            f"{sources['derived']} had to be derived; "
            f"{sum(bool(fact.switch) for fact in paper.protocol)} are switches here."
        )
    if paper.inconsistencies:
        many = counted(len(paper.inconsistencies), "place")
        said.append(f"The paper disagrees with itself or its code in {many}, listed below.")
    judged = {j.claim: j for run in runs for j in run.judgements.values()}
    if failed := [claim for claim, j in judged.items() if j.own_numbers == "fails"]:
        said.append(f"The paper’s own numbers fail the rule of {', '.join(failed)}.")
    for run in runs:
        said += _of_run(run)
    return said or ["Nothing that the paper’s file or these runs could tell."]


def _of_run(run: Run) -> Iterable[str]:
    judged = [j for j in run.judgements.values() if j.asked_by == "authors"]
    if why := because([j for j in judged if j.answer == "not tested"]):
        yield f"{run.name}: claims could not be tested, {why}."
    lost = sum(int(store["diverged"].sum()) for store in run.stores.values() if "diverged" in store)
    if lost:
        yield f"{run.name}: {counted(lost, 'training')} diverged."
