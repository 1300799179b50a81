"""The study of the operational manifold: its surfaces, its split into pieces, figures, notebook."""

import numpy as np
import pytest

from hnnlib import store
from hnnlib.__main__ import main
from hnnlib.analysis.manifold import REGIMES
from hnnlib.evidence import rules
from hnnlib.plotting import operational_manifold as draw
from hnnlib.plotting.operational_manifold.surfaces import surfaces
from hnnlib.studies import collecting
from hnnlib.studies.base import Context
from hnnlib.studies.operational_manifold.study import STUDY, FamilySettings, ManifoldSettings
from hnnlib.studies.operational_manifold.summary import summarise

GRID = {
    "tau": {"first": 1.5, "last": 5.0, "points": 2},
    "threshold": {"first": 0.01, "last": 3.0, "points": 3},
}
SMALL = {"tau": {"first": 5.0, "last": 5.0, "points": 1}, "threshold": GRID["threshold"]}
SAMPLES = {"train": 60, "validation": 30, "test": 40}
FAMILY = {
    "dataset": "digits",
    "width": 0.05,
    "steps": 3,
    "samples": SAMPLES,
    "schedule": {"epochs": 2, "batch": 20, "learning_rate": 1e-2},
}
MLP = {"network": "mlp", "arms": {"main": GRID, "control": GRID, "sigmoid": SMALL}} | FAMILY
CNN = {"network": "cnn", "jobs": 1, "arms": {"main": SMALL, "matched": SMALL}} | FAMILY
SETTINGS = ManifoldSettings.model_validate(
    {"seeds": [0, 1], "families": {"mlp_digits": MLP, "cnn_digits": CNN}}
)


def train(group, folder, settings=SETTINGS):
    return STUDY.train(group, settings, Context(folder, say=lambda line: None))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    return [train(group, folder) for group in STUDY.groups(SETTINGS)]


def joined(settings, runs):
    return collecting.joined("operational_manifold", settings.model_dump(mode="json"), runs)


@pytest.fixture(scope="module")
def whole(runs):
    return joined(SETTINGS, runs[::-1])


def test_jobs_are_named_after_family_and_seeds_and_depend_on_nothing_else():
    groups = STUDY.groups(SETTINGS)
    assert list(groups) == ["mlp_digits_seed0", "mlp_digits_seed1", "cnn_digits_seed0_and_1"]
    some = STUDY.relevant(SETTINGS, "mlp_digits_seed1")
    assert some.seeds == (1,) and list(some.families) == ["mlp_digits"]
    assert STUDY.relevant(SETTINGS, "cnn_digits_seed0_and_1").seeds == (0, 1)


def test_how_many_jobs_share_the_seeds_changes_no_number(whole, tmp_path):
    family = SETTINGS.families["cnn_digits"].model_copy(update={"jobs": None})
    alone = SETTINGS.model_copy(update={"families": {"cnn_digits": family}})
    second = train("cnn_digits_seed1", tmp_path, alone)
    for name in ("grid_accuracy", "layer_spikes"):
        together = whole[name].sel(cell=second["cell"], seed=[1])
        some = {axis: slice(second.sizes[axis]) for axis in ("tau", "threshold", "layer")}
        there = {axis: cut for axis, cut in some.items() if axis in together.dims}
        np.testing.assert_array_equal(together.isel(there), second[name])


def test_a_family_with_seeds_of_its_own_counts_no_other_seed(tmp_path):
    pair = {"tau": GRID["tau"], "threshold": {"first": 0.01, "last": 1.5, "points": 2}}
    more = {"network": "mlp", "seeds": [1, 2, 3], "arms": {"lowest": pair}} | FAMILY
    families = {"mlp_digits": MLP, "mlp_digits_lowest": more}
    settings = ManifoldSettings.model_validate({"seeds": [0, 1], "families": families})
    groups = STUDY.groups(settings)
    assert [name for name in groups if "lowest" in name] == [
        "mlp_digits_lowest_seed1",
        "mlp_digits_lowest_seed2",
        "mlp_digits_lowest_seed3",
    ]
    alone = STUDY.relevant(settings, "mlp_digits_lowest_seed2")
    assert list(STUDY.groups(alone)) == ["mlp_digits_lowest_seed2"]
    found = joined(settings, [train(group, tmp_path, settings) for group in groups])
    assert found["seed"].values.tolist() == [0, 1, 2, 3]
    trained = found["diverged"].notnull().sum("seed")
    for name in ("low_threshold_loss", "share_silent", "test_accuracy", "train_seconds"):
        np.testing.assert_array_equal(found[name].notnull().sum("seed"), trained)
    assert draw.count_seeds(found) == "2 seeds, lowest 3"
    assert draw.count_seeds(found.isel(cell=found["arm"].values == "lowest")) == "3 seeds"
    select = {"network": "mlp", "arm": "lowest"}
    verdict = rules.bound(found, [select], variable="low_threshold_loss", value=2.0, sense="below")
    (compared,) = verdict.comparisons
    assert (compared.n, compared.left_out) == (3, 0)
    (main,) = surfaces(found, "main")
    regimes = main.regimes()
    assert np.isin(regimes, range(len(REGIMES))).all() and regimes.shape == (2, 3)


