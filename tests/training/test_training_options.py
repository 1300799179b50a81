"""What a schedule can ask for beside plain Adam: learning rates by member, cosine, clipping,
sharpness-aware steps, choice by loss, patience, buffers, watched rows.
"""

import math

import pytest
import small_tasks
import torch
from small_tasks import Line, Slope

from hnnlib.training.loop import Schedule
from hnnlib.training.optimiser import ascend, clip
from hnnlib.training.tasks import Classification

BY_LOSS = Classification(choose="loss")


def fit(folder, network, name="c", say=lambda line: None, **options):
    """As in ``small_tasks``, on the line; some options are not the schedule's."""
    more = {key: options.pop(key) for key in ("task", "watch", "keep") if key in options}
    return small_tasks.fit(folder, network, Line(), name, say, more, **options)


def test_cosine_falls_from_one_to_nothing():
    schedule = Schedule(4, 1, 1.0, cosine=True)
    wanted = [1, 0.5 + math.sqrt(0.125), 0.5, 0.5 - math.sqrt(0.125)]
    assert [schedule.factor(e) for e in range(4)] == pytest.approx(wanted)


def test_every_member_has_its_own_learning_rate(tmp_path):
    both = Slope(2)
    fit(tmp_path, both, learning_rate=(0.0, 0.1))
    assert both.weight[0] == 0 and both.weight[1] > 0.1
    with pytest.raises(ValueError, match="3 learning rates don't fit 2 members"):
        fit(tmp_path, Slope(2), "other", learning_rate=(0.1, 0.1, 0.1))


def test_clipping_scales_only_members_that_are_too_steep():
    a, b = (torch.zeros(2, n, requires_grad=True) for n in (1, 2))
    a.grad, b.grad = torch.tensor([[3.0], [0.3]]), torch.tensor([[4.0, 0.0], [0.4, 0.0]])
    clip([a, b], 1.0)
    torch.testing.assert_close(a.grad, torch.tensor([[0.6], [0.3]]))
    torch.testing.assert_close(b.grad, torch.tensor([[0.8, 0.0], [0.4, 0.0]]))


def test_sharpness_aware_gradient_of_a_quadratic():
    """Of c |x|^2 / 2 at distance r: the gradient at r + rho, c (r + rho), and x unchanged."""
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    curvature = torch.tensor([[2.0], [2.0]])
    (curvature * x.square() / 2).sum().backward()
    with ascend([x], 0.5):
        (curvature * x.square() / 2).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([[6.6, 8.8], [0.0, 0.0]]))
    assert x.tolist() == [[3.0, 4.0], [0.0, 0.0]]


def test_sharpness_aware_training_ends_elsewhere(tmp_path):
    plain, aware = Slope(1), Slope(1)
    fit(tmp_path, plain, "a")
    fit(tmp_path, aware, "b", sharpness=0.5)
    assert aware.weight.isfinite().all() and plain.weight != aware.weight


def test_validation_chooses_by_accuracy_or_by_loss(tmp_path):
    by_accuracy = fit(tmp_path, Slope(1), "a", epochs=20)
    by_loss = fit(tmp_path, Slope(1), "b", epochs=20, task=BY_LOSS)
    torch.testing.assert_close(by_accuracy.validation_loss, by_loss.validation_loss)
    assert by_accuracy.best_epoch.item() == by_accuracy.validation_curve[:, 0].argmax()
    assert by_loss.best_epoch.item() == by_loss.validation_loss[:, 0].argmin()


def test_a_patient_fit_stops_each_member_for_itself(tmp_path):
    """A member that cannot learn stops at once; the other goes on, and loses nothing by it."""
    options = {"learning_rate": (0.0, 0.03), "epochs": 30, "patience": 3, "task": BY_LOSS}
    together = fit(tmp_path, Slope(2), "a", **options)
    assert together.best_epoch[0] == 0
    assert together.best_epoch[1] > 3
    ran = int((~together.train_loss[:, 1].isnan()).sum())
    assert ran in (together.best_epoch[1] + 4, 30)


def test_buffers_are_chosen_and_resumed_like_parameters(tmp_path, monkeypatch):
    monkeypatch.setattr("hnnlib.training.loop._SECONDS_BETWEEN_SAVES", 0.0)
    whole, cut, resumed = Slope(2), Slope(2), Slope(2)
    fit(tmp_path, whole, "whole")

    with pytest.raises(InterruptedError):
        fit(tmp_path, cut, "cut", say=small_tasks.stop_behind(3))
    fit(tmp_path, resumed, "cut")
    assert whole.mean.abs().sum() > 0
    assert torch.equal(whole.mean, resumed.mean) and torch.equal(whole.weight, resumed.weight)


def test_watched_rows_are_scored_and_choose_nothing(tmp_path):
    without = fit(tmp_path, Slope(1), "a")
    with_rows = fit(tmp_path, Slope(1), "b", watch=torch.arange(100)[None, 3::4])
    assert without.watched_curve.isnan().all() and not with_rows.watched_curve.isnan().any()
    assert torch.equal(without.best_epoch, with_rows.best_epoch)
    assert torch.equal(without.validation_curve, with_rows.validation_curve)


def test_another_objective_is_what_falls(tmp_path):
    def distance(activity, labels):
        return (activity.outputs[..., 1] - labels).square().mean(1)

    found = fit(tmp_path, Slope(1), task=Classification(distance))
    wanted = (Line().y[::2].float() ** 2).mean()  # of the answer 0, where it started
    assert found.train_loss[0, 0] < wanted and found.train_loss[-1, 0] < found.train_loss[0, 0]


def test_a_second_training_keeps_the_epochs_that_the_first_one_chose(tmp_path):
    first, second = Slope(2), Slope(2)
    chosen = fit(tmp_path, first, "a", task=BY_LOSS, learning_rate=(0.3, 0.01)).best_epoch
    chosen[0] = 2
    result = fit(tmp_path, second, "b", task=BY_LOSS, learning_rate=(0.3, 0.01), keep=chosen)
    assert torch.equal(result.best_epoch, chosen)
    assert torch.equal(second.weight[1], first.weight[1])
