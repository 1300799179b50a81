"""A learning rate that falls on a plateau of the training loss: as torch's, and by member."""

import pytest
import small_tasks
import torch
from small_tasks import Line, Slope

from hnnlib.training.plateau import Plateau

SERIES = torch.tensor(
    [
        [1.0, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7, 0.9, 0.9, 0.6, 0.7, 0.7, 0.7, 0.7],
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.09, 0.08, 0.07, 0.06],
        [1.0, 0.99995, 0.9999, 0.99985, 0.9998, 0.99975, *[0.9997] * 8],
        [1.0, float("nan"), 0.9, 0.9, float("nan"), 0.9, 0.9, 0.8, *[float("nan")] * 6],
    ],
    dtype=torch.float64,
).T
"""Losses (pass, member): that rest now and then, fall always, fall by less than the threshold, are
not finite.
"""
FALLING = {"learning_rate": (3.0, 0.01), "epochs": 12, "plateau": Plateau(0.4, 0)}
"""Of a member that steps too far, and of one that learns slowly."""


class Rates(torch.optim.Optimizer):
    """A rate without parameters: to build one of torch's own takes seconds of imports."""

    def __init__(self):
        self.param_groups = [{"lr": 1.0}]


@pytest.mark.parametrize("patience", [0, 1, 4])
@pytest.mark.parametrize("member", range(SERIES.shape[1]))
def test_a_population_of_one_has_the_rates_of_torchs_scheduler(patience, member):
    optimiser = Rates()
    torchs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.4, patience=patience)
    own = Plateau(0.4, patience)
    for passes, loss in enumerate(SERIES[:, member], start=1):
        torchs.step(loss.item())
        found = own.factors(SERIES[:passes, member : member + 1])
        assert found.tolist() == pytest.approx([optimiser.param_groups[0]["lr"]])


def test_before_the_first_pass_the_rate_is_whole():
    assert Plateau(0.4, 0).factors(SERIES[:0]).tolist() == [1, 1, 1, 1]


def test_each_member_falls_by_its_own_losses():
    together = Plateau(0.4, 1).factors(SERIES)
    alone = [Plateau(0.4, 1).factors(one[:, None]).item() for one in SERIES.T]
    assert together.tolist() == alone and len(set(alone)) > 1


def test_a_training_that_goes_on_has_the_same_rates(tmp_path, monkeypatch):
    monkeypatch.setattr("hnnlib.training.loop._SECONDS_BETWEEN_SAVES", 0.0)
    whole, cut, resumed, plain = (Slope(2) for _ in range(4))
    found = small_tasks.fit(tmp_path, whole, Line(), "whole", **FALLING)
    behind = FALLING["plateau"].factors(found.train_loss[:7])
    assert behind[0] < 1 and behind[1] == 1

    with pytest.raises(InterruptedError):
        small_tasks.fit(tmp_path, cut, Line(), "cut", small_tasks.stop_behind(7), **FALLING)
    again = small_tasks.fit(tmp_path, resumed, Line(), "cut", **FALLING)
    assert torch.equal(again.train_loss, found.train_loss)
    assert torch.equal(resumed.weight, whole.weight) and torch.equal(resumed.bias, whole.bias)

    without = small_tasks.fit(tmp_path, plain, Line(), "plain", **FALLING | {"plateau": None})
    same = (without.train_loss == found.train_loss).all(0)
    assert not same[0] and same[1]
