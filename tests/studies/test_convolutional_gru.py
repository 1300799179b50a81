"""The study of convolutional GRUs: its cells, how they are matched, and what is recorded."""

from typing import get_args

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from hnnlib.datasets import registry
from hnnlib.studies.base import Context
from hnnlib.studies.collecting import joined
from hnnlib.studies.convolutional_gru import collecting, study
from hnnlib.studies.convolutional_gru.cells import MATCHES, GatedSettings, Model, cells, design

ARMS = (
    "main",
    "match",
    "layout",
    "minus",
    "share",
    "init",
    "readout",
    "validation",
    "events",
    "front",
)
TASK = {
    "dataset": "spoken_digits",
    "steps": 6,
    "hidden": 3,
    "models": ["cs_gru", "spik_gru", "conv_gru"],
    "share": 0.2,
    "jobs": 1,
    "schedule": {"epochs": 1, "batch": 64},
    "tuning": {"rates": [1e-2], "epochs": 1},
}
IMAGES = TASK | {
    "dataset": "digits",
    "samples": {"train": 64, "validation": 32, "test": 32},
    "models": ["cs_gru"],
}


def settings(task=TASK, **changes):
    return GatedSettings.model_validate({"seeds": [0, 1], "tasks": [task | changes]})


@pytest.fixture
def context(few, tmp_path, monkeypatch):
    load = registry.load
    known = {"spoken_digits": few}
    monkeypatch.setattr(registry, "load", lambda name: known.get(name) or load(name))
    return Context(tmp_path, say=lambda line: None)


def all_cells(**changes):
    task = settings(arms=ARMS, **changes).tasks[0]
    return [cell for model in get_args(Model) for cell in cells(model, task)]


@pytest.mark.parametrize("readout", ["flat", "mean"])
def test_names_differ_and_an_arm_changes_one_thing(readout):
    found = all_cells(readout=readout)
    assert len({cell.name for cell in found}) == len(found)
    main = {cell.model: cell for cell in found if cell.arm == "main"}
    for cell in found:
        plain = main[cell.model]
        changed = {k for k, v in vars(cell).items() if v != getattr(plain, k)} - {"arm"}
        if cell.minus == "convolution":
            changed -= {"layout", "match"}
        assert changed == ({cell.arm} if cell.arm != "main" else set()), cell.name


def test_dense_cells_are_matched_four_ways():
    found = {c.match: c for c in all_cells() if c.model == "spik_gru" and c.init == "coded"}
    assert tuple(found) == MATCHES
    full = design(all_cells()[0], (1, 8, 8), 20, 8, 12)
    dense = {match: design(cell, (1, 8, 8), 20, 8, 12) for match, cell in found.items()}
    assert 0.97 < dense["parameters"].parameters() / full.parameters() <= 1
    assert dense["neurons"].neurons == full.neurons == 512
    assert dense["channels"].hidden == 8
    assert 0.97 < dense["products"].products() / full.products() <= 1


