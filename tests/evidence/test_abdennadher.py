"""The paper of Abdennadher, Cicciarella & Rossi: its selectors name cells that the study trains."""

from __future__ import annotations

import pytest
from synthetic_gated import make

from hnnlib.evidence import claims, comparison, papers

CASE = {"spik_gru": -0.05, "gru": -0.05, "shuffled": -0.05, "line": -0.05, "mixed": 0.05} | {
    name: -0.05 for name in ("convolution", "gate", "current", "leak")
}


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("abdennadher_cicciarella_rossi")


def judged(paper: papers.Paper, **means) -> dict[str, claims.Judgement]:
    return {one.claim: one for one in claims.judge(paper, make(**means))}


def test_every_selector_names_a_cell_that_the_study_trains(paper):
    store = comparison.prepare(paper, make(("shd", "mnist", "ntidigits"), seeds=1))
    for claim in paper.claims:
        for part in (*claim.parts, *claim.context):
            lost = [s for s in part.selects(paper.defaults) if not comparison.locate(store, s)]
            assert lost == [], claim.id


def test_eleven_claims_of_which_three_are_a_referees(paper):
    assert [claim.id for claim in paper.claims] == [f"CG{i}" for i in range(1, 12)]
    asked = [claim.id for claim in paper.claims if claim.asked_by == "referee"]
    assert asked == ["CG7", "CG8", "CG9"]


def test_as_the_paper_says(paper):
    found = judged(paper, **CASE, spikes__cs_gru=0.3, cs_gru=0.0)
    names = ("CG1", "CG4", "CG5", "CG6", "CG7", "CG8", "CG9")
    assert {name: found[name].answer for name in names} == dict.fromkeys(names, "supported")


def test_the_three_countings_are_answered_apart(paper):
    found = judged(
        paper,
        spikes__cs_gru=3.0,
        spikes_per_neuron_step__cs_gru=0.28,
        synaptic_operations__cs_gru=2.0,
    )
    answers = [found[name].answer for name in ("CG4", "CG10", "CG11")]
    assert answers == ["contradicted", "supported", "contradicted"]


def test_where_all_cells_are_alike_nothing_is_better(paper):
    found = judged(paper)
    assert found["CG7"].answer == "supported"
    better = [found[name].answer for name in ("CG1", "CG5", "CG6", "CG8", "CG9")]
    assert "supported" not in better


def test_numbers_that_are_stated(paper):
    found = judged(paper, mnist=0.293, shd=0.23)
    assert found["CG3"].answer == "supported"
    assert found["CG2"].answer == "not tested" and "N-TIDIGITS" in found["CG2"].reason
    both = make(("shd", "ntidigits"), shd=0.23, ntidigits=0.23)
    assert {j.claim: j.answer for j in claims.judge(paper, both)}["CG2"] == "supported"
    assert judged(paper)["CG3"].answer == "contradicted"
