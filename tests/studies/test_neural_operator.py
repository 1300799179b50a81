"""The study of operators: what is scored, what is learned from, what is stored."""

from __future__ import annotations

import numpy as np
import pytest

from hnnlib import engines
from hnnlib.studies.base import Context
from hnnlib.studies.collecting import joined
from hnnlib.studies.neural_operator.cells import Cell, OperatorSchedule, OperatorSettings, cells
from hnnlib.studies.neural_operator.measures import Truth, fi_distance
from hnnlib.studies.neural_operator.recordings import mixtures, record
from hnnlib.studies.neural_operator.study import STUDY, schedule_of
from hnnlib.training.plateau import Plateau

SETTINGS = OperatorSettings.model_validate(
    {
        "seeds": [0, 1],
        "data": {
            "cells": 5,
            "held_out": 1,
            "train": 30,
            "validation": 10,
            "test": 15,
            "pulse": 15,
            "onset": 5,
            "window": 25,
            "shift": 5,
            "dt": 0.5,
            "latent": 2,
        },
        "network": {"layers": 1, "width": 4, "modes": 8, "frequencies": 2},
        "schedule": {"epochs": 2, "batch": 10},
        "tuning": {"epochs": 1},
        "embeddings": ["frequency", "none"],
        "arms": ["main", "embedding", "schedule", "select", "sag"],
        "speed": {"traces": 2, "rounds": 1, "batch": 4},
        "jobs": 1,
    }
)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("c")
    return Context(folder, engine=engines.get("eager"), say=lambda line: None)


@pytest.fixture(scope="module")
def recorded(context):
    return record(SETTINGS.data, context)


@pytest.fixture(scope="module")
def store(context):
    groups = STUDY.groups(SETTINGS)
    assert list(groups) == ["facts", "operators_1"]
    runs = [STUDY.train(group, SETTINGS, context) for group in groups]
    return joined("neural_operator", {}, runs)


def truth() -> Truth:
    """One trace with two spikes, one with one, one without; the cells without sodium at rest."""
    voltage = np.full((3, 200), -70.0)
    time = np.arange(200)
    for row, at in ((0, 40), (0, 90), (1, 50)):
        voltage[row] += 100 * np.exp(-(((time - at) / 3) ** 2))
    return Truth(voltage, np.full(3, -71.0), np.full((3, 200), -70.0), (0.25, 5.0, 30.0))


def test_the_true_trace_has_skill_1_and_one_that_never_fires_has_0():
    true = truth()
    right, never = (true.scores(v) for v in (true.voltage, np.minimum(true.voltage, -50.0)))
    assert (right["skill"], right["sodium_skill"], right["accuracy"]) == (1, 1, 1)
    assert right["raw_error"] == right["count_error"] == right["missed"] == right["false"] == 0
    assert never["skill"] == pytest.approx(0) and never["missed"] == 1
    assert never["accuracy"] == pytest.approx(1 / 3)
    assert true.scores(np.full((3, 200), -70.0))["sodium_skill"] == 0


def test_a_spike_too_late_costs_more_than_none():
    true = truth()
    late = true.scores(np.roll(true.voltage, 12, axis=1))
    assert late["accuracy"] == 1 and late["missed"] == 0 and late["skill"] < 0


def test_errors_of_spikes_are_those_of_traces_in_which_both_sides_fire():
    true = truth()
    predicted = true.voltage[[1, 2, 0]]  # one for two, none for one, two for none
    found = true.scores(predicted)
    assert found["count_error"] == pytest.approx(50) and found["missed"] == 0.5
    assert found["false"] == 1 and found["accuracy"] == 0


def test_a_distance_of_curves_is_that_from_the_median():
    true = np.array([[0.0, 1, 2], [0, 3, 4], [0, 2, 3]])
    assert fi_distance(np.array([[0.0, 2, 3]]), true) == 0
    assert fi_distance(np.array([[1.0, 3, 4]] * 3), true) == 1


