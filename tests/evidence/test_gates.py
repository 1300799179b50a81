"""Gates: each one shut by one fault, with its reason, and open without it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hnnlib.evidence import gates, rules
from hnnlib.evidence.comparison import prepare
from hnnlib.evidence.papers import Paper

RISEN = [0.90, 0.95, 0.97, 0.98, 0.98, 0.98]
RISING = [0.40, 0.50, 0.60, 0.70, 0.80, 0.90]
CLAIM = {
    "id": "X1",
    "text": "a is better than b.",
    "paper_says": "Table 1.",
    "parts": [
        {"rule": "better", "effect": 5, "pairs": [{"left": {"net": "a"}, "right": {"net": "b"}}]}
    ],
}
GATES = {
    "learned": 50,
    "passes": 6,
    "settled": 0.5,
    "baselines": [{"select": {"net": "b"}, "value": 80.0, "distance": 1.0}],
    "matched": ["width", "grid"],
    "tuned": {"rate": "tuned"},
    "faults": [{"where": {"net": "c"}, "reason": "c is coupled"}],
}


def paper(claim: dict | None = None, **changed) -> Paper:
    return Paper.model_validate(
        {
            "title": "A paper",
            "authors": ["A. Author"],
            "year": 2020,
            "venue": "nowhere",
            "doi": "",
            "study": "toy",
            "chance": 10,
            "datasets": ["real"],
            "stand_ins": {"digits": "real"},
            "gates": {"toy": GATES | changed},
            "vocabulary": {"net": ["a", "b", "c"], "rate": ["tuned"]},
            "claims": [claim or CLAIM],
        }
    )


def store(**changed) -> xr.Dataset:
    """Two nets with four seeds, a five points above b, nothing amiss."""
    about = {"units": "1", "long_name": "made up"}
    given = {
        "test_accuracy": (
            ("cell", "seed"),
            [[0.85, 0.851, 0.849, 0.85], [0.80, 0.80, 0.801, 0.799]],
        ),
        "train_accuracy": (("cell", "seed"), np.full((2, 4), 0.95)),
        "dead_outputs": (("cell", "seed"), np.zeros((2, 4))),
        "validation_curve": (("cell", "seed", "epoch"), np.tile(RISEN, (2, 4, 1))),
        "learning_rate": ("cell", [1e-3, 1e-3]),
        "tried_rate": ("choice", [1e-4, 1e-3, 1e-2]),
    }
    columns = {
        "net": ["a", "b"],
        "dataset": ["real", "real"],
        "arm": ["main", "main"],
        "width": ["10", "10"],
        "rate": ["tuned", "tuned"],
    }
    columns = {k: changed.pop(k, v) for k, v in columns.items()}
    return xr.Dataset(
        {k: (*v, about) for k, v in (given | changed).items()},
        {"cell": ["a", "b"], "seed": range(4)} | {k: ("cell", v) for k, v in columns.items()},
        {"study": "toy", "scale": "paper"},
    )


def judged(dataset: xr.Dataset, given: Paper | None = None) -> rules.PartVerdict:
    given = given or paper()
    part, ready = given.claims[0].parts[0], prepare(given, dataset)
    found = rules.apply(ready, part, given.defaults)
    return gates.examine(gates.Asked(given, "toy", part, ready), found)


def shut(dataset: xr.Dataset, given: Paper | None = None) -> dict[str, str]:
    """Gates that are shut, with their reasons; a shut gate never lets a claim be decided."""
    found = judged(dataset, given)
    reasons = dict(found.comparisons[0].shut)
    assert (found.verdict == "not tested") == bool(reasons)
    assert all(why in found.reason for why in list(reasons.values())[:1])
    return reasons


def test_with_nothing_amiss_all_gates_are_open():
    assert judged(store()).verdict == "supported"
    assert shut(store()) == {}


def test_without_declared_gates_nothing_is_tested():
    bare = paper().model_copy(update={"gates": {}})
    assert "declares no gates" in shut(store(), bare)["learned"]


# --- learned ------------------------------------------------------------------------------------


def test_one_seed_at_chance_shuts_the_gate_though_the_mean_is_high():
    train = np.full((2, 4), 0.95)
    train[0, 2] = 0.1
    reason = shut(store(train_accuracy=(("cell", "seed"), train)))["learned"]
    assert (
        reason
        == "1 of 4 seeds of a did not learn their training data (the least 10.0 %, chance 10 %)"
    )


@pytest.mark.parametrize(("dead", "closed"), [(1, False), (8, False), (9, True), (10, True)])
def test_one_answer_to_everything_has_not_learned_but_a_dead_output_may_have(dead, closed):
    """Ten classes: with nine outputs that never answer, whatever the accuracy, nothing is said."""
    found = np.zeros((2, 4))
    found[1, 0] = dead
    reasons = shut(store(dead_outputs=(("cell", "seed"), found)))
    said = {"learned": "1 of 4 seeds of b give one answer to everything"}
    assert reasons == (said if closed else {})


def test_a_drop_may_end_at_chance_but_not_start_there():
    pair = {"left": {"net": "b"}, "right": {"net": "a"}}
    drop = CLAIM | {"parts": [{"rule": "drop", "margin": 2.0, "pairs": [pair]}]}
    for fallen, expected in ((1, set()), (0, {"learned"})):
        train = np.full((2, 4), 0.95)
        train[fallen] = 0.1
        dataset = store(train_accuracy=(("cell", "seed"), train))
        assert set(shut(dataset, paper(drop))) == expected


# --- settled ------------------------------------------------------------------------------------


def test_a_short_run_whose_difference_still_closes_says_so():
    curves = np.stack([np.tile([0.30, 0.52, 0.84], (4, 1)), np.tile([0.33, 0.543, 0.856], (4, 1))])
    dataset = store(validation_curve=(("cell", "seed", "epoch"), curves))
    reason = shut(dataset, paper(passes=100))["settled"]
    assert reason == "3 of 100 passes, the difference still closes (-3.0, -2.3, -1.6 pp)"


def test_a_short_run_that_has_come_to_rest_may_speak():
    assert shut(store(), paper(passes=100)) == {}


def test_networks_may_rise_together_but_not_alone():
    """What is compared is the difference; of a variable without a curve, each network counts."""
    dataset = store(
        validation_curve=(("cell", "seed", "epoch"), np.tile(RISING, (2, 4, 1))),
        spikes=(("cell", "seed"), [[20.0, 21, 22, 21], [10.0, 11, 12, 11]]),
    )
    assert shut(dataset, paper(passes=100)) == {}
    spikes = CLAIM | {"parts": [CLAIM["parts"][0] | {"variable": "spikes"}]}
    assert "validation accuracy still rises" in shut(dataset, paper(spikes, passes=100))["settled"]


def test_a_number_of_a_surface_rests_on_all_of_it():
    """Its best point may have come to rest while others still wake up."""
    dims = ("cell", "seed", "epoch")
    dataset = store(
        surface_curve=(dims, np.tile(RISING, (2, 4, 1))),
        spikes=(("cell", "seed"), [[20.0, 21, 22, 21], [10.0, 11, 12, 11]]),
    )
    assert shut(dataset, paper(passes=100)) == {}
    spikes = CLAIM | {"parts": [CLAIM["parts"][0] | {"variable": "spikes"}]}
    assert "validation accuracy still rises" in shut(dataset, paper(spikes, passes=100))["settled"]


def test_accuracy_at_rest_says_nothing_of_what_moves_with_the_loss():
    """At chance for one: then the loss must rest, too."""
    dims = ("cell", "seed", "epoch")
    dataset = store(
        validation_loss=(dims, np.tile(RISING[::-1], (2, 4, 1))),
        spikes=(("cell", "seed"), [[20.0, 21, 22, 21], [10.0, 11, 12, 11]]),
    )
    assert shut(dataset, paper(passes=100)) == {}, "accuracy has a curve of its own"
    spikes = CLAIM | {"parts": [CLAIM["parts"][0] | {"variable": "spikes"}]}
    assert "validation loss still falls" in shut(dataset, paper(spikes, passes=100))["settled"]
    rested = dataset.assign(validation_loss=(dims, np.tile([0.9, 0.5, *[0.4] * 4], (2, 4, 1))))
    assert shut(rested, paper(spikes, passes=100)) == {}


def test_the_papers_number_of_passes_is_enough():
    dataset = store(validation_curve=(("cell", "seed", "epoch"), np.tile(RISING, (2, 4, 1))))
    assert shut(dataset) == {}


def test_a_curve_padded_for_longer_runs_is_not_taken_as_flat():
    short = np.full((2, 4, 9), np.nan)
    short[..., :3] = [0.3, 0.5, 0.7]
    short[0, :, :3] += [0.0, 0.05, 0.1]
    dataset = store(validation_curve=(("cell", "seed", "epoch"), short))
    assert shut(dataset, paper(passes=9))["settled"].startswith(
        "3 of 9 passes, the difference still"
    )


def test_without_a_curve_nothing_is_known():
    dataset = store().drop_vars("validation_curve")
    assert "no curve says" in shut(dataset, paper(passes=100))["settled"]


@pytest.mark.parametrize(
    ("fallen", "passes", "outcomes", "expected"),
    [
        (0, 100, ("fallen",), "not tested"),
        (1, 100, ("fallen",), "contradicted"),
        (0, 6, ("fallen",), "supported"),
        (0, 100, (), "supported"),
    ],
)
def test_what_may_still_happen_in_training_supports_nothing(fallen, passes, outcomes, expected):
    """No network diverged in 6 of 100 passes: that one did would count, that none did does not."""
    part = {"rule": "bound", "variable": "fallen", "value": 0.5, "sense": "below"}
    claim = CLAIM | {"parts": [part | {"cells": [{"net": "a"}]}]}
    given = paper(claim, passes=passes).model_copy(update={"outcomes": outcomes})
    found = judged(store(fallen=("cell", [float(fallen)] * 2)), given)
    assert found.verdict == expected
    assert ("may still come" in found.reason) == (expected == "not tested")


# --- comparable ---------------------------------------------------------------------------------


def test_data_that_stand_in_answer_nothing():
    dataset = store(dataset=["digits", "digits"])
    assert shut(dataset)["comparable"] == "digits stands in for real"


def test_a_baseline_far_from_the_papers_number():
    far = paper(baselines=[{"select": {"net": "b"}, "value": 90.0, "distance": 1.0}])
    assert "our baseline b has 80.00, the paper 90" in shut(store(), far)["comparable"]
    other = paper(
        baselines=[{"where": {"net": "c"}, "select": {"net": "b"}, "value": 90.0, "distance": 1.0}]
    )
    assert shut(store(), other) == {}


# --- matched ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"width": ["10", "20"]}, "a and b differ in width: 10 against 20"),
        (
            {"learning_rate": ("cell", [1e-2, 1e-3])},
            "chosen for a, 0.01, is the largest of its list",
        ),
        ({"learning_rate": ("cell", [1e-3, 1e-4])}, "chosen for b, 0.0001, is the smallest"),
        ({"passes": ("cell", [6, 9])}, "a, b made 6, 9 passes"),
        (
            {"grid": (("cell", "tau"), [[1.0, 2, 3, 4], [1.0, 4, np.nan, np.nan]])},
            "a and b differ in grid: 4 from 1 to 4 against 2 from 1 to 4",
        ),
    ],
)
def test_cells_that_differ_in_more_than_what_is_compared(changed, reason):
    assert reason in shut(store(**changed))["matched"]


def test_a_store_that_does_not_list_the_rates_tried_cannot_tell():
    assert "does not say which" in shut(store().drop_vars("tried_rate"))["matched"]


def test_cells_with_a_known_fault():
    faulty = store(net=["c", "b"])
    claim = CLAIM | {
        "parts": [
            {
                "rule": "better",
                "effect": 5,
                "pairs": [{"left": {"net": "c"}, "right": {"net": "b"}}],
            }
        ]
    }
    assert shut(faulty, paper(claim))["matched"] == "c is coupled"


# --- able ---------------------------------------------------------------------------------------


def wide() -> xr.Dataset:
    wide_ = [[0.80, 0.90, 0.86, 0.84], [0.80, 0.80, 0.80, 0.80]]
    return store(test_accuracy=(("cell", "seed"), wide_))


def test_too_few_seeds_for_the_effect_leave_it_untested_not_undecided():
    assert judged(wide()).comparisons[0].outcome == "not tested"
    reason = shut(wide())["able"]
    assert reason.startswith("4 seeds with a spread of 4.16 pp would find 5.00 pp in ")
    large = CLAIM | {"parts": [CLAIM["parts"][0] | {"effect": 40}]}
    assert judged(wide(), paper(large)).verdict == "undecided"


def test_what_is_found_clearly_was_able_to_be_found():
    tiny = CLAIM | {"parts": [CLAIM["parts"][0] | {"effect": 0.01}]}
    assert judged(store(), paper(tiny)).verdict == "supported"


def test_an_outcome_that_no_run_could_change_is_not_tested():
    fixed = CLAIM | {"parts": [CLAIM["parts"][0] | {"fixed": "it follows from the shapes"}]}
    assert shut(store(), paper(fixed)) == {"able": "it follows from the shapes"}


def test_a_gate_is_waived_with_a_reason_only_where_it_is_said():
    dataset = store(width=["10", "20"])
    waived = CLAIM | {"parts": [CLAIM["parts"][0] | {"waived": {"matched": "widths are compared"}}]}
    assert shut(dataset, paper(waived)) == {}


@pytest.mark.parametrize("seeds", range(3, 16))
def test_seeds_that_all_agree_decide(seeds):
    """At any scale's number of seeds: today five could not."""
    attrs = {"units": "1", "long_name": "made up"}
    values = np.stack([np.full(seeds, 0.85), np.full(seeds, 0.80)])
    dataset = xr.Dataset(
        {"test_accuracy": (("cell", "seed"), values, attrs)},
        {"cell": ["a", "b"], "seed": range(seeds), "net": ("cell", ["a", "b"])},
    )
    given = paper()
    assert rules.apply(dataset, given.claims[0].parts[0], {}).verdict == "supported"
