"""The study of delays: its cells, what its populations share, what is recorded, that a run can be
cut short.
"""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hnnlib import store
from hnnlib.studies.base import Context
from hnnlib.studies.collecting import joined
from hnnlib.studies.delays import study
from hnnlib.studies.delays.cells import Cell, DelaySettings, Switch, cells
from hnnlib.studies.delays.measures import register

TASK = {
    "dataset": "spoken_digits",
    "steps": 8,
    "pooled": 70,
    "units": {"small": 4, "large": 6},
    "orders": [2, 3],
    "controls": [3],
    "share": 0.2,
    "schedule": {"epochs": 2, "batch": 32},
}
TIMES = ["train_seconds", "step_seconds", "time_ratio"]


def settings(seeds=(0, 1), **changes):
    return DelaySettings.model_validate({"seeds": seeds, "tasks": [TASK | changes]})


def test_names_of_cells_differ_and_the_smallest_size_has_the_arms():
    found = cells(settings(arms=Switch.__args__).tasks[0])
    names = [cell.name for cell in found]
    assert len(set(names)) == len(names)
    assert found[0] == Cell("small")
    assert {cell.arm for cell in found if cell.size == "large"} == {"main"}
    assert {cell.arm for cell in found if cell.size == "small"} == set(Switch.__args__)


def test_lines_and_their_controls_are_one_population():
    found = cells(settings().tasks[0])
    together = [c for c in found if c.population == found[2].population]
    assert {c.line for c in together} == {"delay", "gain", "norm", "gain_norm", "gain_rms"}
    assert {(c.size, c.order) for c in together} == {("small", 3)}
    assert found[0].population != found[2].population


def test_a_job_depends_on_its_own_size_only():
    one = settings()
    other = settings(units={"small": 4, "large": 8})
    assert list(study.STUDY.groups(one)) == ["spoken_digits_small", "spoken_digits_large"]
    same, changed = (
        study.STUDY.relevant(one, group) == study.STUDY.relevant(other, group)
        for group in study.STUDY.groups(one)
    )
    assert same and not changed


def test_a_job_of_a_larger_size_trains_the_main_cells_only():
    chosen = settings(arms=["main", "neuron", "width"])
    trained = [
        cell
        for group in study.STUDY.groups(chosen)
        for cell in cells(study.STUDY.relevant(chosen, group).tasks[0])
    ]
    assert sorted(trained, key=str) == sorted(cells(chosen.tasks[0]), key=str)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ["init"]}, "add 'main'"),
        ({"units": {"vast": 9}}, "tiny"),
        ({"pooled": 0}, "greater"),
        ({"orders": [21], "steps": 20}, "sees no more than 20 steps"),
    ],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        settings(**changes)


def test_a_job_records_what_the_claims_are_about(context, tmp_path):
    arms = ["main", "neuron", "trained", "width", "mask_axis", "draw", "dcls", "legendre"]
    asked = settings(units={"small": 4}, arms=arms, lines=["gain_norm", "norm"])
    trained = study.STUDY.train("spoken_digits_small", asked, context)
    runs = joined("delays", {}, [trained])
    names = [f"spoken_digits/{cell.name}" for cell in cells(asked.tasks[0])]
    assert sorted(runs.cell.values) == sorted(names)
    assert not runs.diverged.any()
    at = runs.set_index(cell=["arm", "line", "order"]).sel
    none, line = (runs.isel(cell=k) for k in (0, 2))
    gain = line.test_accuracy - none.test_accuracy
    np.testing.assert_allclose(line.delay_gain, gain)
    control, norm = (at(cell=("main", kind, 3)) for kind in ("gain_norm", "norm"))
    np.testing.assert_allclose(norm.true_delay_gain, norm.test_accuracy - control.test_accuracy)
    assert line.true_delay_gain.isnull().all()  # taps at lag 0 without normalisation weren't run
    assert none.parameters + 2 * 3 * 4 == line.parameters
    wide = at(cell=("width", "none", 0)).parameters
    assert none.parameters < wide < line.parameters + 25  # half of what one more unit takes
    assert (runs.largest_difference.dropna("cell") < 1e-12).all()
    assert none.states == 1 and line.states == 4 and control.states == 1
    assert (runs.selection_premium >= 0).all()
    assert line.taps.dims == ("seed", "layer", "lag") and none.taps.isnull().all()
    np.testing.assert_allclose(runs.firing_rate[0], runs.spikes[0] / (2 * 4 * 8))
    store.write(runs, tmp_path / "delays.nc")


def test_arms_of_one_seed_see_the_data_in_one_order(context, monkeypatch):
    seen = {}
    original = study.loop.fit

    def fit(network, examples, parts, *rest, **more):
        seen[network.arms[0].kind] = parts
        return original(network, examples, parts, *rest, **more)

    monkeypatch.setattr(study.loop, "fit", fit)
    job = settings(units={"small": 4}, orders=[3], lines=["norm"])
    study.STUDY.train("spoken_digits_small", job, context)
    for mine, theirs in zip(seen["none"], seen["delay"], strict=True):
        assert torch.equal(mine, theirs[:2]) and torch.equal(mine, theirs[2:4])


def test_cut_short_a_job_ends_with_the_same_numbers(context, tmp_path, monkeypatch):
    job = settings(units={"small": 4}, orders=[3], arms=["main", "dcls", "mask_axis"])
    whole = study.STUDY.train("spoken_digits_small", job, Context(tmp_path / "a", say=print))
    monkeypatch.setattr("hnnlib.training.loop._SECONDS_BETWEEN_SAVES", -1)

    def interrupt(line):
        if "mask" in line or "1/2" in line:
            raise KeyboardInterrupt

    cut = Context(tmp_path / "b", say=interrupt)
    for _ in range(9):
        try:
            again = study.STUDY.train("spoken_digits_small", job, cut)
            break
        except KeyboardInterrupt:
            cut.say = print if _ > 3 else interrupt
    times = [name for name in TIMES if name in whole]
    assert again.drop_vars(times).identical(whole.drop_vars(times))


def test_the_register_holds_the_last_inputs():
    impulse, taps = torch.zeros(8, 1, 1, 1), torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1)
    impulse[3] = 1
    assert register(impulse, taps).flatten().tolist() == [0, 0, 0, 1, 2, 3, 4, 0]