def test_parts_are_apart_and_cells_that_are_held_out_are_in_none(recorded):
    for seed in (0, 1):
        parts = recorded.split(seed, Cell())
        rows = np.concatenate([parts.train, parts.validation, parts.test])
        assert len(np.unique(rows)) == len(rows) == 55
        assert (recorded.data.cell[rows] < 5).all()
    assert (recorded.data.cell[recorded.held_out] == 5).all()
    assert set(recorded.split(0, Cell()).test) != set(recorded.split(1, Cell()).test)


def test_fewer_cells_have_as_many_traces(recorded):
    few = Cell(traces="0.4")
    whole, some = (recorded.split(0, Cell(models=m, traces="0.4")).train for m in ("1", "0.4"))
    assert len(whole) == len(some) == 12
    assert len(set(recorded.data.cell[whole])) == 5 and len(set(recorded.data.cell[some])) == 2
    assert set(recorded.split(0, few).train) <= set(recorded.split(0, Cell()).train)


def test_features_are_scaled_by_cells_in_training_or_by_all(recorded):
    ours, theirs = (recorded.numbers(Cell(scaling=s))[:, 2:] for s in ("train", "all"))
    inside = recorded.data.cell < 5
    assert np.allclose(ours[inside].min(0), 0.5) and np.allclose(ours[inside].max(0), 3.5)
    assert np.allclose(theirs.min(0), 0.5) and np.allclose(theirs.max(0), 3.5)
    assert recorded.numbers(Cell(features="slope")).shape[1] == 3


def test_pairs_are_of_cells_in_training():
    pairs, share = mixtures(SETTINGS.data, 0)
    assert pairs.max() < 5 and (pairs[:, 0] != pairs[:, 1]).all()
    assert ((share >= 0) & (share <= 1)).all()


def test_arms_that_share_a_cell_train_it_once():
    both = SETTINGS.model_copy(update={"arms": ("main", "models", "traces"), "shares": (0.4, 1.0)})
    names = [(c.models, c.traces) for c in cells(both)]
    assert len(set(names)) == len(names) == 5


def test_variables_carry_units_and_names_and_cells_are_told_apart(store):
    for name, found in store.data_vars.items():
        assert found.attrs.get("long_name") and found.attrs.get("units"), name
    assert len(set(store.cell.values)) == store.sizes["cell"] == 9
    assert list(store.seed.values) == [0, 1]


def test_every_operator_has_its_scores_and_what_it_cost(store):
    found = store.isel(cell=store["train_seconds"].notnull().values)
    assert set(found["arm"].values) == {"main", "embedding", "schedule", "select", "sag"}
    for name in ("skill", "held_out_skill", "test_accuracy", "held_out_accuracy", "raw_error"):
        assert found[name].notnull().all(), name
    main = found.sel(cell="main")
    assert (main["presented"] == 60).all() and main["parameters"] > 0 and main["passes"].max() == 2


def test_a_test_part_that_chooses_trains_the_same(store):
    main, chosen = store.sel(cell="main"), store.sel(cell="select/test")
    assert (main["train_loss"].dropna("epoch") == chosen["train_loss"].dropna("epoch")).all()


def test_few_traces_have_as_many_steps_and_wait_as_long():
    paper = OperatorSchedule(epochs=300, batch=64)
    whole, few = (schedule_of(Cell(traces=share), paper) for share in ("1", "0.4"))
    assert (whole.epochs, whole.plateau) == (300, Plateau(0.4, 4))
    assert (few.epochs, few.plateau) == (750, Plateau(0.4, 10))


def test_a_cosine_trains_otherwise_from_the_second_pass_on(store):
    main, cosine = (store["train_loss"].sel(cell=c) for c in ("main", "schedule/cosine"))
    same = (main == cosine).all("seed").values
    assert same[0] and not same[1]


def test_methods_take_turns(store):
    taken = store["seconds"].sel(cell="speed")
    known = taken.dropna("method", how="all")["method"].values
    assert {"serial", "batched", "operator", "operator_batched"} <= set(known)
    assert (taken.dropna("method", how="all") > 0).all() and store["serial_ratio"].notnull().any()
