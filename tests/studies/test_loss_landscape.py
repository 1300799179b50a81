"""The study of loss landscapes: what it measures is the true loss of the networks it trained, the
same examples for all, once.
"""

from typing import get_args

import numpy as np
import pytest
import torch

from hnnlib import engines
from hnnlib.networks.direct import Design, DirectNetwork
from hnnlib.studies.base import Context
from hnnlib.studies.collecting import joined
from hnnlib.studies.loss_landscape import measures, study
from hnnlib.studies.loss_landscape.study import STUDY, LandscapeSettings, cells
from hnnlib.training.tasks import cross_entropy

SETTINGS = LandscapeSettings.model_validate(
    {
        "seeds": [0, 1],
        "tasks": [
            {
                "dataset": "randman_500_parameters",
                "units": 6,
                "steps": 20,
                "window": 0.1,
                "validation": "random",
                "validation_share": 0.25,
                "models": ["snn", "nsn", "hybrid"],
                "schedule": {"epochs": 1, "batch": 400, "learning_rate": 0.02},
                "arms": ["main", "ratio"],
                "measures": {
                    "examples": 24,
                    "directions": 2,
                    "finest": 5,
                    "map_points": 3,
                    "rhos": [0.05, 0.2],
                    "relative_rhos": [0.02],
                    "radii": [0.05],
                    "perturbations": 2,
                    "subspaces": [2],
                    "extents": [0.5],
                    "replicates": 1,
                    "density": 8,
                    "box": 16,
                    "curvature": 1,
                },
            }
        ],
    }
)
TASK = SETTINGS.tasks[0]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    # eager: what is tested here would wait for kernels to compile
    folder, engine = tmp_path_factory.mktemp("checkpoints"), engines.get("eager")
    return Context(folder, engine=engine, say=lambda line: None)


@pytest.fixture(scope="module")
def found(context):
    return STUDY.train("randman_500_parameters_main", SETTINGS, context)


def test_jobs_are_the_arms_of_each_data_set():
    assert list(STUDY.groups(SETTINGS)) == [
        "randman_500_parameters_main",
        "randman_500_parameters_ratio",
    ]
    assert STUDY.datasets(SETTINGS) == ["randman_500_parameters"]


def test_cells_have_names_of_their_own():
    arms = get_args(study.Arm)
    every = [cell.name for arm in arms for cell in cells(study.MODELS, arm)]
    assert len(set(every)) == len(every)
    assert cells(("snn", "rnn"), "sam")[0].name == "snn/sam/0.02"


def test_one_arm_more_does_not_train_another_again():
    fewer = SETTINGS.model_copy(update={"tasks": (TASK.model_copy(update={"arms": ("main",)}),)})
    group = "randman_500_parameters_main"
    assert STUDY.relevant(SETTINGS, group) == STUDY.relevant(fewer, group)


def test_variables_carry_units_and_names(found):
    for name, variable in found.data_vars.items():
        assert variable.attrs.get("long_name") and variable.attrs.get("units"), name
    assert set(found["arm"].values) == {"main"} and set(found["rho"].values) == {"0"}


def test_every_measure_has_a_number_for_every_run(found):
    # the six spiking units of a first epoch may be silent, and a flat loss has no shape
    shapes = {"relative_roughness", "roughness_slope", "features", "box_features"}
    for name, variable in found.sel(cell=found["model"] != "snn").data_vars.items():
        if name not in shapes and not name.startswith("walk_eps"):
            assert np.isfinite(variable).all(), name
    assert np.isfinite(found["roughness"]).all()


def test_the_middle_of_a_line_and_of_a_map_is_the_trained_network(found):
    centre = found["measured_loss"]
    line = found["line"].sel(place=0.0)
    assert np.allclose(line, centre.expand_dims(direction=2, axis=2), atol=1e-5)
    for name in ("map_filter", "map_pca"):
        assert np.allclose(found[name].sel(first=0, second=0), centre.isel(seed=0), atol=1e-5)


def test_the_scalar_is_the_curve_at_the_stated_step(found):
    assert (found["roughness"] == found["roughness_by_scale"].sel(scale=2.0**-5)).all()
    assert (found["sam_rise"] == found["sam_rise_by_radius"].sel(radius=0.05)).all()


def test_all_seeds_trained_on_the_examples_that_are_measured(context):
    job = study._Job(TASK, "main", SETTINGS.seeds, context)
    rows = job._examples()[0]
    assert len(rows) == len(rows.unique()) == TASK.measures.examples
    for trained in job.parts.train:
        assert torch.isin(rows, trained).all()


def test_the_loss_of_a_population_is_that_of_its_networks(context):
    job = study._Job(TASK, "main", SETTINGS.seeds, context)
    design = Design("hybrid", 6, 20, 0.5, 0.005)
    loss = measures.TrainLoss(design, job.inputs, job.labels, 2, engines.get("eager"))
    network = DirectNetwork(3, 2, design, (5, 6, 7), engines.get("eager"))
    together = loss(dict(network.named_parameters()))
    expected = cross_entropy(network(job.inputs), job.labels.expand(3, -1))
    torch.testing.assert_close(together, expected)
    alone = loss({name: p[1:2] for name, p in network.named_parameters()})
    torch.testing.assert_close(alone, together[1:2])


def test_what_was_measured_is_not_measured_again(found, context, monkeypatch):
    monkeypatch.setattr(measures, "measure", None)
    again = STUDY.train("randman_500_parameters_main", SETTINGS, context)
    assert found.drop_vars("train_seconds").identical(again.drop_vars("train_seconds"))


def test_arms_join_the_main_cells(found, context, monkeypatch):
    monkeypatch.setattr(study, "RATIOS", ("0.25",))
    ratio = STUDY.train("randman_500_parameters_ratio", SETTINGS, context)
    assert "map_pca" not in ratio and "features" not in ratio
    whole = joined("loss_landscape", {}, [ratio, found])
    assert list(whole["arm"].values) == ["main"] * 3 + ["ratio"]
    assert np.isfinite(whole["roughness"]).all()
    assert np.isnan(whole["roughness_pca"].isel(cell=-1)).all()
    assert (whole["scale"].values == found["scale"].values).all()


def test_a_run_that_diverged_has_no_landscape(found):
    run = found.isel(cell=[0])[["diverged"]].copy(deep=True)
    run["diverged"][0, 1] = 1
    array = np.ones((2, 3))
    lost = study._dataset(measures.Measured({"line": array}, {"line": ("place",)}, {}), run)
    assert np.isnan(lost["line"][0, 1]).all() and (lost["line"][0, 0] == 1).all()


def test_stated_radii_must_be_measured():
    some = SETTINGS.model_dump(mode="json")
    some["tasks"][0]["measures"]["rhos"] = [0.1]
    with pytest.raises(ValueError, match=r"rhos must hold 0\.05"):
        LandscapeSettings.model_validate(some)
    some = SETTINGS.model_dump(mode="json")
    some["tasks"][0]["arms"] = ["sam"]
    with pytest.raises(ValueError, match="add 'main'"):
        LandscapeSettings.model_validate(some)
