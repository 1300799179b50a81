"""Measures that evidence adds to stores, and the claims of Mazurek et al. that rest on them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hnnlib.analysis import manifold
from hnnlib.evidence import claims, papers
from hnnlib.evidence.comparison.measures import with_measures

CELLS = {"mlp_mnist/main": ("mlp", "main"), "mlp_mnist/control": ("mlp", "control")}
TAU, THRESHOLD = [1.001, 2.3, 3.6, 5.0], [0.01, 1.0, 2.0, 3.0]


def surfaces(main: list[float], control: list[float], taus: int = 4, seeds: int = 4) -> xr.Dataset:
    """Surfaces that depend on the threshold only; accuracies by threshold.

    A control at 11.5 % gives one answer to everything: its outputs are graded and never "dead".
    """
    rows = np.array([np.tile(main, (4, 1)), np.tile(control, (4, 1))], float)
    accuracy = np.repeat(rows[:, None], seeds, 1)
    accuracy += 1e-4 * np.arange(seeds)[None, :, None, None]
    accuracy[1, :, taus:] = np.nan
    silent = accuracy < 0.11
    regime = np.where(
        silent, manifold.SILENT, np.where(accuracy > 0.94, manifold.OPERATING, manifold.DEGRADED)
    )
    spikes = np.where(silent, 0.0, 1000.0)
    spikes[1] = np.nan
    about = {"units": "1", "long_name": "made up"}
    grid = ("cell", "seed", "tau", "threshold")
    columns = {
        "network": [network for network, _ in CELLS.values()],
        "arm": [arm for _, arm in CELLS.values()],
        "dataset": ["mnist"] * 2,
    }
    tau = np.array([TAU, TAU[:taus] + [np.nan] * (4 - taus)])
    found = {
        "grid_accuracy": (grid, accuracy),
        "grid_train": (grid, accuracy),
        "grid_regime": (grid, np.where(np.isfinite(accuracy), regime, np.nan)),
        "grid_dead_outputs": (grid, np.where(silent, 10.0, 0.0)),
        "grid_spikes": (grid, spikes),
        "guessing": ("cell", [0.1, 0.1]),
        "tau_value": (("cell", "tau"), tau),
        "threshold_value": (("cell", "threshold"), np.tile(THRESHOLD, (2, 1))),
        "diverged": (("cell", "seed"), np.zeros((2, seeds))),
        "train_accuracy": (("cell", "seed"), np.full((2, seeds), 0.97)),
        "passes": ("cell", [20, 20]),
        "validation_curve": (("cell", "seed", "epoch"), np.full((2, seeds, 20), 0.95)),
        "share_silent": (("cell", "seed"), np.nanmean(silent, (2, 3))),
        "roughness": (("cell", "seed"), np.tile([[0.06], [0.03]], (1, seeds))),
        "test_accuracy": (("cell", "seed"), np.full((2, seeds), 0.97)),
    }
    return xr.Dataset(
        {name: (dims, values, about) for name, (dims, values) in found.items()},
        {"cell": list(CELLS), "seed": range(seeds)} | {k: ("cell", v) for k, v in columns.items()},
        {"study": "operational_manifold", "scale": "reduced"},
    )


def judged(claim: str, store: xr.Dataset, clause: str | None = None) -> claims.Judgement:
    """One claim, or a clause of it, on the MLP only."""
    paper = papers.load("mazurek_caputa_wielgosz")
    [one] = [c for c in paper.claims if c.id == claim]
    if clause:
        parts = tuple(part for part in one.parts if part.clause == clause)
        one = one.model_copy(update={"parts": parts})
    alone = paper.model_copy(update={"claims": (one,)})
    return claims.judge(alone, store)[0]


def test_a_constant_answer_is_silence_whatever_its_accuracy():
    """11.5 % exceeds chance by more than a point, and is no network that works badly."""
    store = with_measures(surfaces([0.97, 0.9, 0.1, 0.1], [0.97, 0.115, 0.115, 0.115]))
    assert store["share_constant"].values[1] == pytest.approx([0.75] * 4)
    assert store["share_constant"].values[0] == pytest.approx([0.5] * 4)
    assert store["lost_outside"].values[0] == pytest.approx([2 / 3] * 4)


def test_a_surface_that_only_degrades_outside_is_not_lost():
    """B1 was supported by any surface with a best point and a silent one."""
    store = with_measures(surfaces([0.97, 0.9, 0.9, 0.1], [0.97] * 4))
    assert store["lost_outside"].values[0] == pytest.approx([1 / 3] * 4)
    found = judged("B1", store)
    assert found.direction != "leans for"
    clauses = {part.clause for part in papers.load("mazurek_caputa_wielgosz").claims[0].parts}
    assert "or spike too much" in clauses


def test_where_spikes_and_accuracy_fall_at_once():
    store = with_measures(surfaces([0.97, 0.9, 0.1, 0.1], [0.97] * 4))
    assert store["fall_together"].values[0] == pytest.approx([1.0] * 4)
    assert store["lost_beyond"].values[0] == pytest.approx([1.0] * 4)
    other = with_measures(surfaces([0.97, 0.5, 0.4, 0.1], [0.97] * 4))
    assert other["fall_together"].values[0] == pytest.approx([0.0] * 4)


@pytest.mark.parametrize(
    ("main", "favours"), [([0.97, 0.9, 0.1, 0.1], True), ([0.97, 0.5, 0.4, 0.1], False)]
)
def test_spikes_that_fall_after_accuracy_did_are_no_joint_fall(main, favours):
    """B2 was supported by any surface whose highest threshold is silent."""
    found = judged("B2", surfaces(main, [0.97] * 4), "with them")
    assert [c["favours"] for c in found.comparisons if c["cells"]] == [favours]


def test_a_best_threshold_that_is_not_the_lowest_speaks_against_it():
    """B3 was supported while no seed chose the threshold of Table II."""
    store, about = surfaces([0.97, 0.9, 0.1, 0.1], [0.97] * 4), {"units": "1", "long_name": "x"}
    for best, favours in ((0.01, True), (0.34, False)):
        store["best_threshold"] = ("cell", "seed"), np.full((2, 4), best), about
        found = judged("B3", store, "the MLP is best at the lowest")
        assert [c["favours"] for c in found.comparisons if c["cells"]] == [favours]


def test_surfaces_on_other_grids_are_not_compared():
    """B14: eight time constants of one against four of the other turn the sign of roughness."""
    alike = surfaces([0.97, 0.9, 0.5, 0.1], [0.97, 0.9, 0.8, 0.7])
    fewer = surfaces([0.97, 0.9, 0.5, 0.1], [0.97, 0.9, 0.8, 0.7], taus=2)
    assert "matched" not in judged("B14", alike).gates
    assert "differ in tau value" in judged("B14", fewer).gates["matched"][0]


def test_a_control_that_gives_one_answer_goes_against_only_spiking_networks_fall_silent():
    found = judged("B14", surfaces([0.97, 0.9, 0.5, 0.1], [0.97, 0.115, 0.115, 0.115]))
    only = [c for c in found.comparisons if c["variable"] == "share_constant"]
    assert [c["favours"] for c in only] == [False]


@pytest.mark.parametrize(
    ("claim", "clause"),
    [
        ("B12", "fully connected ones above all"),
        ("B13", "because"),
        ("B14", "only"),
        ("B3", "the MLP is best at the lowest"),
    ],
)
def test_no_clause_is_left_without_a_part(claim, clause):
    [one] = [c for c in papers.load("mazurek_caputa_wielgosz").claims if c.id == claim]
    assert clause in {part.clause for part in one.parts}


def test_spikes_of_all_layers_under_noise():
    about = {"units": "1", "long_name": "made up"}
    conditions = ["clean", "failed"]
    rate = np.array([0.2, 0.1])[None, None, None, :] * np.ones((1, 3, 2, 2))
    entries = np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]])[None, None] * np.ones((1, 3, 2, 3))
    store = xr.Dataset(
        {
            "layer_rate": (("cell", "seed", "layer", "condition"), rate, about),
            "layer_units": (("cell", "layer"), [[10.0, 20.0]], about),
            "entries": (("cell", "seed", "condition", "bin"), entries, about),
        },
        {"cell": ["a"], "seed": range(3), "condition": conditions, "bin": [-0.5, 0.0, 0.5]},
    )
    found = with_measures(store)
    assert found["spikes_ratio_failed"].values[0] == pytest.approx([0.5] * 3)
    assert found["positive_change"].values[0] == pytest.approx([-0.1] * 3)