def test_channels_are_merged_with_their_neighbours(few):
    merged = study.grouped(few, 64)
    assert merged.channels == 64 and merged.units.max() == 63
    assert (np.bincount(few.units[merged.units == 0], minlength=700)[11:] == 0).all()
    np.testing.assert_array_equal(merged.units, few.units * 64 // 700)


def test_channels_are_folded_in_reversed_order(few):
    turned = study.folded(few)
    assert turned.channels == 700
    np.testing.assert_array_equal(turned.units, 699 - few.units)


def test_images_are_averaged():
    data = registry.load("digits")
    small = study.pooled(data, 2)
    first = data.pixels(slice(0, 1))[0, 0, :2, :2].mean()
    assert small.images.shape[1:] == (1, 4, 4)
    assert small.images[0, 0, 0, 0] == pytest.approx(first)
    assert study.pooled(data, 1) is data


def test_a_job_records_what_the_claims_are_about(context):
    chosen = settings(arms=["main", "layout", "events", "front"])
    (group,) = study.STUDY.groups(chosen)
    runs = joined("convolutional_gru", {}, [study.STUDY.train(group, chosen, context)])
    for variable in runs.data_vars.values():
        assert {"units", "long_name"} <= set(variable.attrs), variable.name
    by_name = {name.removeprefix("spoken_digits/"): k for k, name in enumerate(runs.cell.values)}
    full, dense, twin = (runs.isel(cell=by_name[f"{m}/main"]) for m in TASK["models"])
    rate = full.spikes / (full.neurons * 6)
    np.testing.assert_allclose(full.spikes_per_neuron_step, rate)
    np.testing.assert_allclose(full.spikes_saved, 100 * (1 - full.spikes / dense.spikes))
    assert (dense.spikes_saved == 0).all() and twin.spikes_saved.isnull().all()
    assert (twin.spikes == 0).all() and (twin.largest_current <= 1).all()
    assert twin.multiply_accumulates.mean() > full.multiply_accumulates.mean() > 0
    assert full.trace.sel(state="s").isin([0, 1]).all()
    shuffled = runs.isel(cell=by_name["cs_gru/layout/shuffled"])
    assert (shuffled.train_loss != full.train_loss).all()
    counted = runs.isel(cell=by_name["cs_gru/events/counted"])
    assert (counted.train_loss != full.train_loss).all()
    folded = runs.isel(cell=by_name["cs_gru/front/strided"])
    assert folded.neurons == 25 * 3 and full.neurons == 64 * 3
    assert folded.trace.sel(state="s").isin([0, 1]).sum() == 3
    assert (full.selection_premium >= 0).all() and folded.selection_premium.isnull().all()
    weighted = [full.seen_accuracy, full.unseen_accuracy]
    low, high = np.minimum(*weighted), np.maximum(*weighted)
    assert ((low <= full.test_accuracy) & (full.test_accuracy <= high)).all()


def test_images_are_drawn_as_spikes(context):
    chosen = settings(IMAGES)
    (group,) = study.STUDY.groups(chosen)
    runs = study.STUDY.train(group, chosen, context)
    assert runs.unseen_accuracy.isnull().all() and runs.test_accuracy.notnull().all()
    again = study.STUDY.train(group, chosen, Context(context.checkpoints / "b", say=context.say))
    assert again.test_accuracy.equals(runs.test_accuracy)


def test_the_learning_rate_is_the_best_on_validation(context):
    tuning = {"rates": [1e-4, 3e-2], "epochs": 2, "seeds": [9]}
    job = study._Job(settings(tuning=tuning).tasks[0], (0,), context)
    rate, tried = job._tune("spik_gru")
    assert rate == 3e-2
    assert tried["tried_rate"][1].tolist() == [[1e-4, 3e-2]]


def test_tasks_with_different_numbers_of_rates_join(context):
    more = IMAGES | {"tuning": {"rates": [1e-3, 1e-2, 1e-1], "epochs": 1}}
    chosen = GatedSettings.model_validate({"seeds": [0], "tasks": [TASK, more]})
    groups = study.STUDY.groups(chosen)
    runs = [study.STUDY.train(group, chosen, context) for group in groups]
    tried = joined("convolutional_gru", {}, runs).tried_rate
    assert tried.notnull().sum("rate").values.tolist() == [1, 1, 1, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 60}, "square"),
        ({"arms": ["layout"]}, "add 'main'"),
        ({"models": ["lstm"]}, "cs_gru"),
        ({"tuning": {"rates": [1e-2], "seeds": [1], "epochs": 1}}, "seeds of their own"),
        ({"steps": 10_000, "hidden": 10_000}, "GiB"),
    ],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        settings(**changes)


def test_savings_are_against_the_same_data():
    made = xr.Dataset(
        {"spikes": (("cell", "seed"), [[30.0], [100.0], [20.0], [10.0], [0.0]])},
        {
            "dataset": ("cell", ["a", "a", "b", "b", "b"]),
            "model": ("cell", ["cs_gru", "spik_gru", "cs_gru", "spik_gru", "conv_gru"]),
            "arm": ("cell", ["main"] * 5),
            "share": ("cell", ["1", "1", "1", "1", "0"]),
        },
    )
    found = collecting.saved(made, "spikes", "spikes").values[:, 0]
    np.testing.assert_allclose(found, [70, 0, -100, 0, np.nan])