def test_every_arm_is_a_surface_with_axes_of_its_own(whole):
    assert whole["cell"].values.tolist() == [
        "mlp_digits/main",
        "mlp_digits/control",
        "mlp_digits/sigmoid",
        "cnn_digits/main",
        "cnn_digits/matched",
    ]
    assert whole["seed"].values.tolist() == [0, 1]
    one = whole.sel(cell="mlp_digits/sigmoid")
    assert np.isfinite(one["grid_accuracy"]).sum() == 2 * 3
    assert one["tau_value"].values[0] == 5 and np.isnan(one["tau_value"].values[1])
    assert whole.sel(cell="cnn_digits/matched")["network"] == "mlp"
    assert (whole.sel(cell="mlp_digits/control")["grid_spikes"].isnull()).all()


def test_variables_carry_units_and_names(whole):
    for name, variable in whole.data_vars.items():
        assert variable.attrs.get("long_name") and variable.attrs.get("units"), name


def test_spikes_of_layers_add_up_and_thresholds_silence(whole):
    spiking = whole.sel(cell="mlp_digits/main")
    total = spiking["layer_spikes"].sum("layer")
    np.testing.assert_allclose(total, spiking["grid_spikes"])
    lowest, highest = (spiking["grid_spikes"].isel(threshold=k) for k in (0, 2))
    assert (lowest > highest).all()
    assert (spiking["grid_regime"].isel(threshold=2) == 0).all()
    shares = sum(whole[f"share_{name}"] for name in REGIMES)
    np.testing.assert_allclose(shares, 1)


def test_validation_chooses_the_points_that_are_compared(whole):
    changed = whole.copy(deep=True)
    main = {"cell": "mlp_digits/main", "seed": 0}
    changed["grid_accuracy"].loc[main] = [[0.5, 0.9, 0.1], [0.3, 0.8, 0.1]]
    changed["grid_validation"].loc[main] = [[0.2, 0.6, 0.1], [0.4, 0.7, 0.1]]
    changed["grid_spikes"].loc[main] = [[90, 60, 0], [80, 50, 0]]
    found = summarise(changed).sel(main)
    assert found["test_accuracy"] == 0.8
    assert found["low_threshold_loss"] == pytest.approx(0.8 - 0.3)
    assert found["saving"] == 1


def test_curves_are_those_of_the_chosen_point_and_of_the_whole_grid(whole):
    for cell in whole["cell"].values:
        one = whole.sel(cell=cell)
        for seed in one["seed"].values:
            curves = one["grid_curve"].sel(seed=seed)
            chosen = one["grid_validation"].sel(seed=seed)
            best = chosen.where(chosen == chosen.max()).argmax(("tau", "threshold"))
            found = one["validation_curve"].sel(seed=seed)
            np.testing.assert_array_equal(found, curves.isel(best))
            assert float(found.max()) == pytest.approx(float(chosen.max()), rel=1e-6)
            mean = curves.mean(("tau", "threshold"))
            np.testing.assert_allclose(one["surface_curve"].sel(seed=seed), mean, rtol=1e-6)


def test_regimes_front_and_efficient_point_are_the_choice_of_validation(whole):
    changed, main = whole.copy(deep=True), {"cell": "mlp_digits/main", "seed": 0}
    # test accuracy would choose the second threshold everywhere, validation the first
    changed["grid_accuracy"].loc[main] = [[0.7, 0.9, 0.1], [0.6, 0.8, 0.1]]
    changed["grid_validation"].loc[main] = [[0.9, 0.5, 0.1], [0.89, 0.4, 0.1]]
    changed["grid_spikes"].loc[main] = [[20, 20, 0], [10, 10, 0]]
    changed["grid_rate"].loc[main] = 0.1
    changed["layer_spikes"].loc[main] = 1.0
    changed["grid_top_answer_share"].loc[main] = [[0.2, 0.2, 0.2], [0.2, 1.0, 0.2]]
    found = summarise(changed).sel(main)
    assert found["grid_regime"].values.tolist() == [[2, 1, 0], [2, 0, 0]]
    assert found["grid_front"].values.tolist() == [[1, 0, 0], [1, 0, 0]]
    assert (found["efficient_accuracy"], found["efficient_spikes"]) == (0.6, 10)
    assert found["efficiency"] == found["grid_efficiency"][1, 0] == pytest.approx(600)
    assert (found["knee_accuracy"], found["share_silent"]) == (0.6, 0.5)


