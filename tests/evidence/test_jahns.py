"""The paper of Jahns, Moreno, Stojkov & Kinsy: numbers as printed, claims and who asks."""

from __future__ import annotations

import pytest

from hnnlib.evidence import papers


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("jahns")


def test_every_number_of_the_tables_is_there(paper):
    found = {}
    for entry in paper.entries():
        found.setdefault(entry.table.id, []).append(entry.value)
    assert found == {"1": [96.86, 80.62, 96.70, 80.31, 70.38, 70.52], "2": [83.00, 80.70]}
    assert [one.value for one in paper.anchors] == [96.82, 80.20, 70.74, 68.28, 84.90, 79.84, 77.90]


def test_no_stack_of_ours_stands_for_a_printed_network(paper):
    assert all(entry.select["network"] != "stack" for entry in paper.entries())


def test_claims_say_who_asks_and_that_pilots_were_seen(paper):
    assert [claim.id for claim in paper.claims] == [f"QF{k}" for k in range(1, 11)]
    asked = {claim.id for claim in paper.claims if claim.asked_by == "referee"}
    assert asked == {"QF8", "QF9", "QF10"}
    assert paper.pilot


def test_two_steps_may_lose_what_the_text_says(paper):
    (margin,) = [part.margin for part in _claim(paper, "QF5").parts if part.rule == "equivalent"]
    assert f"less than {margin} points" in _claim(paper, "QF5").text


def test_neither_products_nor_sums_may_be_more_than_one_more(paper):
    bounded = {part.variable for part in _claim(paper, "QF10").parts if part.rule == "bound"}
    assert bounded == {"update_products", "update_sums"}


def _claim(paper, name):
    return next(claim for claim in paper.claims if claim.id == name)
