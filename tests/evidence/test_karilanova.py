"""The paper of Karilanova, Dey & Ozcelikkale: its selectors name cells that the study trains."""

from __future__ import annotations

import pytest
from synthetic_delays import make

from hnnlib.evidence import claims, comparison, papers


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("karilanova")


def judged(paper: papers.Paper, **options) -> dict[str, claims.Judgement]:
    return {j.claim: j for j in claims.judge(paper, make(**options))}


def test_every_selector_names_a_cell_that_the_study_trains(paper):
    store = comparison.prepare(paper, make(seeds=1))
    for claim in paper.claims:
        for part in (*claim.parts, *claim.context):
            lost = [s for s in part.selects(paper.defaults) if not comparison.locate(store, s)]
            assert lost == [], claim.id


def test_twelve_claims_of_which_five_are_a_referees(paper):
    assert [claim.id for claim in paper.claims] == [f"DL{i}" for i in range(1, 13)]
    ours = [claim.id for claim in paper.claims if claim.asked_by == "referee"]
    assert ours == ["DL8", "DL9", "DL10", "DL11", "DL12"]
    assert paper.pilot and all(claim.note for claim in paper.claims)


def test_a_gain_that_is_drive_is_no_delay(paper):
    drive = {line: 0.15 for line in ("delay", "gain", "norm", "gain_norm", "dcls", "legendre")}
    found = judged(paper, means=drive)
    assert found["DL2"].answer == found["DL3"].answer == "supported"
    assert found["DL8"].answer in ("contradicted", "undecided")
    assert found["DL10"].answer == "supported"


def test_a_gain_that_is_delay(paper):
    delay = {"delay": 0.15, "norm": 0.2, "gain": 0.02, "gain_norm": 0.02}
    found = judged(paper, means=delay)
    assert found["DL2"].answer == found["DL8"].answer == found["DL9"].answer == "supported"
    assert found["DL3"].answer == "contradicted"


@pytest.mark.parametrize(("away", "answer"), [(1e-9, "supported"), (1e-3, "contradicted")])
def test_the_line_is_a_convolution_exactly_or_not_at_all(paper, away, answer):
    assert judged(paper, away=away)["DL1"].answer == answer
