"""The ledger's files, the paper's own numbers, registration, and the power of a plan."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import synthetic_store
import yaml
from few_claims import only
from scipy import stats

from hnnlib import registration
from hnnlib.errors import StoreError
from hnnlib.evidence import claims, ledger, papers, power
from hnnlib.evidence.printed import own_numbers
from hnnlib.store import open as open_store

STEMS = ("muramatsu_yu", "mazurek_caputa_wielgosz", "ramanathan_eberle_varol")
CONFIG = Path(__file__).parents[2] / "config"
TEXTS = (
    "study claim text asked_by answer reason direction number reach own_numbers own_numbers_reason "
    "registration scale data paper_says note"
)
SCHEMA = dict.fromkeys(TEXTS.split(), str) | {
    "basis": str,
    "by_data": dict,
    "gates": dict,
    "p": float,
    "q": float,
    "seeds_needed": int,
    "n_seeds": int,
    "measured": bool,
    "dead_outputs": list,
    "comparisons": list,
    "context": list,
    "readings": list,
}
"""What ``claims.json`` holds of every claim."""
MAY_BE_NULL = ("p", "q", "seeds_needed")
COMPARISON = set(
    "label cells variable unit means difference low high n left_out p p_holm outcome shut paper "
    "paper_difference dead_seeds favours".split()
)


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("muramatsu_yu")


@pytest.fixture(scope="module")
def weighed(paper):
    store = synthetic_store.make(seeds=5, scale="reduced", datasets={"cnn": "cluttered_digits"})
    return ledger.weigh({"muramatsu_yu": paper}, {"coding_comparison": store})


# --- files --------------------------------------------------------------------------------------


def test_the_printed_numbers_survive_in_the_file(weighed, tmp_path):
    numbers = weighed.numbers
    numbers.to_csv(tmp_path / "comparison.csv", index=False)
    back = pd.read_csv(tmp_path / "comparison.csv")
    assert set(back["paper"]) == {"muramatsu_yu"}
    one = back.query("table == '1a' and row == 'A784-S500-S10' and column == 'separate'").iloc[0]
    assert one["printed"] == 98.22 and 90 < one["ours"] < 100
    assert one["scale"] == "reduced"


def test_no_difference_at_another_scale_or_on_other_data(weighed):
    numbers = weighed.numbers
    assert numbers["difference"].isna().all()
    mnist = numbers[numbers["dataset"] == "mnist"]
    assert mnist["note"].str.contains("another scale").all()


def test_every_claim_has_all_of_its_answers_in_one_file(weighed, paper, tmp_path):
    frame = weighed.claims
    ledger.write(weighed, tmp_path)
    read = json.loads((tmp_path / "claims.json").read_text("utf-8"))["muramatsu_yu"]
    assert list(read) == [claim.id for claim in paper.claims] == list(frame["claim"])
    for one in read.values():
        assert {key: type(value) for key, value in one.items()} == SCHEMA | {
            key: type(None) for key, value in one.items() if value is None and key in MAY_BE_NULL
        }
        assert one["answer"] in claims.ANSWERS and one["reason"]
        assert one["own_numbers"] in ("holds", "fails", "cannot be applied")
        assert all(one[key] for key in {*TEXTS.split(), "basis"} - {"note"})
        assert not any(c["shut"] for c in one["comparisons"] if c["outcome"] in ("for", "against"))
        assert one["scale"] == "reduced" and one["n_seeds"] == 5
        assert all(set(c) >= COMPARISON for c in one["comparisons"])
        assert all(set(r) == {"label", "side", "decided", "flips"} for r in one["readings"])
    assert set(frame["scale"]) == {"reduced"}
    readings = pd.read_csv(tmp_path / "readings.csv")
    counted = readings.groupby("claim")["reading"].nunique().to_dict()
    assert counted == {name: len(one["readings"]) for name, one in read.items() if one["readings"]}


def test_seeds_with_a_dead_output_are_shown_and_decide_nothing(paper):
    """Two of five seeds of the separately trained hybrid have an output that never answers."""
    cell = "mnist/AAS/duplicate/separate"
    store = synthetic_store.make(seeds=5)
    [whole] = claims.judge(only(paper, "A6"), store)
    store["dead_outputs"].loc[cell] = [0, 1, 0, 2, 0]
    [found] = claims.judge(only(paper, "A6"), store)
    assert found.answer == whole.answer and whole.dead_outputs == []
    [dead] = found.dead_outputs
    assert (dead["cell"], dead["outputs"]) == (cell, [0, 1, 0, 2, 0])
    assert f"2 of 5 seeds of {cell} have an output that never answers" in found.reason
    assert [c["dead_seeds"] for c in found.comparisons] == [2]


def test_a_store_with_the_same_seed_twice_is_refused(paper):
    store = synthetic_store.make(seeds=3).assign_coords(seed=[0, 0, 0])
    with pytest.raises(StoreError, match="has the seed 0 more than once"):
        claims.judge(paper, store)


def test_data_that_stand_in_never_decide(weighed):
    """No cross on made-up images for a claim about real ones."""
    fifth = weighed.tree["muramatsu_yu"]["A5"]
    assert (fifth["answer"], fifth["direction"]) == ("not tested", "leans for")
    assert "cluttered_digits stands in for cifar10" in fifth["gates"]["comparable"]


def test_each_half_of_a_claim_has_an_answer_of_its_own(paper):
    store = synthetic_store.make(seeds=10, keep=lambda cell: cell["family"] == "mlp")
    found = {j.claim: j for j in claims.judge(only(paper, "A4", "A11"), store)}
    assert found["A11"].answer == "not tested"
    assert set(found["A11"].by_data) == {"mnist"}
    assert found["A4"].by_data == {}


def test_the_false_discovery_rate_is_that_of_benjamini_and_hochberg():
    p = [0.01, np.nan, 0.02, 0.04, 0.5]
    q = ledger.false_discovery(p)
    assert np.isnan(q[1])
    assert q[[0, 2, 3, 4]] == pytest.approx(stats.false_discovery_control([0.01, 0.02, 0.04, 0.5]))
    assert np.isnan(ledger.false_discovery([np.nan])).all()


def test_a_coupled_head_shuts_what_rests_on_separate_training(paper):
    """Stores that lack the coordinate are coupled."""
    store = synthetic_store.make(seeds=10, keep=lambda cell: cell["arm"] != "head")
    some = only(paper, "A4", "A6", "A7", "A10")
    older = {j.claim: j for j in claims.judge(some, store.drop_vars("head"))}
    newer = {j.claim: j for j in claims.judge(some, store)}
    for name in newer:
        assert any("started from draws" in why for why in older[name].gates["matched"]), name
        assert "matched" not in newer[name].gates


def test_the_number_is_held_at_the_papers_own_scale_only(paper):
    store = synthetic_store.make(seeds=5)
    [first] = claims.judge(only(paper, "A1"), store)
    assert first.number == "0 of 2 printed numbers lie where one more run of ours would"
    [other] = claims.judge(only(paper, "A1"), store.assign_attrs(scale="reduced"))
    assert other.number == "no printed number at the paper's own scale"


# --- the paper's own numbers --------------------------------------------------------------------


def test_rules_that_the_papers_own_numbers_fail_are_findings_on_record():
    """Each is among the inconsistencies of its paper; the others hold, or no number is printed."""
    for path in papers.PAPERS.glob("[!.]*.yaml"):
        stem, paper = path.stem, papers.load(path.stem)
        failing = {c.id for c in paper.claims if own_numbers(paper, c).answer == "fails"}
        expected = {
            "muramatsu_yu": {"A2", "A3", "A16", "A17"},
            "mazurek_caputa_wielgosz": {"B8", "B11"},
        }
        assert failing == expected.get(stem, set())
        recorded = {name for item in paper.inconsistencies for name in item.claims}
        assert failing <= recorded


@pytest.mark.parametrize(
    ("claim", "answer"),
    [("A1", "holds"), ("A7", "holds"), ("A10", "holds"), ("A13", "cannot be applied")],
)
def test_own_numbers(paper, claim, answer):
    [one] = [c for c in paper.claims if c.id == claim]
    assert own_numbers(paper, one).answer == answer


def test_questions_of_a_referee_are_not_the_authors_claims():
    asked = {
        claim.id
        for stem in STEMS
        for claim in papers.load(stem).claims
        if claim.asked_by == "referee"
    }
    assert asked == {"C9", "C11", "C12", "C13", "C14", "C15"}


# --- registration -------------------------------------------------------------------------------


def test_a_rule_that_changed_after_its_data_says_so(paper):
    store = synthetic_store.make(seeds=3)
    before = paper.digests
    assert set(before) == {claim.id for claim in paper.claims}
    stood = before | {"A4": "0" * 64}
    del stood["A5"]
    store.attrs["claims_json"] = json.dumps(stood)
    found = claims.judge(only(paper, "A1", "A4", "A5"), store)
    found = {j.claim: j.registration for j in found}
    assert found["A1"] == "registered"
    assert found["A4"] == "changed after its data (made at commit 0000000)"
    assert found["A5"] == "not registered"


def test_digests_count_what_decides_and_nothing_else():
    text = (papers.PAPERS / "muramatsu_yu.yaml").read_text("utf-8")
    content, other = yaml.safe_load(text), yaml.safe_load(text)
    other["claims"][0] |= {"note": "another", "asked_by": "referee"}
    assert registration.digests(other) == registration.digests(content)
    other["claims"][0]["text"] = "another"
    changed = registration.digests(other).items() ^ registration.digests(content).items()
    assert {name for name, _ in changed} == {"A1"}
    other["gates"]["coding_comparison"]["power"] = 0.5
    assert not registration.digests(other).items() & registration.digests(content).items()


def test_a_pilot_counts_as_seen(paper):
    seen = paper.model_copy(update={"pilot": True}).registered(paper.digests)
    store = synthetic_store.make(seeds=3)
    store.attrs["claims_json"] = json.dumps(paper.digests)
    assert claims.judge(only(seen, "A1"), store)[0].registration.endswith(
        "results of a pilot were seen before"
    )


# --- power of a plan ----------------------------------------------------------------------------


def test_more_seeds_can_decide_more(paper):
    store = synthetic_store.make(seeds=5)
    few, many = (power.plan(paper, store, {"coding_comparison": n}) for n in (3, 15))
    assert many["able"].sum() > few["able"].sum()
    assert not power.plan(paper, store, {"coding_comparison": 2})["able"].any()
    told = few[~few["able"].astype(bool)]
    assert told["why"].str.len().gt(0).all()


def test_every_scale_that_claims_to_decide_has_seeds_enough_to_agree():
    """Three seeds that agree decide one comparison; smoke shows that the graph runs, no more."""
    for path in CONFIG.glob("*.yaml"):
        seeds = power.seeds_of(yaml.safe_load(path.read_text("utf-8")))
        if path.stem != "smoke":
            assert all(n >= 3 for n in seeds.values()), path.name


def test_claims_that_the_scale_paper_cannot_decide_are_those_that_are_listed():
    """Where new reference stores show other spreads: ``python -m hnnlib.evidence.power``."""
    root = CONFIG.parent
    text = (root / "CONTRIBUTING.md").read_text("utf-8")
    told = re.search(r"At the scale `paper`\s+it\s+holds\s+(.*?), most", text, re.S)[1].split()
    stores = {p.stem: open_store(p) for p in root.glob("results/reference/*.nc")}
    seeds = power.seeds_of(yaml.safe_load((CONFIG / "paper.yaml").read_text("utf-8")))
    frames = [power.plan(papers.load(p.stem), stores, seeds) for p in root.glob("papers/*.yaml")]
    found = {claim for f in frames for claim in f["claim"][~f["able"].astype(bool)]}
    assert {word.strip(",") for word in told} - {"and"} == found


def test_exact_numbers_need_no_seeds_and_no_gates(paper):
    """They are decided at any number of seeds, and no power is asked of them."""
    part = {"rule": "bound", "variable": "parameters", "value": 1, "every": True, "cells": [{}]}
    claim = papers.Claim(id="X", text="Exact.", paper_says="", parts=[part])
    exact = paper.model_copy(update={"claims": (claim,), "gates": {}})
    store = synthetic_store.make(seeds=1)
    (found,) = claims.judge(exact, store)
    assert found.answer == "supported" and found.n_seeds == 0 and not found.gates
    assert len(found.comparisons) == (store["arm"] == "main").sum()
    assert power.plan(exact, store, {"coding_comparison": 1}).empty


def test_a_study_that_is_not_planned_has_no_row(paper):
    assert power.plan(paper, synthetic_store.make(seeds=3), {"loss_landscape": 5}).empty
