"""Reach: the same rule on other cells of the stores."""

from __future__ import annotations

import pytest
import synthetic_store

from hnnlib.evidence import claims, papers, reach
from hnnlib.evidence.comparison import by_study


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("muramatsu_yu")


def readings(paper, claim: str, **options) -> dict[str, reach.Read]:
    store = synthetic_store.make(seeds=5, **options)
    return {one.label: one for one in claims.readings(paper, claim, store)}


def test_the_switch_that_turns_a_claim_is_named(paper):
    """A6 fails on the shared split and holds with a split for each model."""
    given = {"mnist/AAS/duplicate/separate": 97.5}
    found = readings(paper, "A6", accuracy=given)
    assert found["as declared"].side == "against"
    assert found["a split of its own"].side == "for" and found["a split of its own"].flips
    assert not found["the network trained simultaneously as reference"].flips
    text = reach.summary(list(found.values()))
    assert "turns with a split of its own" in text
    holds = sum(one.side == "for" for one in found.values())
    assert text.startswith(f"holds in {holds} of {len(found)} readings")


def test_a_claim_on_two_data_sets_is_read_on_each(paper):
    found = readings(paper, "A11")
    assert {"mnist alone", "cifar10 alone"} <= set(found)
    assert len(found["mnist alone"].comparisons) == 1
    named = paper.model_copy(
        update={"names": paper.names | {"paper_dataset=mnist": "digits of 1998"}}
    )
    assert "digits of 1998 alone" in readings(named, "A11")


def test_cells_without_the_switch_stay_and_a_reading_that_changes_nothing_is_none(paper):
    found = readings(paper, "A3")
    relu = found["ReLU at the boundary on mnist"]
    assert [c.left for c in relu.comparisons[:2]] == ["mnist/SSS/duplicate/simultaneous"] * 2
    assert all(c.right.endswith("boundary_act") for c in relu.comparisons[:2])
    assert not any("logarithm of sigma" in label for label in found)
    main = readings(paper, "A3", keep=lambda cell: cell["arm"] == "main")
    assert not any("ReLU" in label for label in main)


def test_a_reference_whose_logits_have_another_scale_is_one_of_two(paper):
    """Trained simultaneously, the artificial network's logits are summed over steps."""
    for claim in ("A3", "A7"):
        found = readings(paper, claim)
        other = next(one for label, one in found.items() if "frozen network as reference" in label)
        ran = {cell for c in other.comparisons for cell in c.cells}
        assert any(cell.endswith("pretrained") for cell in ran)


def test_readings_as_a_table_for_a_specification_curve(paper):
    store = synthetic_store.make(seeds=5)
    frame = reach.to_frame({name: claims.readings(paper, name, store) for name in ("A4", "A6")})
    assert set(frame["claim"]) == {"A4", "A6"}
    assert frame.groupby("claim")["reading"].first().to_dict() == dict.fromkeys(
        ("A4", "A6"), "as declared"
    )
    assert frame[["difference", "low", "high"]].notna().all().all()


def test_another_measure_is_read_where_the_store_has_it(paper):
    found = readings(paper, "A13")
    assert {c.variable for c in found["seconds instead of operations on mnist"].comparisons} == {
        "train_seconds"
    }


def test_gates_do_not_close_a_reading(paper):
    """Short runs are not tested, and still show where a direction turns."""
    store = synthetic_store.make(seeds=5).drop_vars("passes")
    found, _ = by_study(paper, store)
    claim = next(one for one in paper.claims if one.id == "A4")
    assert reach.read(paper, claim, found)[0].side is not None
