"""Verdict rules: each one's three answers, too few seeds, missing cells, and Holm's correction."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.errors import ConfigError
from hnnlib.evidence import papers, rules
from hnnlib.evidence.papers import CellPair, Group, Series

LOW = [90.0, 90.2, 90.1]
HIGH = [95.1, 95.2, 95.0]
LIKE_LOW = [90.1, 90.1, 90.2]  # differs from LOW by 0.07 on average, in both directions
LOST = [np.nan, np.nan, np.nan]


def make(validation: dict | None = None, flop: dict | None = None, **cells) -> xr.Dataset:
    """A store of named cells with the given accuracies in percent, one a seed."""
    names = list(cells)
    attrs = {"units": "1", "long_name": "made up"}

    def variable(values: dict):
        return ("cell", "seed"), np.array([values[name] for name in names]) / 100, attrs

    counts = [float((flop or {}).get(name, 1)) for name in names]
    return xr.Dataset(
        {
            "test_accuracy": variable(cells),
            "validation_accuracy": variable({**cells, **(validation or {})}),
            "train_flop": ("cell", counts, attrs | {"units": "FLOP"}),
        },
        {"cell": names, "name": ("cell", names), "seed": np.arange(len(cells[names[0]]))},
    )


def pair(left: str, right: str, margin: float | None = None) -> CellPair:
    return CellPair({"name": left}, {"name": right}, margin)


def series(*names: str, sense: str = "rising") -> tuple[Series, list[dict]]:
    cells = [{"name": name} for name in names]
    return Series(label="series", sense=sense, cells=cells), cells


def group(left: str, right: str, margin: float = 0.5) -> tuple:
    left, right = ([{"name": name} for name in side] for side in (left, right))
    return Group(label="group", left=left, right=right, margin=margin), left, right


def verdict(part: rules.PartVerdict) -> str:
    """The verdict, after checking that it is explained."""
    assert part.reason and "nan" not in part.reason
    return part.verdict


# --- better -------------------------------------------------------------------------------------


def test_better():
    store = make(low=LOW, high=HIGH, like=LIKE_LOW)
    assert verdict(rules.better(store, [pair("high", "low")])) == "supported"
    assert verdict(rules.better(store, [pair("low", "high")])) == "contradicted"
    assert verdict(rules.better(store, [pair("like", "low")])) == "undecided"


def test_better_in_the_sense_of_lower():
    store = make(low=LOW, high=HIGH)
    part = rules.better(store, [pair("low", "high")], sense="lower")
    assert verdict(part) == "supported"


def test_all_pairs_must_be_better_and_one_worse_contradicts():
    store = make(low=LOW, high=HIGH, like=LIKE_LOW)
    good, open_, bad = pair("high", "low"), pair("like", "low"), pair("low", "high")
    assert verdict(rules.better(store, [good, good])) == "supported"
    assert verdict(rules.better(store, [good, open_])) == "undecided"
    assert verdict(rules.better(store, [good, open_, bad])) == "contradicted"


def test_any_pair_is_enough_and_all_must_fail():
    store = make(low=LOW, high=HIGH, like=LIKE_LOW)
    good, open_, bad = pair("high", "low"), pair("like", "low"), pair("low", "high")
    assert verdict(rules.better(store, [bad, open_, good], need="any")) == "supported"
    assert verdict(rules.better(store, [bad, open_], need="any")) == "undecided"
    assert verdict(rules.better(store, [bad, bad], need="any")) == "contradicted"


def test_a_difference_that_one_look_would_show_can_drown_in_many():
    """p = 0.01 alone; times ten looks it is no longer below 5 %."""
    store = make(low=[90.0, 90.2, 90.1], more=[90.6, 90.9, 90.5], like=LIKE_LOW)
    one = pair("more", "low")
    alone = rules.better(store, [one], need="any")
    among = rules.better(store, [one] + 9 * [pair("like", "low")], need="any")
    assert alone.comparisons[0].p == among.comparisons[0].p < 0.05
    assert verdict(alone) == "supported"
    assert among.comparisons[0].p_holm > 0.05
    assert verdict(among) == "undecided"


def test_a_pair_that_was_not_run_still_counts_in_the_family():
    store = make(low=LOW, high=HIGH)
    one = rules.better(store, [pair("high", "low")])
    two = rules.better(store, [pair("high", "low"), pair("high", "absent")])
    assert two.comparisons[0].p_holm == pytest.approx(2 * one.comparisons[0].p_holm)
    assert verdict(two) == "not tested"
    assert "not run at this scale" in two.reason


@pytest.mark.parametrize("name", ["better", "equivalent", "trend"])
def test_parts_that_overlap_weaken_every_test(name):
    """Seeds whose parts are drawn anew from one pool are less than independent."""
    store = make(
        a=[90.0, 90.4, 90.1, 90.2], b=[90.3, 90.5, 90.5, 90.4], third=[91.0, 91.4, 91.3, 91.5]
    )
    plain, shared = (
        rules.RULES[name](
            store.assign_coords(split_overlap=("cell", [o] * 3)), TESTS[name]("a", "b")
        )
        for o in (0.0, 0.5)
    )
    assert shared.comparisons[0].p > plain.comparisons[0].p


def test_reasons_hold_the_numbers():
    store = make(low=LOW, high=HIGH)
    reason = rules.better(store, [pair("high", "low")]).reason
    assert reason.startswith("high minus low: +5.00 pp [")
    assert "3 seeds, Holm p = 0.0006" in reason or "3 seeds, Holm p < 0.001" in reason


def test_names_replace_values_in_reasons():
    store = make(low=LOW, high=HIGH)
    names = {"low": "few layers", "high": "many layers"}
    part = rules.better(store, [pair("high", "low")], names=names)
    assert part.reason.startswith("many layers minus few layers")


# --- too few seeds, missing cells: the same for every rule --------------------------------------

TESTS = {
    "better": lambda a, b: [pair(a, b)],
    "drop": lambda a, b: [pair(a, b, 1.0)],
    "equivalent": lambda a, b: [pair(a, b, 1.0)],
    "trend": lambda a, b: [series(a, b, "third")],
    "best_not_better": lambda a, b: [group([a], [b])],
}


@pytest.mark.parametrize("name", TESTS)
def test_two_seeds_never_decide(name):
    """However large the difference."""
    a, b, third = [10.0, 11.0], [90.0, 92.0], [99.0, 99.1]
    store = make(a=a, b=b, third=third)
    for items in (TESTS[name]("a", "b"), TESTS[name]("b", "a")):
        part = rules.RULES[name](store, items)
        assert verdict(part) == "not tested"
        assert "too few seeds" in part.reason and "2 seeds" in part.reason


@pytest.mark.parametrize("name", TESTS)
def test_diverged_seeds_do_not_count(name):
    store = make(a=[90.0, np.nan, 90.1], b=HIGH, third=[99.0, 98.0, 98.5])
    part = rules.RULES[name](store, TESTS[name]("a", "b"))
    assert verdict(part) == "not tested"
    assert part.comparisons[0].left_out == 1
    assert "(1 left out)" in part.reason


@pytest.mark.parametrize("name", TESTS)
def test_a_cell_whose_every_seed_diverged_decides_nothing(name):
    store = make(a=LOST, b=HIGH, third=HIGH)
    part = rules.RULES[name](store, TESTS[name]("a", "b"))
    assert part.verdict == "not tested"
    assert part.comparisons[0].left_out == 3


@pytest.mark.parametrize("name", [*TESTS, "cheaper"])
def test_a_missing_cell_is_not_run(name):
    store = make(a=LOW, third=HIGH)
    items = TESTS.get(name, lambda a, b: [pair(a, b)])("a", "absent")
    options = {"variable": "train_flop"} if name == "cheaper" else {}
    part = rules.RULES[name](store, items, **options)
    assert verdict(part) == "not tested"
    assert "not run at this scale" in part.reason


@pytest.mark.parametrize("name", TESTS)
def test_a_typo_in_a_selector_is_an_error_that_names_it(name):
    store = make(a=LOW, b=HIGH).rename(name="nom")
    with pytest.raises(ConfigError, match="'name'"):
        rules.RULES[name](store, TESTS[name]("a", "b"))


# --- drop ---------------------------------------------------------------------------------------


def test_drop():
    """High to low is a loss of 5.0 points, give or take 0.1."""
    store = make(low=LOW, high=HIGH)
    assert verdict(rules.drop(store, [pair("low", "high", 3.0)])) == "supported"
    assert verdict(rules.drop(store, [pair("low", "high", 5.0)])) == "undecided"
    assert verdict(rules.drop(store, [pair("low", "high", 7.0)])) == "contradicted"


def test_a_gain_is_no_drop():
    store = make(low=LOW, high=HIGH)
    assert verdict(rules.drop(store, [pair("high", "low", 3.0)])) == "contradicted"


# --- equivalent ---------------------------------------------------------------------------------


def test_equivalent():
    store = make(low=LOW, high=HIGH, like=LIKE_LOW)
    assert verdict(rules.equivalent(store, [pair("like", "low", 0.5)])) == "supported"
    assert verdict(rules.equivalent(store, [pair("like", "low", 0.1)])) == "undecided"
    assert verdict(rules.equivalent(store, [pair("high", "low", 0.5)])) == "contradicted"


def test_one_pair_on_par_is_enough_where_any_will_do():
    store = make(low=LOW, high=HIGH, like=LIKE_LOW)
    pairs = [pair("like", "low", 0.5), pair("high", "low", 0.5)]
    assert verdict(rules.equivalent(store, pairs)) == "contradicted"
    assert verdict(rules.equivalent(store, pairs, need="any")) == "supported"
    assert verdict(rules.equivalent(store, pairs[1:], need="any")) == "contradicted"


def test_no_significant_difference_is_not_equivalence():
    store = make(a=[90.0, 92.0, 94.0], b=[94.0, 90.0, 92.5])
    assert verdict(rules.better(store, [pair("a", "b")])) == "undecided"
    assert verdict(rules.equivalent(store, [pair("a", "b", 1.0)])) == "undecided"


def test_equivalence_shows_its_90_percent_interval_and_margin():
    store = make(low=LOW, like=LIKE_LOW)
    part = rules.equivalent(store, [pair("like", "low", 0.5)])
    assert part.comparisons[0].level == 0.90
    assert "(90 %), margin 0.5 pp" in part.reason


# --- trend --------------------------------------------------------------------------------------

STEP = {f"c{i}": [90 + i + 0.01, 90 + i - 0.02, 90 + i + 0.05] for i in range(4)}
FLAT = {
    "f0": [90.0, 90.3, 90.1],
    "f1": [90.2, 90.1, 90.0],
    "f2": [90.1, 90.0, 90.2],
}


def test_trend():
    store = make(**STEP, **FLAT)
    assert verdict(rules.trend(store, [series("c0", "c1", "c2", "c3")])) == "supported"
    assert verdict(rules.trend(store, [series("c3", "c2", "c1", "c0")])) == "contradicted"
    assert verdict(rules.trend(store, [series("f0", "f1", "f2")])) == "undecided"


def test_a_falling_series():
    store = make(**STEP)
    assert verdict(rules.trend(store, [series("c3", "c1", "c0", sense="falling")])) == "supported"
    down = series("c0", "c1", "c3", sense="falling")
    assert verdict(rules.trend(store, [down])) == "contradicted"


def test_one_clear_step_back_contradicts_a_rise():
    """Even where the whole rises: the last three lie far above, but the second below the first."""
    store = make(**{**STEP, "c0": [91.41, 91.42, 91.38]})
    part = rules.trend(store, [series("c0", "c1", "c2", "c3")])
    assert verdict(part) == "contradicted"
    assert part.comparisons[0].outcome == "for"
    assert "step c1 minus c0: -0.39 pp" in part.reason


def test_steps_and_opposite_trends_are_one_family():
    """The clear step back (p = 0.007 alone) is one of three steps beside one trend."""
    store = make(**{**STEP, "c0": [91.41, 91.42, 91.38]})
    *_, step = rules.trend(store, [series("c0", "c1", "c2", "c3")]).comparisons
    assert step.p_holm == pytest.approx(4 * step.p)


def test_a_step_back_within_noise_does_not():
    store = make(**{**STEP, "c1": [91.9, 92.1, 92.0], "c2": [92.0, 91.9, 92.05]})
    assert verdict(rules.trend(store, [series("c0", "c1", "c2", "c3")])) == "supported"


def test_every_series_must_rise():
    store = make(**STEP, **FLAT)
    both = [series("c0", "c1", "c2"), series("f0", "f1", "f2")]
    assert verdict(rules.trend(store, both)) == "undecided"
    assert verdict(rules.trend(store, [both[0], series("c3", "c1", "c0")])) == "contradicted"


def test_two_cells_are_judged_by_their_paired_difference():
    store = make(low=LOW, high=HIGH, like=LIKE_LOW)
    assert verdict(rules.trend(store, [series("low", "high")])) == "supported"
    assert verdict(rules.trend(store, [series("high", "low")])) == "contradicted"
    assert verdict(rules.trend(store, [series("low", "like")])) == "undecided"


# --- best, not better ---------------------------------------------------------------------------


def test_best_not_better():
    store = make(low=LOW, high=HIGH, like=LIKE_LOW)
    names = ["low", "like"]
    assert verdict(rules.best_not_better(store, [group(names, ["high"])])) == "supported"
    assert verdict(rules.best_not_better(store, [group(["high"], names)])) == "contradicted"
    tight = group(["like"], ["low"], margin=0.1)
    assert verdict(rules.best_not_better(store, [tight])) == "undecided"


def test_validation_chooses_the_best():
    """On the test images 'lucky' is far better, but validation prefers 'sound'."""
    cells = {"lucky": HIGH, "sound": LOW, "other": LIKE_LOW}
    store = make(validation={"lucky": [80.0] * 3}, **cells)
    part = rules.best_not_better(store, [group(["lucky", "sound"], ["other"])])
    assert part.comparisons[0].left == "sound"
    assert verdict(part) == "supported"


def test_the_best_of_an_incomplete_set_is_unknown():
    store = make(low=LOW, high=HIGH)
    part = rules.best_not_better(store, [group(["low", "absent"], ["high"])])
    assert verdict(part) == "not tested"
    assert "group" in part.reason


# --- cheaper ------------------------------------------------------------------------------------


def test_cheaper():
    store = make(low=LOW, high=HIGH, flop={"low": 2e9, "high": 8e9})
    part = rules.cheaper(store, [pair("low", "high")], variable="train_flop")
    assert verdict(part) == "supported"
    assert part.reason == ("train flop, low against high: 2e+09 against 8e+09 FLOP (0.25 times)")
    back = rules.cheaper(store, [pair("high", "low")], variable="train_flop")
    assert verdict(back) == "contradicted"


def test_an_equal_cost_is_not_cheaper():
    store = make(low=LOW, high=HIGH)
    part = rules.cheaper(store, [pair("low", "high")], variable="train_flop")
    assert verdict(part) == "contradicted"


# --- any data -----------------------------------------------------------------------------------

seeds = st.lists(st.integers(0, 1000).map(lambda k: 90 + k / 100), min_size=4, max_size=4)


@settings(max_examples=25)
@given(seeds, seeds)
def test_a_claim_and_its_opposite_are_never_both_supported(a, b):
    store = make(a=a, b=b)
    one, other = (rules.better(store, [pair(*names)]).verdict for names in ("ab", "ba"))
    opposite = {"supported": "contradicted", "contradicted": "supported"}
    assert other == opposite.get(one, "undecided")


@settings(max_examples=25)
@given(seeds, seeds, st.permutations(range(4)))
def test_the_order_of_seeds_does_not_matter(a, b, order):
    mixed = make(a=[a[i] for i in order], b=[b[i] for i in order])
    for name in ("better", "equivalent"):
        items = TESTS[name]("a", "b")
        found = rules.RULES[name](mixed, items)
        assert found.verdict == rules.RULES[name](make(a=a, b=b), items).verdict


def test_every_rule_of_the_papers_files_is_registered():
    union, _ = get_args(papers.Part)
    named = {get_args(kind.model_fields["rule"].annotation)[0] for kind in get_args(union)}
    assert named == set(rules.RULES)
