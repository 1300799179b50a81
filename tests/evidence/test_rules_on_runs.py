"""Rules on runs and orders: a bound, a correlation within cells, a best cell inside an order."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.analysis import statistics
from hnnlib.errors import StoreError
from hnnlib.evidence import rules
from hnnlib.evidence.papers import Bound, Line

RISING = [1.0, 2.0, 3.0, 4.0, 5.0]
NOISE = [2.0, 5.0, 1.0, 4.0, 3.0]
WITH_NOISE = [2.1, 5.2, 1.3, 4.4, 3.5]
LOST = [np.nan] * 5


def make(validation: dict | None = None, **variables: dict) -> xr.Dataset:
    """A store of named cells; each variable gives every cell one number a seed, or one number."""
    names = list(next(iter(variables.values())))
    about = {"units": "1", "long_name": "made up"}
    if validation:
        variables["validation_accuracy"] = validation
    arrays = {key: np.array([cells[name] for name in names]) for key, cells in variables.items()}
    seeds = max((array.shape[-1] for array in arrays.values() if array.ndim == 2), default=1)
    return xr.Dataset(
        {key: (("cell", "seed")[: array.ndim], array, about) for key, array in arrays.items()},
        {"cell": names, "name": ("cell", names), "seed": np.arange(seeds)},
    )


def select(*names: str) -> list[dict]:
    return [{"name": name} for name in names]


def line(*names: str) -> tuple[Line, list[dict]]:
    return Line(label="line", cells=select(*names)), select(*names)


def verdict(part: rules.PartVerdict) -> str:
    """The verdict, after checking that it is explained."""
    assert part.reason and "nan" not in part.reason
    return part.verdict


# --- bound --------------------------------------------------------------------------------------

PREMIUM = {"a": [0.010, 0.012, 0.011], "b": [0.001, -0.001, 0.0005], "c": [-0.02, -0.021, -0.022]}


def bound(*names: str, **options) -> rules.PartVerdict:
    options = {"value": 0.0, "variable": "premium"} | options
    return rules.bound(make(premium=PREMIUM), select(*names), **options)


def test_bound():
    assert verdict(bound("a")) == "supported"
    assert verdict(bound("b")) == "undecided"
    assert verdict(bound("c")) == "contradicted"
    assert verdict(bound("c", sense="below")) == "supported"
    assert verdict(bound("a", value=0.011)) == "undecided"


def test_all_cells_must_keep_a_bound_or_any():
    assert verdict(bound("a", "b")) == "undecided"
    assert verdict(bound("a", "b", "c")) == "contradicted"
    assert verdict(bound("a", "b", "c", need="any")) == "supported"
    assert verdict(bound("b", "c", need="any")) == "undecided"


def test_a_bound_on_an_accuracy_is_in_percent():
    store = make(test_accuracy={"a": [0.62, 0.622, 0.618]})
    part = rules.bound(store, select("a"), value=60.0)
    assert verdict(part) == "supported"
    assert part.reason.startswith("a, test accuracy > 60: 62.00 % [")


def test_a_bound_on_a_count_needs_no_test():
    store = make(share={"a": 0.3}, test_accuracy={"a": RISING})
    assert verdict(rules.bound(store, select("a"), value=0.2, variable="share")) == "supported"
    part = rules.bound(store, select("a"), value=0.4, variable="share")
    assert verdict(part) == "contradicted"
    assert part.reason == "a, share > 0.4: 0.30"


def test_a_bound_with_too_few_seeds_or_none_or_no_cell():
    store = make(premium={"a": [0.5, 0.6], "b": [np.nan, np.nan]})
    part = rules.bound(store, select("a"), value=0.0, variable="premium")
    assert verdict(part) == "not tested" and "too few seeds" in part.reason
    part = rules.bound(store, select("b"), value=0.0, variable="premium")
    assert verdict(part) == "not tested" and part.comparisons[0].left_out == 2
    part = rules.bound(store, select("z"), value=0.0, variable="premium")
    assert verdict(part) == "not tested" and "not run at this scale" in part.reason
    with pytest.raises(StoreError, match="'prize'"):
        rules.bound(store, select("z"), value=0.0, variable="prize")


def every(store: xr.Dataset, **where: str | int) -> rules.PartVerdict:
    """A bound on all cells that fit."""
    options = {"value": 0.5, "variable": "faults", "sense": "below", "every": True}
    return rules.apply(store, Bound(rule="bound", cells=[where], **options), {})


def test_a_bound_on_every_cell_that_fits_names_each_by_what_tells_it_apart():
    kinds, depths = ("cell", ["x", "x", "y"]), ("cell", [1, 2, 2])
    store = make(faults={"a": 0.0, "b": 0.0, "c": 2.0}).drop_vars("name")
    store = store.assign_coords(kind=kinds, depth=depths)
    part = every(store, kind="x")
    assert verdict(part) == "supported" and [c.cells for c in part.comparisons] == [("a",), ("b",)]
    assert [c.label for c in part.comparisons] == ["x 1, faults < 0.5", "x 2, faults < 0.5"]
    part = every(store, depth=2)
    assert verdict(part) == "contradicted"
    assert part.reason.endswith("the clearest is 2 y, faults < 0.5: 2.00")
    part = every(store, kind="z")
    assert verdict(part) == "not tested" and "not run at this scale" in part.reason


def test_cells_of_a_bound_are_one_family():
    one, two = bound("a").comparisons[0], bound("a", "b").comparisons[0]
    assert two.p_holm == pytest.approx(2 * one.p_holm)


# --- correlated ---------------------------------------------------------------------------------


def correlated(store: xr.Dataset, *names: str, **options) -> rules.PartVerdict:
    options = {"variable": "x", "other": "y"} | options
    return rules.correlated(store, [line(*names)], **options)


def test_correlated():
    store = make(x={"a": RISING, "b": NOISE}, y={"a": RISING, "b": WITH_NOISE})
    assert verdict(correlated(store, "a")) == "supported"
    assert verdict(correlated(store, "a", "b")) == "supported"
    assert verdict(correlated(store, "a", "b", sense="negative")) == "contradicted"
    store = make(x={"a": RISING}, y={"a": NOISE})
    assert verdict(correlated(store, "a")) == "undecided"
    assert correlated(store, "a").comparisons[0].sentence().startswith("line: x with y: +0.10, 5 s")


def test_differences_between_cells_make_no_correlation():
    """Cell by cell y is noise; over all runs it rises with x."""
    x = {"a": RISING, "b": [10 + value for value in RISING]}
    y = {"a": NOISE, "b": [10 + value for value in NOISE]}
    assert statistics.rank_correlation([*x["a"], *x["b"]], [*y["a"], *y["b"]]).p < 0.05
    assert verdict(correlated(make(x=x, y=y), "a", "b")) == "undecided"


def test_what_is_held_fixed_makes_no_correlation():
    store = make(x={"a": RISING}, y={"a": RISING}, z={"a": RISING})
    part = correlated(store, "a", given=("z",))
    assert verdict(part) == "undecided"
    assert "x with y, given z" in part.reason


def test_three_seeds_are_too_few_for_a_correlation():
    store = make(x={"a": RISING[:3], "b": RISING[:3]}, y={"a": RISING[:3], "b": RISING[:3]})
    part = correlated(store, "a", "b")
    assert verdict(part) == "not tested"
    assert "the test needs 4" in part.reason


def test_lost_runs_and_missing_cells_of_a_correlation():
    lost = [np.nan, *RISING[1:]]
    store = make(x={"a": RISING, "b": lost, "c": LOST}, y={"a": RISING, "b": RISING, "c": RISING})
    [found] = correlated(store, "a", "b").comparisons
    assert (found.n, found.left_out, found.outcome) == (4, 1, "for")
    assert verdict(correlated(store, "a", "c")) == "not tested"
    assert "not run" in correlated(store, "a", "z").reason
    constant = make(x={"a": [1.0] * 5}, y={"a": RISING})
    assert "constant" in correlated(constant, "a").reason


tables = st.lists(st.lists(st.integers(0, 50), min_size=5, max_size=5), min_size=2, max_size=3)


@settings(max_examples=25)
@given(tables, st.permutations(range(5)))
def test_the_coefficient_is_that_of_ranks_within_cells(table, order):
    x = np.array(table, float)
    y = np.tile(np.arange(5.0), (len(x), 1))
    found = statistics.seed_correlation(x, y)
    groups = np.repeat(np.arange(len(x)), 5)
    expected = statistics.rank_correlation(x.ravel(), y.ravel(), groups=groups, permutations=10)
    assert found.rho == pytest.approx(expected.rho, nan_ok=True)
    mixed = statistics.seed_correlation(x[:, order], y[:, order])
    assert mixed == pytest.approx(found) or np.isnan(found.rho)


def test_luck_that_cells_share_counts_once():
    """Five cells in the same order say no more than one: 1 of 120 orders."""
    one = statistics.seed_correlation([RISING], [RISING])
    five = statistics.seed_correlation([RISING] * 5, [RISING] * 5)
    assert one.p_positive == five.p_positive == pytest.approx(1 / 120)
    assert one.p_negative == 1.0
    many = statistics.seed_correlation([np.arange(12.0)], [np.arange(12.0)])
    assert many.p_positive == pytest.approx(1 / 10_001)


# --- interior -----------------------------------------------------------------------------------

HUMP = {"p": [0.90, 0.902, 0.901], "q": [0.952, 0.95, 0.951], "r": [0.905, 0.904, 0.902]}


def test_interior():
    rise = HUMP | {"r": [0.98, 0.981, 0.983]}
    flat = HUMP | {"q": [0.906, 0.9, 0.905]}
    for cells, expected in ((HUMP, "supported"), (rise, "contradicted"), (flat, "undecided")):
        store = make(test_accuracy=cells, validation=cells)
        assert verdict(rules.interior(store, [line("p", "q", "r")])) == expected


def test_validation_chooses_the_best_inside():
    cells = HUMP | {"lucky": [0.99, 0.991, 0.992]}
    store = make(test_accuracy=cells, validation=cells | {"lucky": [0.5, 0.5, 0.5]})
    part = rules.interior(store, [line("p", "lucky", "q", "r")])
    assert {c.left for c in part.comparisons} == {"q"}


def test_choosing_by_what_is_tested_costs_a_factor():
    rough = HUMP | {"s": [0.92, 0.921, 0.922]}
    store = make(roughness=rough)
    one = rules.interior(store, [line("p", "q", "r")], variable="roughness")
    two = rules.interior(store, [line("p", "s", "q", "r")], variable="roughness")
    assert two.comparisons[0].left == "q"
    assert two.comparisons[0].p == pytest.approx(2 * one.comparisons[0].p)
    low = rules.interior(store, [line("p", "q", "r")], variable="roughness", sense="lower")
    assert verdict(low) == "contradicted"


def test_the_best_of_an_incomplete_order_is_unknown():
    store = make(test_accuracy=HUMP)
    part = rules.interior(store, [line("p", "z", "r")])
    assert verdict(part) == "not tested"
    assert "not run at this scale" in part.reason