def test_a_constant_network_is_silent_and_old_stores_cannot_tell(whole):
    changed = whole.copy(deep=True)
    control = {"cell": "mlp_digits/control", "seed": 0}
    changed["grid_validation"].loc[control] = 0.118
    changed["grid_accuracy"].loc[control] = 0.118
    changed["grid_rate"].loc[control] = 0.1
    changed["grid_top_answer_share"].loc[control] = 1.0
    assert (summarise(changed)["share_silent"].sel(control)) == 1
    old = summarise(changed.drop_vars("grid_top_answer_share"))
    assert old["share_silent"].sel(control) == 0


def test_answers_of_every_network_are_recorded(whole):
    share = whole["grid_top_answer_share"]
    there = whole["grid_accuracy"].notnull()
    assert (share.notnull() == there).all()
    assert ((share >= 0.1) & (share <= 1)).where(there, True).all()
    # without a spike, all outputs are 0 and the first class wins
    silent = whole.sel(cell="mlp_digits/main", threshold=2)
    assert (share.sel(cell="mlp_digits/main", threshold=2) == 1).all()
    assert (silent["grid_dead_outputs"] == 10).all() and (silent["grid_tie_rate"] == 1).all()


def test_summaries_of_a_store_can_be_computed_anew(whole, tmp_path):
    path = tmp_path / "store.nc"
    facts = {"study": "operational_manifold", "schema_version": 1, "git_commit": "trained"}
    wrong = whole.assign(efficiency=whole["efficiency"] * 0).assign_attrs(**facts)
    store.write(wrong, path)
    assert main(["summarise", str(path)]) == 0
    again = store.open(path)
    assert again.drop_attrs(deep=False).identical(whole.drop_attrs(deep=False))
    assert again.attrs["git_commit"] == "trained" and again.attrs["summary_commit"]


def test_a_members_result_does_not_depend_on_how_the_grid_is_split(runs, tmp_path, monkeypatch):
    def two_by_two(members, *_):
        return [slice(k, min(k + 2, members)) for k in range(0, members, 2)]

    monkeypatch.setattr("hnnlib.training.populations.chunks", two_by_two)
    pieces = train("mlp_digits_seed0", tmp_path)
    for name in ("grid_accuracy", "grid_validation", "layer_spikes", "grid_tie_rate"):
        np.testing.assert_allclose(pieces[name], runs[0][name], rtol=1e-6)


def test_an_interrupted_job_goes_on_to_the_same_numbers(runs, tmp_path):
    short = SETTINGS.model_copy(deep=True)
    first = train("mlp_digits_seed1", tmp_path, short)
    again = train("mlp_digits_seed1", tmp_path, short)
    assert first.drop_vars("train_seconds").identical(again.drop_vars("train_seconds"))


@pytest.mark.parametrize(
    ("key", "wrong", "words"),
    [
        ("arms", {"control": GRID}, "add 'main'"),
        ("arms", {"main": GRID, "control": SMALL}, "'control' is compared with 'main' point by p"),
        ("arms", {"main": GRID, "matched": SMALL}, "give it the same grid"),
        ("arms", {"main": GRID | {"tau": {"first": 1.0, "last": 2.0, "points": 2}}}, "above 1"),
    ],
)
def test_settings_refuse_what_cannot_be(key, wrong, words):
    with pytest.raises(ValueError, match=words):
        FamilySettings.model_validate(MLP | {key: wrong})


def test_figures_have_a_panel_for_every_surface(whole):
    printed = [("digits", "mlp", "paper", 100.0, 90.0)]
    for fig, panels in (
        (draw.maps(whole, "accuracy"), 2),
        (draw.maps(whole, "spikes"), 2),
        (draw.control(whole), 2),
        (draw.pareto(whole, printed), 2),
        (draw.surrogates(whole), 2),
    ):
        titles = [ax for ax in fig.axes if ax.get_title(loc="left")]
        assert len(titles) == panels
