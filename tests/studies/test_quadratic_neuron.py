"""The study of quadratic neurons: its cells, what is known exactly, its figures, its notebook."""

import numpy as np
import pytest
import torch

from hnnlib.analysis import cells as look_up
from hnnlib.plotting import quadratic_neuron as draw
from hnnlib.studies.base import Context
from hnnlib.studies.collecting import joined
from hnnlib.studies.quadratic_neuron.cells import Cell, QuadraticSettings, cells, neurons
from hnnlib.studies.quadratic_neuron.collecting import summarise
from hnnlib.studies.quadratic_neuron.exact import facts
from hnnlib.studies.quadratic_neuron.study import STUDY

TASK = {
    "dataset": "digits",
    "convolutions": 2,
    "width": 0.25,
    "samples": {"train": 60, "validation": 40, "test": 40},
    "schedule": {"epochs": 2, "batch": 20, "learning_rate": 1e-2},
    "lif": {"leaks": [0.25, 0.5], "sigmas": [0.5]},
    "qif": {"leaks": [0.25, 1.0], "sigmas": [0.5]},
    "windows": ["two_step", 0.25],
    "arms": ["reading", "clamp", "u2", "window", "height", "tracked", "first", "loss", "steps"],
    "jobs": 1,
}
SETTINGS = QuadraticSettings.model_validate({"seeds": [0, 1, 2], "tasks": [TASK]})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    context = Context(tmp_path_factory.mktemp("checkpoints"), say=lambda line: None)
    groups = STUDY.groups(SETTINGS)
    runs = [STUDY.train(g, STUDY.relevant(SETTINGS, g), context) for g in groups]
    return joined("quadratic_neuron", {}, runs)


def test_a_job_depends_on_its_own_data_and_what_is_exact_on_none():
    more = {"tasks": [TASK, TASK | {"dataset": "cluttered_digits"}]}
    both = QuadraticSettings.model_validate(SETTINGS.model_dump() | more)
    assert list(STUDY.groups(both)) == ["exact", "digits_1", "cluttered_digits_1"]
    assert STUDY.datasets(STUDY.relevant(both, "digits_1")) == ["digits"]
    assert STUDY.datasets(STUDY.relevant(both, "exact")) == []


def test_a_choice_changes_one_thing_at_the_default_point():
    found = cells(SETTINGS.tasks[0])
    assert len({cell.name for cell in found}) == len(found)
    main = {"qif": Cell("qif", 0.25), "lif": Cell("lif", 0.5)}
    for cell in (cell for cell in found if cell.arm not in ("plane", "height")):
        own, default = cell.labels(), main[cell.neuron].labels()
        assert len([key for key in own if own[key] != default[key]]) == 2, cell  # and its arm
    of_the_map = [cell for cell in found if cell.arm in ("reading", "clamp", "u2")]
    assert {cell.neuron for cell in of_the_map} == {"qif"}


def test_both_neurons_have_as_many_candidates(whole):
    best = look_up.select(whole, arm="best")
    assert best["candidates"].values.tolist() == [4, 4]


def test_neurons_of_a_population_are_those_of_its_cells():
    together = [Cell("qif", 0.25), Cell("qif", 1.0, window="0.25", u2=1.0)]
    both = neurons(together, torch.tensor([0.5, 0.5], dtype=torch.float64))
    widths = both.surrogate.half_width.flatten()
    assert widths.tolist() == pytest.approx([0.4492188**0.5, 0.25])
    assert both.map.slope.flatten().tolist() == [0.875, 0.0]


def test_shaped_windows_are_as_wide_as_the_computed_one():
    sigma = torch.tensor([0.5, 0.5], dtype=torch.float64)
    found = [Cell("qif", 0.25, window=rule) for rule in ("centred", "two_step")]
    both, bell = neurons(found, sigma), neurons([Cell("qif", 0.25, window="gaussian")], sigma[:1])
    width = 0.4492188**0.5
    assert both.surrogate.half_width.flatten().tolist() == pytest.approx([width, width])
    assert both.surrogate.centre.flatten().tolist() == pytest.approx([0.0625 - 1, 0])
    assert bell.surrogate.sigma.item() == pytest.approx(width)


