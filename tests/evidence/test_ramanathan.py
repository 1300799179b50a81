"""The paper of Ramanathan, Eberle & Varol: its selectors name cells that the studies train."""

from __future__ import annotations

from dataclasses import asdict
from typing import get_args
from zlib import crc32

import numpy as np
import pytest
import xarray as xr
from few_claims import only

from hnnlib.evidence import claims, comparison, papers

shd_ablations = pytest.importorskip("hnnlib.studies.shd_ablations.cells")
loss_landscape = pytest.importorskip("hnnlib.studies.loss_landscape.study")

MODELS = ("snn", "nsn", "hybrid", "n2n_block", "hstnn_1layer", "rnn", "hybrid_rnn", "n2n_rnn")
ARMS = (
    "main",
    "refit",
    "matched",
    "size",
    "fraction",
    "ratio",
    "slope",
    "regulariser",
    "reset",
    "rate",
    "validation",
    "constants",
)


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("ramanathan_eberle_varol")


def cells(study: str) -> list[dict]:
    """Coordinates of all cells of a study, on all of its data sets."""
    if study == "shd_ablations":
        names = ("shd", "randman_standard", "randman_hard")
        found = [cell for model in MODELS for cell in shd_ablations.cells(model, ARMS)]
    else:
        names = ("shd", "randman_500_parameters")
        models = loss_landscape.MODELS
        arms = get_args(loss_landscape.Arm)
        found = [c for arm in arms for c in loss_landscape.cells(models, arm)]
    return [
        asdict(cell) | {"dataset": name, "cell": f"{name}/{cell.name}"}
        for name in names
        for cell in found
    ]


def make(paper: papers.Paper, study: str, seeds: int = 5, **means: float) -> xr.Dataset:
    """A store in which all cells are alike but for noise; ``means`` are added by model."""
    found = cells(study)
    parts = [
        p for c in paper.claims for p in (*c.parts, *c.context) if paper.study_of(c, p) == study
    ]
    extra = {name for p in parts for name in (getattr(p, "other", None), *getattr(p, "given", ()))}
    names = {p.variable for p in parts} | extra - {None} | {"validation_accuracy", "train_accuracy"}
    noise = np.array(
        [
            [
                np.random.default_rng([seed, crc32(c["cell"].encode())]).normal()
                for seed in range(seeds)
            ]
            for c in found
        ]
    )
    base = 0.7 + 0.002 * noise + np.array([[means.get(c["model"], 0.0)] for c in found])
    about = {"units": "1", "long_name": "made up"}
    columns = {key: ("cell", [c[key] for c in found]) for key in found[0] if key != "cell"}
    rates = {
        "passes": ("cell", np.full(len(found), 200), about),
        "learning_rate": ("cell", np.full(len(found), 1e-3), about),
        "tried_rate": ("choice", [5e-4, 1e-3, 2e-3], about),
        "validation_curve": (("cell", "seed", "epoch"), np.full((*base.shape, 9), 0.7), about),
    }
    return xr.Dataset(
        {name: (("cell", "seed"), base, about) for name in sorted(names)} | rates,
        {"cell": [c["cell"] for c in found], "seed": np.arange(seeds)} | columns,
        {"study": study, "scale": "paper", "data": "made up", "data_official": "true"},
    )


def judged(paper: papers.Paper, **options) -> dict[str, claims.Judgement]:
    stores = {study: make(paper, study, **options) for study in paper.studies}
    return {j.claim: j for j in claims.judge(paper, stores)}


def test_every_selector_names_a_cell_that_a_study_trains(paper):
    for study in paper.studies:
        store = comparison.prepare(paper, make(paper, study, seeds=1))
        for claim in paper.claims:
            for part in (*claim.parts, *claim.context):
                if paper.study_of(claim, part) == study:
                    selects = part.selects(paper.defaults)
                    lost = [s for s in selects if comparison.locate(store, s) is None]
                    assert lost == [], claim.id


def test_fifteen_claims_that_say_how_they_were_read(paper):
    assert [claim.id for claim in paper.claims] == [f"C{i}" for i in range(1, 16)]
    assert all(claim.text and claim.paper_says and claim.note for claim in paper.claims)


def test_where_all_models_are_alike_they_are_on_par_and_none_is_better(paper):
    found = judged(paper)
    assert {name: found[name].answer for name in ("C1", "C2", "C7")} == dict.fromkeys(
        ("C1", "C2", "C7"), "supported"
    )
    better = [found[name].answer for name in ("C3", "C4", "C8", "C9", "C11", "C12", "C13", "C14")]
    assert "supported" not in better


def test_a_hybrid_that_is_better_by_five_points(paper):
    found = judged(only(paper, "C1", "C2", "C3", "C4", "C5", "C6"), hybrid=0.05)
    assert found["C1"].answer == found["C2"].answer == "contradicted"
    supported = [found[name].answer for name in ("C3", "C4", "C5", "C6")]
    assert set(supported) == {"supported"}


def test_a_premium_that_is_never_negative_is_no_evidence_by_itself(paper):
    """C15: the best epoch on the test part is never worse than the chosen one."""
    store = make(paper, "shd_ablations")
    for premium, favours in ((0.0, {False}), (0.03, {True})):
        store["selection_premium"][:] = premium
        [found] = claims.judge(only(paper, "C15"), store)
        some = [c for c in found.comparisons if c["variable"] == "selection_premium"]
        assert len(some) == 5 and {c["favours"] for c in some} == favours


def test_rates_at_the_end_of_their_list_decide_nothing(paper):
    store = make(paper, "shd_ablations")
    store["learning_rate"][:] = 2e-3
    [found] = claims.judge(only(paper, "C2"), store)
    assert found.answer == "not tested" and "largest of its list" in found.gates["matched"][0]


def test_without_the_landscape_study_its_claims_are_not_tested(paper):
    store = make(paper, "shd_ablations")
    some = only(paper, "C9", "C10", "C14")
    found = {j.claim: j for j in claims.judge(some, {"shd_ablations": store})}
    for name in ("C9", "C10", "C14"):
        assert found[name].reason.startswith("Not run at this scale: study loss_landscape")


def test_speech_of_the_small_scale_stands_for_the_real_one(paper):
    store = make(paper, "shd_ablations")
    names = store["dataset"].values.astype(object)
    names[names == "shd"] = "spoken_digits"
    small = store.assign_coords(dataset=("cell", names.astype(str)))
    found = {j.claim: j for j in claims.judge(only(paper, "C1"), {"shd_ablations": small})}
    assert (found["C1"].answer, found["C1"].direction) == ("not tested", "leans for")
    assert "poken_digits stands in for shd" in found["C1"].reason
    assert found["C1"].data == "spoken_digits (not the paper's data)"


def test_anchors_are_published_accuracies(paper):
    assert all(50 < anchor.value < 100 for anchor in paper.anchors)
    assert len({anchor.label for anchor in paper.anchors}) == len(paper.anchors)
