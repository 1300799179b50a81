"""The README's first screen: what came out, taken from the reference stores."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from hnnlib import sources, store
from hnnlib.evidence import claims, papers
from hnnlib.evidence.claims import Judgement
from hnnlib.evidence.papers import Paper
from hnnlib.evidence.report.summary import best_evidence
from hnnlib.files import written

__all__ = ["FIGURE", "HEADLINES", "digest", "results", "state", "update"]

HEADLINES = ("EQ1", "QF2", "BP2")
"""Claims that are told in words, whatever their answer is."""
FIGURE = "results/reference/answers.svg"
_BEGIN, _END = "<!-- results of python -m hnnlib readme, state ", "<!-- end of results -->"


def state(project: Path) -> str:
    """Digest of all that the first screen follows from: stores, papers and the rules."""
    files = [*_stores(project), *sorted((project / "papers").glob("[!.]*.yaml"))]
    sums = [sha256(path.read_bytes()).hexdigest() for path in files]
    return sha256(json.dumps([*sums, sources.digest(__name__)]).encode()).hexdigest()[:16]


def digest(text: str) -> str:
    """The state that a README was written at; empty where it never was."""
    found = re.search(f"^{_BEGIN}(\\w+) -->$", text, re.M)
    return found[1] if found else ""


def update(project: Path) -> None:
    """Write the first screen and its figure anew."""
    from hnnlib.plotting import answers, files

    stores = {path.stem: store.open(path) for path in _stores(project)}
    judged = [(p, claims.judge(p, _of(p, stores))) for p in papers.naming(stores).values()]
    drawn = {
        paper.short: [(j.claim, j.answer, j.direction) for j in _authors(found)]
        for paper, found in judged
    }
    with written(project / FIGURE) as temporary:
        temporary.write_bytes(files.svg(answers.answers(drawn)))
    page = project / "README.md"
    before, _, rest = page.read_text("utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    block = f"{_BEGIN}{state(project)} -->\n{results(judged)}\n{_END}"
    with written(page) as temporary:
        temporary.write_text(f"{before}{block}{after}", "utf-8")


def results(judged: Sequence[tuple[Paper, Sequence[Judgement]]]) -> str:
    """What came out, in Markdown."""
    every = [one for _, found in judged for one in found]
    told = [_told(paper, one) for paper, found in judged for one in found if one.claim in HEADLINES]
    return "\n\n".join(
        [best_evidence([("", every)]), "\n".join(sorted(told)), _PICTURE, "\n".join(_table(judged))]
    )


_PICTURE = (
    f"![Answer to every claim by paper: filled markers were fairly tested, open ones were not, "
    f"and point to the side that their estimates lean to.]({FIGURE})"
)


def _table(judged: Sequence[tuple[Paper, Sequence[Judgement]]]) -> list[str]:
    """Claims of the authors by answer."""
    words = claims.ANSWERS
    lines = [f"| paper | {' | '.join(words)} | runs so far |", "|---" * (len(words) + 2) + "|"]
    for paper, found in judged:
        count = Counter(one.answer for one in _authors(found))
        ran = (one.scale for one in found if one.scale != claims.NOT_RUN)
        scales = dict.fromkeys(name for scale in ran for name in scale.split(", "))
        numbers = " | ".join(str(count[word]) for word in words)
        lines.append(f"| {paper.short} | {numbers} | {', '.join(scales)} |")
    return lines


def _told(paper: Paper, one: Judgement) -> str:
    """A claim with its answer, what is behind it, and how it was read."""
    decided = one.answer in ("supported", "contradicted")
    why = f"{one.basis}, scale {one.scale}" if decided else one.reason
    limits = f" *Limits:* {one.note}" if one.note else ""
    who = paper.authors[0].split()[-1]
    return f"- **{one.claim} {one.answer}** ({why}; {who}): {one.text}{limits}"


def _authors(found: Sequence[Judgement]) -> list[Judgement]:
    return [one for one in found if one.asked_by == "authors"]


def _of(paper: Paper, stores: Mapping) -> dict:
    return {study: found for study, found in stores.items() if study in paper.studies}


def _stores(project: Path) -> list[Path]:
    return sorted((project / "results/reference").glob("[!.]*.nc"))