def test_what_is_exact():
    found = facts(100_000)
    euler = look_up.select(found, neuron="qif", reading="euler")
    assert (euler["fixed_point_error"] < 1e-12).all() and (euler["slope_error"] < 1e-12).all()
    assert (look_up.select(found, reading="product", neuron="qif")["fixed_point_error"] > 0.1).all()
    small = look_up.select(found, sigma=0.25)
    assert (small["moment_error"] < 0.02).all()
    assert look_up.one(euler, leak=0.25, sigma=0.5)["escape"].item() == 4
    assert not [name for name in found.data_vars if "seed" in found[name].dims]


def test_summaries_are_those_of_the_plane_and_can_be_made_anew(whole):
    plane = look_up.select(whole, arm="plane", neuron="qif", window="two_step")
    lowest = look_up.one(whole, arm="lowest", neuron="qif", window="two_step")
    assert lowest["points"] == 2
    np.testing.assert_allclose(lowest["lowest_accuracy"], plane["test_accuracy"].min("cell"))
    best = look_up.one(whole, arm="best", neuron="lif")
    candidates = look_up.select(whole, arm="plane", neuron="lif")
    means = candidates["validation_accuracy"].mean("seed")
    assert best["validation_accuracy"].mean("seed") == means.max()
    single = whole["train_seconds"].notnull()  # cells that were trained themselves
    assert look_up.select(whole, arm="count")["members"].sum() == 3 * single.sum()
    again = summarise(whole)
    assert again["cell"].values.tolist() == whole["cell"].values.tolist()
    np.testing.assert_allclose(again["lowest_accuracy"], whole["lowest_accuracy"])


def test_a_plane_with_a_network_that_diverged_has_no_lowest_accuracy_at_its_seed(whole):
    store, name = whole.copy(deep=True), look_up.select(whole, arm="plane")["cell"].values[0]
    store["test_accuracy"].loc[{"cell": name, "seed": 1}] = np.nan
    store["diverged"].loc[{"cell": name, "seed": 1}] = 1
    found = summarise(store)
    lowest = look_up.one(found, arm="lowest", neuron="lif", window="two_step")
    assert np.isnan(lowest["lowest_accuracy"]).values.tolist() == [False, True, False]
    assert look_up.select(found, arm="count")["diverged_members"].sum() == 1


def test_a_single_point_is_no_plane_and_its_store_says_so(whole):
    plane = look_up.select(whole, arm="plane", neuron="qif")
    trained = plane.isel(cell=(plane["leak"] == plane["leak"][0]).values)
    found = summarise(trained.drop_vars(["lowest_accuracy", "spread_accuracy", "points"]))
    assert "lowest" not in found["arm"].values and found["lowest_accuracy"].isnull().all()


def test_drives_start_at_sigma_and_drift(whole):
    cell = look_up.one(whole, arm="plane", neuron="qif", leak=0.25, window="two_step")
    drift = cell["sigma_by_layer"].values
    np.testing.assert_allclose(drift[:, 0], 0.5, rtol=1e-6)
    assert (drift[:, -1] != 0.5).all()


def test_settings_refuse_what_cannot_be_compared():
    with pytest.raises(ValueError, match="a data set stands in one task only"):
        QuadraticSettings.model_validate({"seeds": [0], "tasks": [TASK, TASK]})
    with pytest.raises(ValueError, match="add two_step"):
        QuadraticSettings.model_validate({"seeds": [0], "tasks": [TASK | {"windows": [1.0]}]})


def test_figures_name_what_they_show(whole):
    assert len(draw.cobwebs().axes) == len(draw.responses().axes) == 4
    panels = [ax.get_title(loc="left") for part in draw.planes(whole).subfigs for ax in part.axes]
    assert panels == ["two steps", "fixed 0.25"] * 2
    groups = [text.get_text() for text in draw.choices(whole).axes[0].texts]
    assert "window tracks the drive" in groups and "2 steps (not 4)" in groups
    above, below = draw.printed(whole, [("QIF", 96.0)], [("others", 95.0), ("more", 94.0)]).axes
    assert len(above.get_yticks()) == 3 and len(below.get_yticks()) == 2
