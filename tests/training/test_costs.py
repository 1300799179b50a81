"""What a training cost: examples presented, and variables that mean the same in every store."""

import pytest
import torch
from small_tasks import Line, Slope, fit, stop_behind

from hnnlib.training import measurement, scoring
from hnnlib.training.examples import Parts
from hnnlib.training.tasks import Classification

BY_LOSS = {"task": Classification(choose="loss")}
TRAINED = 50  # rows of the training part


class Costed(Slope):
    """A slope that knows its costs: two products an example."""

    def products(self):
        return 2.0

    def graded_products(self):
        return 2.0

    def parameter_count(self):
        return 2

    def synaptic_operations(self, activity):
        return torch.zeros_like(activity.outputs[..., 0])


def test_every_epoch_presents_every_row_once_the_last_batch_too(tmp_path):
    assert fit(tmp_path, Slope(2), Line(), batch=16).presented.tolist() == [6 * TRAINED] * 2


def test_sharpness_aware_training_presents_twice(tmp_path):
    assert fit(tmp_path, Slope(1), Line(), sharpness=0.1).presented.item() == 2 * 6 * TRAINED


def test_a_member_that_stops_is_charged_until_then(tmp_path):
    options = {"learning_rate": (0.0, 0.03), "epochs": 30, "patience": 3}
    found = fit(tmp_path, Slope(2), Line(), more=BY_LOSS, **options)
    assert found.presented[0] == 4 * TRAINED  # epoch 0 is its best, three more are waited for
    ran = min(30, int(found.best_epoch[1]) + 4)
    assert found.presented[1] == ran * TRAINED
    assert found.of(slice(1, 2)).presented.tolist() == [ran * TRAINED]
    alone = fit(tmp_path, Slope(1), Line(), "b", more=BY_LOSS, **options | {"learning_rate": 0.0})
    assert alone.presented[0] == found.presented[0]


def test_a_second_training_is_charged_until_the_epoch_it_keeps(tmp_path):
    keep = torch.tensor([1, 4])
    found = fit(tmp_path, Slope(2), Line(), more={"keep": keep})
    assert found.presented.tolist() == [2 * TRAINED, 5 * TRAINED]


def test_an_interrupted_training_is_charged_once(tmp_path, monkeypatch):
    monkeypatch.setattr("hnnlib.training.loop._SECONDS_BETWEEN_SAVES", 0.0)
    with pytest.raises(InterruptedError):
        fit(tmp_path, Slope(2), Line(), say=stop_behind(3), sharpness=0.1)
    found = fit(tmp_path, Slope(2), Line(), sharpness=0.1)
    assert found.presented.tolist() == [2 * 6 * TRAINED] * 2


def test_stored_operations_are_six_times_products_of_what_was_presented(tmp_path):
    network, rows = Costed(2), torch.arange(100).expand(2, -1)
    parts = Parts(rows[:, ::2], rows[:, 1::4], rows[:, 3::4])
    found = fit(tmp_path, network, Line(), more={"keep": torch.tensor([0, 2])}, sharpness=0.1)
    cell = measurement.measure("x", {"arm": "main"}, network, Line(), parts, found)
    assert cell["presented"].values.tolist() == [[100, 300]]
    assert cell["train_flop"].values.tolist() == [6 * 2 * 200]
    assert {"units", "long_name"} <= set.intersection(*(set(v.attrs) for v in cell.values()))


def test_train_accuracy_is_that_of_the_first_rows(monkeypatch):
    network, rows = Slope(1, start=1.0), torch.arange(100)[None]
    parts = Parts(rows, rows[:, :0], rows[:, :0])
    whole = scoring.train_accuracy(network, Line(), parts)
    assert whole.item() == pytest.approx(0.9, abs=0.02)  # one label in ten is wrong
    monkeypatch.setattr(scoring, "TRAIN_ROWS", 1)
    assert scoring.train_accuracy(network, Line(), parts).item() == 0  # the first is one of them
