"""The SHD study: its cells, what a model's arms share, what is recorded, and that a run can be cut
short.
"""

import json
from functools import partial

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from hnnlib import registration, store, studies
from hnnlib.networks.direct import MODELS
from hnnlib.studies import collecting, running
from hnnlib.studies.shd_ablations import study
from hnnlib.studies.shd_ablations.cells import RATIOS, Cell, ShdSettings, cells
from hnnlib.training.populations import in_pieces

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
    "reset_gradient",
    "choose",
    "rate",
    "validation",
    "constants",
)
TASK = {
    "dataset": "spoken_digits",
    "steps": 8,
    "units": 8,
    "models": ["hybrid"],
    "share": 0.2,
    "schedule": {"epochs": 2, "batch": 32},
    "tuning": {"rates": [1e-3, 5e-3], "seeds": [9], "epochs": 1},
}


def settings(seeds=(0, 1), **changes):
    return ShdSettings.model_validate({"seeds": seeds, "tasks": [TASK | changes]})


def test_names_of_cells_differ_and_the_main_one_comes_first():
    for model in MODELS:
        found = cells(model, ARMS)
        names = [cell.name for cell in found]
        assert len(set(names)) == len(names)
        assert found[0] == Cell(model)
        assert [c.arm for c in cells(model, ("main",))] == ["main"]


def test_an_arm_changes_one_thing():
    for cell in (c for model in MODELS for c in cells(model, ARMS)):
        plain = Cell(cell.model.replace("n2n_matched", "n2n_block"))
        changed = [k for k, v in vars(cell).items() if v != getattr(plain, k) and k != "arm"]
        assert len(changed) == (cell.arm != "main"), cell.name


def test_jobs_share_the_models_out():
    groups = study.STUDY.groups(settings(models=["snn", "nsn", "rnn"], jobs=2))
    assert sorted(model for models in groups.values() for model in models) == ["nsn", "rnn", "snn"]
    assert len(groups) == 2
    assert len(study.STUDY.groups(settings(models=["snn", "nsn", "rnn"]))) == 3


def test_a_job_depends_on_its_own_data_set_only():
    other = TASK | {"dataset": "randman_standard"}
    both = ShdSettings.model_validate({"seeds": [0], "tasks": [TASK, other]})
    group = next(iter(study.STUDY.groups(both)))
    alone = settings(seeds=[0])
    assert study.STUDY.relevant(both, group) == study.STUDY.relevant(alone, group)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"arms": ["size"]}, "add 'main'"), ({"models": ["cnn"]}, "snn"), ({"steps": 1}, "greater")],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        settings(**changes)
    with pytest.raises(ValidationError, match="tuned at 9, which the cells have"):
        settings(seeds=(0, 9))
    with pytest.raises(ValidationError, match="one task only"):
        ShdSettings.model_validate({"seeds": [0], "tasks": [TASK, TASK]})


def test_a_job_records_what_the_claims_are_about(context, few):
    runs = study.STUDY.train("spoken_digits_hybrid", settings(arms=["main", "refit"]), context)
    assert list(runs.cell.values) == [
        "spoken_digits/hybrid/main",
        "spoken_digits/hybrid/refit/all_speakers",
    ]
    main = runs.isel(cell=0)
    accuracy = main.speaker_accuracy.values
    who = few.speakers[few.test]
    counts = np.array([(who == one).sum() for one in main.speaker.values])
    heard = counts[None] * np.nan_to_num(accuracy)
    np.testing.assert_allclose(heard.sum(1) / counts.sum(), main.test_accuracy.values)
    unseen = np.isin(main.speaker.values, (4, 5))
    assert (main.speaker_recordings.values == counts).all()
    assert (main.speaker_unseen.values == unseen).all()
    np.testing.assert_allclose(
        heard[:, unseen].sum(1) / counts[unseen].sum(), main.unseen_accuracy.values
    )
    assert (main.selection_premium >= 0).all() and main.learning_rate.item() in (1e-3, 5e-3)
    assert main.tuning_loss.notnull().all()
    refit = runs.isel(cell=1)
    assert (refit.best_epoch == main.best_epoch).all()
    n_train = (~few.test).sum()
    # it was trained on what validates the others: no rule may choose a cell by that
    assert refit.validation_accuracy.isnull().all() and refit.validation_gap.isnull().all()
    assert refit.train_examples.item() == n_train > main.train_examples.item()
    for variable in runs.data_vars.values():
        assert {"units", "long_name"} <= set(variable.attrs), variable.name


