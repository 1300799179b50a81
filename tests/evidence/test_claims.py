"""The ledger: every claim of the paper gets a verdict, for reasons that can be checked."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import synthetic_store
from few_claims import only

from hnnlib.evidence import claims, papers
from hnnlib.evidence import ledger as ledger_file
from hnnlib.evidence.comparison import locate
from hnnlib.evidence.rules.verdict import PartVerdict


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("muramatsu_yu")


def judged(paper: papers.Paper, **options) -> dict[str, claims.Judgement]:
    """Judgements by claim on a synthetic store."""
    return {j.claim: j for j in claims.judge(paper, synthetic_store.make(**options))}


def verdicts(paper: papers.Paper, **options) -> dict[str, str]:
    return {name: j.answer for name, j in judged(paper, **options).items()}


@pytest.fixture(scope="module")
def ledger(paper) -> dict[str, claims.Judgement]:
    return judged(paper, seeds=5)


def test_all_claims_are_judged_with_reasons(ledger):
    assert list(ledger) == [f"A{i}" for i in range(1, 18)]
    for judgement in ledger.values():
        assert judgement.answer in claims.ANSWERS
        assert judgement.reason.endswith(".") and not judgement.reason[0].islower()
        assert "nan" not in judgement.reason
        assert judgement.n_seeds == 5
        assert judgement.comparisons


def test_the_papers_own_numbers(paper):
    """Five seeds close around the printed numbers: what the tables alone say of the claims.

    They contradict A2 (columns fall), A3 (66.08 above 59.96), A16 (Gaussian coding is better in two
    rows) and A17 (a dense layer is better in one column).
    """
    store, noise, printed = synthetic_store.make(), np.random.default_rng(0), {}
    for entry in paper.entries():
        value = 98.23 if entry.select["training"] == "pretrained" else entry.value
        if entry.table.id != "axon_direct":
            printed[locate(store, entry.select)] = value + noise.normal(0, 0.02, 5)
    found = verdicts(paper, seeds=5, accuracy=printed)
    for name in ("A1", "A13", "A15"):  # about numbers of other tables, about none
        del found[name]
    against = {name for name, verdict in found.items() if verdict == "contradicted"}
    assert against == {"A2", "A3", "A16", "A17"}
    assert all(found[name] == "supported" for name in found.keys() - against)


@pytest.mark.parametrize("seeds", [1, 2])
def test_below_three_seeds_nothing_is_tested(paper, seeds):
    some = paper if seeds == 2 else only(paper, "A1", "A2", "A5", "A13", "A14")
    assert set(verdicts(some, seeds=seeds).values()) == {"not tested"}


def test_parts_that_give_the_same_reason_give_it_once():
    part = PartVerdict("not tested", "not run at this scale", ())
    other = PartVerdict("not tested", "the seeds do not decide", ())
    found = claims._reason([part, part, other], "not tested")
    assert found == "Not run at this scale; and the seeds do not decide."


def test_a_reason_that_parts_share_is_counted_over_all_of_them(paper):
    found = judged(paper, seeds=5, keep=lambda cell: cell["family"] == "mlp")["A13"].reason
    same = "no run could change the outcome (6 of 15 comparisons); 9 of 15 comparisons not run"
    assert same in found and found.count("no run could change the outcome") == 1


def test_parts_that_were_not_run_are_told_once(paper):
    """Both parts of A15 compare cells that this store lacks."""
    found = judged(only(paper, "A15"), keep=lambda cell: cell["coding"] == "poisson")["A15"]
    assert found.reason.count("ot run at this scale") == 1 and " and 3 more" in found.reason
    assert found.reach == "no reading: nothing was compared"
    assert found.data == found.basis == claims.NOT_RUN


def test_cells_that_need_no_data_name_none(paper):
    """They are not "none (unofficial copy) (not the paper's data)"."""
    found = judged(only(paper, "A4"), datasets={"mlp": "none"}, official=False)["A4"]
    assert found.data == "no data needed"


def test_a_family_that_was_not_run_leaves_its_claims_untested(paper):
    found = judged(paper, seeds=5, keep=lambda cell: cell["family"] == "mlp")
    assert found["A5"].answer == "not tested"
    assert "not run at this scale" in found["A5"].reason.lower()
    assert (found["A5"].n_seeds, found["A5"].data) == (0, claims.NOT_RUN)
    for name in ("A2", "A3", "A8", "A9", "A10", "A11", "A12", "A13"):
        assert found[name].answer != "supported", name
    assert found["A4"].n_seeds == 5


def test_without_forensic_arms_the_verdicts_stay_the_same(paper, ledger):
    """Context is shown and never decides; only A1 is about an arm itself."""
    found = verdicts(paper, seeds=5, keep=lambda cell: cell["arm"] in ("main", "input_mode"))
    assert found == {name: judgement.answer for name, judgement in ledger.items()}


def test_the_leak_alone_supports_nothing(paper):
    """A6: the hybrid beats its frozen network in the leaky arm only."""
    given = {"mnist/AAS/duplicate/separate": 97.5}
    found = judged(only(paper, "A6"), seeds=5, accuracy=given)["A6"]
    assert found.answer == "contradicted"
    [leaky] = [c for c in found.context if "with the leak" in c["note"]]
    assert leaky["difference"] > 0.5
    assert leaky["outcome"] == "shown"


def test_the_division_by_255_alone_is_no_collapse(paper, ledger):
    found = ledger["A10"]
    assert found.answer == "contradicted"
    assert all("sigmoid" in c["label"] for c in found.comparisons)
    drops = [c["difference"] for c in found.context if "255" in c["label"]]
    assert len(drops) == 5 and max(drops) < -2


def test_a_collapse_supports_a10(paper):
    poisson = {
        c["cell"]: [30.0, 30.2, 29.9]
        for c in synthetic_store.cells()
        if c["coding"] == "poisson" and c["training"] == "separate" and c["arm"] == "main"
    }
    assert len(poisson) == 5
    assert verdicts(only(paper, "A10"), accuracy=poisson)["A10"] == "supported"


def test_one_hybrid_is_enough_for_a14(paper):
    hybrids = {
        c["cell"]: 80.0 if c["family"] == "mlp" else 50.0
        for c in synthetic_store.cells()
        if c["arm"] == "main" and c["spiking_layers"] and c["artificial_layers"]
    }
    lone = {"cifar10/A4/gaussian/simultaneous": 75.0}
    some = only(paper, "A14")
    assert verdicts(some, seeds=8, accuracy=hybrids)["A14"] == "contradicted"
    assert verdicts(some, seeds=8, accuracy=hybrids | lone)["A14"] == "supported"


def test_counted_costs_say_whether_pretraining_is_paid_for(ledger):
    found = ledger["A13"]
    assert (found.answer, found.direction) == ("not tested", "leans against")
    assert "no run could change the outcome" in found.reason
    assert all(c["kind"] == "count" for c in found.comparisons + found.context)
    separate = [
        c for c in found.comparisons if c["label"].endswith("separate against simultaneous")
    ]
    free = {c["label"]: c["difference"] for c in found.context}
    assert len(separate) == 5
    assert all(free[c["label"]] < c["difference"] for c in separate)


def test_diverged_seeds_are_counted_in_the_ledger(paper):
    lost = {"cifar10/A4/duplicate/separate": [0, 3]}
    found = judged(only(paper, "A5"), seeds=5, diverged=lost)["A5"]
    assert (found.n_seeds, found.comparisons[0]["left_out"]) == (3, 2)
    assert found.answer == "not tested"
    assert "2 of 5 seeds of cifar10/A4/duplicate/separate did not learn" in found.reason


# --- beside the paper, and on which data --------------------------------------------------------


def test_comparisons_carry_the_papers_numbers_of_the_same_cells(ledger):
    [first] = ledger["A1"].comparisons
    assert first["paper"] == (97.71, 97.56)  # from the table that holds both, not 98.13 from 1a
    assert first["paper_difference"] == 0.15
    [fifth] = ledger["A5"].comparisons
    assert fifth["paper_difference"] == pytest.approx(66.08 - 62.78)
    rise = next(c for c in ledger["A2"].comparisons if c["label"] == "duplicate simultaneous, CNN")
    assert rise["paper"] == (59.96, 53.23, 55.22, 66.08, 70.09)
    assert rise["paper_difference"] == pytest.approx(70.09 - 59.96)
    [sixth] = ledger["A6"].comparisons
    assert sixth["paper"] == (99.17, None)


def test_judgements_name_the_data_really_used(paper, ledger):
    datasets = {"mlp": "digits"}
    found = judged(only(paper, "A4", "A5"), datasets=datasets, official=False)
    assert found["A4"].data == "digits (unofficial copy) (not the paper's data)"
    assert found["A5"].data == "cifar10 (unofficial copy)"
    assert ledger["A3"].data == "mnist, cifar10"


def test_a_ledger_survives_csv(paper, ledger, tmp_path):
    frame = ledger_file.to_frame(list(ledger.values()))
    frame.to_csv(tmp_path / "claims.csv", index=False)
    back = pd.read_csv(tmp_path / "claims.csv")
    assert list(back["claim"]) == list(ledger)
    assert list(back["answer"]) == [judgement.answer for judgement in ledger.values()]
    for text, judgement in zip(back["comparisons"], ledger.values(), strict=True):

        def refuse(word):
            raise AssertionError(f"{word} is no JSON")

        read = json.loads(text, parse_constant=refuse)
        assert [c["label"] for c in read] == [c["label"] for c in judgement.comparisons]


def test_no_claims_make_an_empty_ledger():
    assert list(ledger_file.to_frame([]).columns)[:3] == ["study", "claim", "text"]
