"""The paper of Dold & Petersen: its bounds as the formulas give them, its claims."""

from __future__ import annotations

import pytest

from hnnlib.analysis.equivalence import bounds
from hnnlib.evidence import papers


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("dold_petersen")


def test_printed_bounds_are_those_of_the_formulas(paper):
    for entry in paper.entries():
        first, second = bounds(int(entry.row.removeprefix("N_s ")))
        if entry.value is not None:
            assert entry.value == pytest.approx(
                first if entry.column == "at most" else second, abs=5e-5
            )


def test_eight_claims_of_which_three_are_a_referees(paper):
    assert [claim.id for claim in paper.claims] == [f"EQ{k}" for k in range(1, 9)]
    asked = [claim.id for claim in paper.claims if claim.asked_by == "referee"]
    assert asked == ["EQ6", "EQ7", "EQ8"]
    assert all(claim.text and claim.paper_says and claim.note for claim in paper.claims)
