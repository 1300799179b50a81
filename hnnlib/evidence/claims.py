"""Answers: every claim of a paper judged by the rules that its file names.

*Supported* and *contradicted* are decided, by runs that may speak (:mod:`hnnlib.evidence.gates`).
*Undecided*: fairly tested, and the seeds do not decide. *Not tested*: this run cannot speak about
the claim, whatever direction it shows. All parts of a claim must hold; what it shows as context
never decides it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import get_args

import xarray as xr

from hnnlib.analysis import statistics
from hnnlib.errors import counted
from hnnlib.evidence import gates, reach
from hnnlib.evidence.comparison import (
    WITHOUT_DATA,
    Comparison,
    Stores,
    by_study,
    data_label,
    dataset_of,
    dead_outputs,
    dead_seeds,
    overlap_of,
    show,
    told_dead,
)
from hnnlib.evidence.papers import Claim, Gate, Paper, Part
from hnnlib.evidence.printed import held, own_numbers, paper_difference, paper_numbers
from hnnlib.evidence.registered import registration
from hnnlib.evidence.rules import PartVerdict, Verdict, apply
from hnnlib.evidence.rules.verdict import why_untested

__all__ = ["ANSWERS", "NOT_RUN", "Judgement", "judge", "readings"]

ANSWERS: tuple[Verdict, ...] = get_args(Verdict)
NOT_RUN = "not run"
"""Scale and data of a claim of which no store holds a cell."""


@dataclass(frozen=True)
class Judgement:
    """One claim, its answers and the numbers behind them.

    Attributes:
        answer: of the rule, with all gates open or not tested.
        by_data: the same of the comparisons on each data set alone, where there are others, too.
        gates: of those that are shut, the reasons, each once.
        direction: where the estimates lie, in words (``leans against``); the answer if decided.
        number: whether printed numbers lie where one more run of ours would.
        reach: over how many readings the direction holds, and what turns it.
        own_numbers: what the rule says of the paper's own numbers, and why.
        registration: whether the rule stood before the data.
        p: corrected within the claim (Holm); NaN where not tested.
        seeds_needed: about how many would decide what is undecided; None: not undecided, or more
            than a thousand.
        n_seeds: the smallest number of seeds behind any comparison that was run.
        measured: whether the numbers are times of one machine.
        dead_outputs: compared cells with an output that never answers, by seed, see
            :func:`hnnlib.evidence.comparison.dead_outputs`.
        scale: of the stores that decide, the data really used, and the studies.
        comparisons: that decide; ``context`` is shown beside them, each with a ``note``. Both are
            lists of :class:`~hnnlib.evidence.comparison.Comparison` as dictionaries, with
            ``paper``, the paper's numbers of the same cells, ``paper_difference``, and
            ``dead_seeds``, at which any of the cells has an output that never answers.
        readings: the rule on other switches, references, measures and data sets.
    """

    study: str
    claim: str
    text: str
    asked_by: str
    answer: Verdict
    reason: str
    direction: str
    number: str
    reach: str
    own_numbers: str
    own_numbers_reason: str
    registration: str
    by_data: dict[str, Verdict]
    gates: dict[Gate, list[str]]
    p: float
    seeds_needed: int | None
    n_seeds: int
    measured: bool
    dead_outputs: list[dict]
    scale: str
    data: str
    paper_says: str
    note: str
    comparisons: list[dict] = field(default_factory=list)
    context: list[dict] = field(default_factory=list)
    readings: list[reach.Read] = field(default_factory=list)

    @property
    def basis(self) -> str:
        """What the answer rests on: ``5 seeds``, ``measured once``, ``exact``, or ``not run``."""
        if self.data == NOT_RUN:
            return NOT_RUN
        if self.n_seeds:
            return counted(self.n_seeds, "seed")
        return "measured once" if self.measured else "exact"


def judge(paper: Paper, stores: Stores) -> list[Judgement]:
    """Judge every claim of the paper on the stores of its studies, in the paper's order.

    Of a single store, only claims that its study has a part in. Where a study has no store, what
    rests on it is not tested.

    Raises:
        ConfigError: a selector means several cells of the store, or uses a coordinate it lacks.
        StoreError: the store lacks a variable that a claim compares.
    """
    found, asked = by_study(paper, stores)
    claims = [claim for claim in paper.claims if set(asked) & set(paper.studies_of(claim))]
    return [_judge(paper, claim, found) for claim in claims]


def readings(paper: Paper, claim: str, stores: Stores) -> list[reach.Read]:
    """All readings of one claim, to be drawn (:func:`hnnlib.evidence.reach.to_frame`)."""
    found, _ = by_study(paper, stores)
    return reach.read(paper, next(one for one in paper.claims if one.id == claim), found)


def _judge(paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset]) -> Judgement:
    judged = [(paper.study_of(claim, part), part) for part in claim.parts]
    parts = [_part(paper, part, study, stores) for study, part in judged]
    decided, data, dead, inside, printed = [], {}, {}, 0, 0
    for (study, _), found in zip(judged, parts, strict=True):
        if study in stores:
            decided += [_record(paper, study, stores[study], c) for c in found.comparisons]
            cells = [cell for c in found.comparisons for cell in c.cells]
            dead |= {one["cell"]: one for one in dead_outputs(stores[study], cells)}
            data |= dict.fromkeys(_data(paper, stores[study], found.comparisons))
            held_, of = held(paper, study, stores[study], found.comparisons)
            inside, printed = inside + held_, printed + of
    answer = _answer(parts)
    own, read = own_numbers(paper, claim), reach.read(paper, claim, stores)
    return Judgement(
        study=", ".join(paper.studies_of(claim)),
        claim=claim.id,
        text=claim.text,
        asked_by=claim.asked_by,
        answer=answer,
        reason=_reason(parts, answer, told_dead(dead.values())),
        direction=_direction(parts, answer),
        number=f"{inside} of {printed} printed numbers lie where one more run of ours would"
        if printed
        else "no printed number at the paper's own scale",
        reach=reach.summary(read),
        own_numbers=own.answer,
        own_numbers_reason=own.reason,
        registration=registration(paper, claim, stores),
        by_data=_by_data(parts, [stores.get(study) for study, _ in judged]),
        gates=_gates(parts),
        p=_p(parts, answer),
        seeds_needed=_seeds_needed(judged, parts, stores) if answer == "undecided" else None,
        n_seeds=min((c["n"] for c in decided if c["outcome"] != "not run"), default=0),
        dead_outputs=list(dead.values()),
        scale=", ".join(_attribute(stores, [study for study, _ in judged], "scale")) or NOT_RUN,
        data=", ".join(data) or NOT_RUN,
        paper_says=claim.paper_says,
        measured=claim.measured,
        note=claim.note,
        comparisons=decided,
        context=_context(paper, claim, stores),
        readings=read,
    )


def _part(paper: Paper, part: Part, study: str, stores: Mapping[str, xr.Dataset]) -> PartVerdict:
    if study not in stores:
        return PartVerdict("not tested", f"not run at this scale: study {study}", ())
    found = apply(stores[study], part, paper.defaults, paper.names)
    return gates.examine(gates.Asked(paper, study, part, stores[study]), found)


def _answer(parts: Sequence[PartVerdict]) -> Verdict:
    """Contradicted by any part; else only as good as the part that says least."""
    verdicts = [part.verdict for part in parts]
    for word in ("contradicted", "not tested", "undecided"):
        if word in verdicts:
            return word
    return "supported"


def _reason(parts: Sequence[PartVerdict], answer: Verdict, dead: str = "") -> str:
    """The reasons of the parts that made the answer, each once, as one sentence; then what a reader
    should know of outputs that never answer.

    Parts that some same reason keeps from being tested, or that were not run, tell it once, counted
    over all of them.
    """
    said = [part for part in parts if part.verdict == answer]
    whys = [why for part in said for why in {c.why or c.outcome for c in part.untested}]
    reasons = dict.fromkeys(part.reason for part in said)
    if answer == "not tested" and len(reasons) > 1 and len(set(whys)) < len(whys):
        every = [c for part in said for c in part.asked]
        others = dict.fromkeys(part.reason for part in said if not part.asked)
        reasons = [why_untested(every), *others]
    text = "; and ".join(reasons)
    return f"{text[:1].upper()}{text[1:]}.{f' {dead[:1].upper()}{dead[1:]}.' if dead else ''}"


def _direction(parts: Sequence[PartVerdict], answer: Verdict) -> str:
    if answer in ("supported", "contradicted"):
        return answer
    leans = [lean for part in parts if (lean := part.lean())]
    if not leans:
        return "no direction seen"
    if len(set(leans)) > 1:
        return f"leans both ways ({leans.count('for')} of {len(leans)} parts for)"
    return f"leans {leans[0]}"


def _gates(parts: Sequence[PartVerdict]) -> dict[Gate, list[str]]:
    shut: dict[Gate, dict[str, None]] = {}
    for part in parts:
        for c in part.comparisons:
            for gate, why in c.shut:
                shut.setdefault(gate, {})[why] = None
    return {gate: list(shut[gate]) for gate in get_args(Gate) if gate in shut}


def _by_data(
    parts: Sequence[PartVerdict], stores: Sequence[xr.Dataset | None]
) -> dict[str, Verdict]:
    """Answers on single data sets; empty where all comparisons are on one.

    P-values stay corrected over the whole claim. A comparison without a cell belongs to no data.
    """
    ran = [
        (part, dataset) for part, dataset in zip(parts, stores, strict=True) if dataset is not None
    ]
    places = [
        [
            "" if c.outcome == "not run" else dataset_of(dataset, c.cells[0])
            for c in part.comparisons
        ]
        for part, dataset in ran
    ]
    names = dict.fromkeys(name for place in places for name in place)
    if len(names) < 2:
        return {}
    answers = {}
    for name in filter(None, names):
        halves = []
        for (part, _), place in zip(ran, places, strict=True):
            own = [c for c, where in zip(part.comparisons, place, strict=True) if where == name]
            steps = place[len(place) - part.extra :].count(name)
            if own:
                halves.append(replace(part, extra=steps).again(own))
        answers[name] = _answer(halves)
    return answers


def _p(parts: Sequence[PartVerdict], answer: Verdict) -> float:
    """One p of the claim: of the weakest comparison for it, or of the clearest against it."""
    if answer == "not tested":
        return float("nan")
    outcomes = {"supported": ("for",), "contradicted": ("against",)}.get(answer, ("for", "open"))
    found = [
        (c.p_holm, part.need)
        for part in parts
        for c in part.comparisons
        if c.outcome in outcomes and c.p_holm == c.p_holm
    ]
    least = answer == "contradicted" or any(need == "any" for _, need in found)
    values = [p for p, _ in found]
    return (min if least else max)(values) if values else float("nan")


def _seeds_needed(
    judged: Sequence[tuple[str, Part]],
    parts: Sequence[PartVerdict],
    stores: Mapping[str, xr.Dataset],
) -> int | None:
    """Seeds at which the last open comparison would decide, were all to stay as they are."""
    needed = []
    for (study, _), part in zip(judged, parts, strict=True):
        for c in part.comparisons:
            if c.outcome == "open" and c.kind in ("difference", "value"):
                overlap = overlap_of(stores[study], c.cells[0])
                bound = c.bound if c.sense else c.margin if c.difference > 0 else -c.margin
                family = len(part.comparisons)
                distance = c.difference - bound
                needed.append(statistics.seeds_to_decide(distance, c.spread, family, overlap))
    return None if None in needed or not needed else max(needed)


def _context(paper: Paper, claim: Claim, stores: Mapping[str, xr.Dataset]) -> list[dict]:
    """What is shown beside the answer, from the studies that were run."""
    shown = []
    for one in claim.context:
        study = paper.study_of(claim, one)
        if study in stores:
            pairs = one.items(paper.defaults)
            found = show(stores[study], pairs, one.variable, paper.names)
            shown += [{"note": one.note} | _record(paper, study, stores[study], c) for c in found]
    return shown


def _record(paper: Paper, study: str, dataset: xr.Dataset, c: Comparison) -> dict:
    """A comparison as a dictionary, with the paper's numbers of the same cells."""
    return asdict(c) | {
        "dead_seeds": dead_seeds(dataset, c.cells),
        "paper": paper_numbers(paper, study, c),
        "paper_difference": paper_difference(paper, study, c),
    }


def _attribute(
    stores: Mapping[str, xr.Dataset], studies: Sequence[str], name: str
) -> dict[str, None]:
    found = (str(stores[s].attrs.get(name, "")) for s in studies if s in stores)
    return dict.fromkeys(filter(None, found))


def _data(paper: Paper, dataset: xr.Dataset, decided: Sequence[Comparison]) -> list[str]:
    """Data sets behind the comparisons, marked where not official or not the paper's."""
    cells = [name for c in decided for name in (c.left, c.right) if name and c.outcome != "not run"]
    used = dict.fromkeys(dataset_of(dataset, cell) for cell in cells)
    return [
        "no data needed"
        if name == WITHOUT_DATA
        else data_label(dataset, name) + ("" if name in paper.data else " (not the paper's data)")
        for name in used
    ]
