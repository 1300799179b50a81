"""The study: cells are what is asked for, switches change one thing, exact facts are exact."""

import numpy as np
import pytest

from hnnlib import engines
from hnnlib.codings.bit_planes import BitPlanes
from hnnlib.studies.base import Context
from hnnlib.studies.bit_plane_coding.cells import SWITCHES, BitPlaneSettings, cells
from hnnlib.studies.bit_plane_coding.study import STUDY
from hnnlib.studies.collecting import joined

TASK = {
    "dataset": "digits",
    "base": 2,
    "depth": 2,
    "head": [4],
    "samples": {"train": 100, "validation": 40, "test": 40},
    "schedule": {"epochs": 1, "batch": 50, "learning_rate": 4e-3},
    "controls": ["graded", "graded_wide", "spiking_wide"],
    "serial": {"plain": ["blocked", "ste"]},
    "fusion": {"rescaled": ["fourier_half"], "switches": list(SWITCHES)},
    "residual": ["graded", "fusion"],
}
SETTINGS = BitPlaneSettings.model_validate({"seeds": [0, 1], "tasks": [TASK]})


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    context = Context(tmp_path_factory.mktemp("c"), engine=engines.get("eager"), say=lambda _: None)
    runs = [STUDY.train(group, SETTINGS, context) for group in STUDY.groups(SETTINGS)]
    return joined("bit_plane_coding", {}, runs)


def one(found, **where):
    keep = np.logical_and.reduce([found[key] == value for key, value in where.items()])
    (cell,) = np.flatnonzero(keep)
    return found.isel(cell=cell)


def test_a_switch_turns_one_thing_and_public_all_but_the_way_to_mend_one():
    known = {cell.arm: cell for cell in cells(SETTINGS.tasks[0]) if cell.branches == "fusion"}
    main, residual = known.pop("main"), known.pop("residual")
    assert {k for k in vars(main) if getattr(residual, k) != getattr(main, k)} == {"arm"}
    assert main.coding() == BitPlanes()  # the authors' derivative, corrected
    for arm, changes in SWITCHES.items():
        differs = {k for k in vars(main) if getattr(known[arm], k) != getattr(main, k)}
        assert differs == {"arm", *changes}
        assert len(changes) == (6 if arm == "public" else 1)
    assert known["public"].range == "batch"


def test_cells_are_unique_and_carry_units(found):
    assert len(set(found.cell.values)) == found.sizes["cell"]
    for name, variable in found.data_vars.items():
        assert variable.attrs.get("long_name") and variable.attrs.get("units"), name


def test_networks_of_other_blocks_stand_in_one_store(found):
    blocks = {
        arm: one(found, branches="fusion", derivative="fourier_half", rescale="on", arm=arm)
        .gradient_end.notnull()
        .all("seed")
        .sum()
        for arm in ("main", "residual")
    }
    assert blocks == {"main": 3, "residual": 9}


def test_controls_have_the_parameters_of_fusion(found):
    fusion = one(found, branches="fusion", arm="main").parameters.item()
    for branches in ("graded", "spiking"):
        assert one(found, branches=branches, arm="wide").parameters == pytest.approx(
            fusion, rel=0.1
        )


def test_no_gradient_reaches_what_lies_behind_a_blocked_encoder(found):
    blocked = one(found, branches="spiking", derivative="blocked").dropna("block")
    for name in ("gradient_start", "gradient_end"):
        assert (blocked[name][:, :-1] == 0).all() and (blocked[name][:, -1] > 0).all()
    through = one(found, branches="spiking", derivative="ste").gradient_start
    assert (through.dropna("block") > 0).all()


def test_answers_depend_on_the_batch_by_no_rule_but_the_public_one(found):
    trained = found.isel(cell=(found.dataset == "digits").values)
    apart = trained.isel(cell=(trained.range != "batch").values)
    assert (apart.batch_flips == 0).all()


def test_shares_of_values_sum_to_one(found):
    trained = found.isel(cell=(found.dataset == "digits").values)
    shares = trained.encoder_values.sum("value", min_count=1)
    assert (shares.notnull() == trained.gradient_end.notnull().all("seed")).all()
    np.testing.assert_allclose(shares.fillna(1), 1)


def test_exact_facts(found):
    coding = {"arm": "coding", "rounding": "on"}
    corrected, public = (one(found, order=o, **coding) for o in ("corrected", "public"))
    assert corrected.largest_error == pytest.approx(1 / 510)
    assert corrected.largest_error_of_bytes < 1e-12
    assert public.largest_error_of_bytes == pytest.approx((240 - 15) / 255)
    for rescale in ("off", "on"):
        assert one(found, arm="encoder", derivative="fourier", rescale=rescale).spread_error < 1e-9
    fourier, ste, exact = (
        one(found, arm="encoder", derivative=d, rescale="off")
        for d in ("fourier", "ste", "neighbour")
    )
    assert fourier.spread_ratio == pytest.approx(128)
    assert fourier.together_negative == pytest.approx(0.43, abs=0.005)
    assert ste.together_mean == pytest.approx(1) and exact.together_mean == 1
    half = one(found, arm="encoder", derivative="fourier_half", rescale="off")
    assert half.together_mean - fourier.together_mean == pytest.approx(127.5)