def test_both_choices_of_the_epoch_come_from_one_training(context, tmp_path):
    task = {"schedule": {"epochs": 4, "batch": 32}, "arms": ["main", "choose"]}
    runs = study.STUDY.train("spoken_digits_hybrid", settings(**task), context)
    assert runs.choose.values.tolist() == ["loss", "accuracy"]
    assert len(list(tmp_path.glob("hybrid-*.npz"))) == 2  # tuning and main
    main, by_accuracy = (runs.isel(cell=k) for k in (0, 1))
    np.testing.assert_array_equal(main.validation_curve, by_accuracy.validation_curve)
    curve = by_accuracy.validation_curve.values
    np.testing.assert_array_equal(by_accuracy.best_epoch, curve.argmax(1))
    np.testing.assert_allclose(by_accuracy.validation_accuracy, curve.max(1))
    plain = settings(**task | {"arms": ["main"]})
    context.checkpoints = tmp_path / "again"
    alone = study.STUDY.train("spoken_digits_hybrid", plain, context).isel(cell=0)
    times = ["train_seconds", "tuning_loss", "tuning_seed", "tried_rate"]
    assert alone.drop_vars(times).identical(main.drop_vars(times))


@pytest.mark.parametrize("model", MODELS)
def test_the_gradient_of_the_reset_is_priced_where_units_are_graded(model):
    found = cells(model, ("main", "reset", "reset_gradient"))
    graded = model in ("nsn", "hybrid", "n2n_block")
    assert [c.arm for c in found] == ["main", *["reset", "reset_gradient"] * graded]


def test_the_learning_rate_is_the_best_on_validation(context):
    job = study._Job(settings().tasks[0], (0,), context)
    rate, table = job._tune("hybrid")
    losses = table.tuning_loss.values[0].mean(1)
    assert rate == table.tried_rate.values[losses.argmin()]


def test_ratios_trained_together_are_what_each_is_alone(context, tmp_path, monkeypatch):
    chosen = settings(arms=["main", "ratio", "reset"])
    together = study.STUDY.train("spoken_digits_hybrid", chosen, context)
    assert len(list(tmp_path.glob("hybrid-*.npz"))) == 4  # tuning, main, all ratios, reset
    ratio = together.isel(cell=together.arm.values == "ratio")
    assert tuple(ratio.ratio.values) == RATIOS
    assert len(set(ratio.train_seconds.values)) == 1
    assert len(set(ratio.spikes.mean("seed").values)) == len(RATIOS)
    monkeypatch.setattr(study, "in_pieces", partial(in_pieces, limit=1))  # no memory
    context.checkpoints = tmp_path / "alone"
    alone = study.STUDY.train("spoken_digits_hybrid", chosen, context)
    assert len(list(context.checkpoints.glob("hybrid-*.npz"))) == 7
    times = ["train_seconds"]
    xr.testing.assert_allclose(together.drop_vars(times), alone.drop_vars(times))


def test_a_population_goes_on_only_with_the_cells_it_began_with(context, tmp_path):
    job = study._Job(settings().tasks[0], (0,), context)
    ratios = cells("hybrid", ("ratio",))
    file = tmp_path / "hybrid-ratio-0.1.npz"

    def train(some):
        found = [
            measured
            for _, measured, _ in job._cells(some, job._network(some, (0,)), 1e-3, "", None)
        ]
        return found, file.read_bytes()

    (first, *_), kept = train(ratios)
    (again, *_), still = train(ratios)
    assert again.identical(first) and still == kept
    (alone,), other = train(ratios[:1])
    assert other != kept
    np.testing.assert_allclose(alone.train_loss, first.train_loss, rtol=1e-5)


def test_fractions_shrink_the_training_part_only(context):
    runs = study.STUDY.train("spoken_digits_hybrid", settings(arms=["main", "fraction"]), context)
    examples = runs.train_examples.values
    np.testing.assert_allclose(examples / examples[0], [1, 0.5, 0.25, 0.1], atol=0.02)


def test_a_run_is_written_and_collected(context, tmp_path):
    chosen = settings(seeds=(0,))
    out = tmp_path / "runs.nc"
    running.train_group(
        "shd_ablations",
        "spoken_digits_hybrid",
        chosen,
        scale="x",
        out=out,
        checkpoints=tmp_path / "c",
        progress=lambda line: None,
    )
    plain, groups = chosen.model_dump(mode="json"), studies.relevant("shd_ablations", chosen)
    collecting.collect("shd_ablations", plain, groups, [out], tmp_path / "store.nc")
    found = store.open(tmp_path / "store.nc")
    assert found.sizes["cell"] == 1
    assert found.attrs["summary_commit"] == found.attrs["git_commit"]
    stood = json.loads(found.attrs["claims_json"])
    assert stood == registration.claims("ramanathan_eberle_varol") and set(stood) >= {"C1", "C15"}
    data = json.loads(found.attrs["data_json"])
    assert "synthetic" in data["spoken_digits"]["note"]
