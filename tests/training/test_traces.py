"""Training on traces: relative errors, windows that begin anywhere, counts of spikes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hnnlib.networks.base import Activity
from hnnlib.randomness import MemberNoise
from hnnlib.training.examples import Parts
from hnnlib.training.traces import (
    CountedSpikes,
    RandomStart,
    RelativeLoss,
    SagLoss,
    Traces,
    relative_error,
    spikes_of,
    window,
    without_spikes,
)


def membrane(*spikes: int, steps: int = 20) -> torch.Tensor:
    """A potential at -70 mV, V, with a spike at each of some steps."""
    found = torch.full((steps,), -0.07)
    found[list(spikes)] = 0.03
    return found


@pytest.mark.parametrize("p", [2, 4])
def test_relative_errors_have_no_scale(p):
    truth, predicted = membrane(3, 9), membrane(4)
    error = relative_error(predicted, truth, p)
    assert torch.allclose(relative_error(7 * predicted, 7 * truth, p), error)
    assert relative_error(truth, truth, p) == 0
    assert relative_error(torch.zeros(20), truth, p) == 1


def test_by_the_distance_from_rest_the_offset_counts_nothing():
    truth, predicted = membrane(3, 9), membrane(4)
    away = relative_error(predicted + 1, truth + 1, 2, rest=-0.07 + 1)
    assert torch.allclose(away, relative_error(predicted, truth, 2, rest=-0.07), atol=1e-5)


def test_spikes_are_upward_crossings():
    assert spikes_of(torch.stack([membrane(), membrane(3), membrane(3, 4, 9)])).tolist() == [
        0,
        1,
        2,
    ]


def test_the_window_is_the_middle_and_a_random_start_moves_pulse_and_trace_alike():
    voltage = torch.arange(30.0).expand(2, 400, 30)
    numbers = torch.tensor([5.0, 1.0]).expand(2, 400, 2)
    assert window(voltage, 20)[0, 0].tolist() == list(range(5, 25))
    noise = MemberNoise([0, 1], "augmentation", 0)
    inputs, labels = RandomStart(20, 0.5)(numbers, voltage, noise)
    start = labels[..., 0]
    assert labels.shape == (2, 400, 20) and set(start.unique().tolist()) == set(range(11))
    # what was at 5 ms in the window that is not moved stands where the pulse begins now
    at = (inputs[..., 0] / 0.5).round().long()
    inside = (at >= 0) & (at < 20)
    assert (labels.gather(2, at.clamp(0, 19)[..., None])[..., 0] == 15)[inside].all()
    assert (inputs[..., 1] == 1).all() and (numbers[..., 0] == 5).all()


def test_members_draw_their_own_starts():
    voltage, numbers = torch.arange(30.0).expand(2, 9, 30), torch.zeros(2, 9, 2)
    both = RandomStart(20, 0.5)(numbers, voltage, MemberNoise([0, 1], "a"))[1]
    alone = RandomStart(20, 0.5)(numbers[1:], voltage[1:], MemberNoise([1], "a"))[1]
    assert (both[1] == alone[0]).all() and (both[0] != both[1]).any()


def test_a_task_tells_exact_counts_and_chooses_by_the_loss():
    task = CountedSpikes(RelativeLoss())
    truth = torch.stack([membrane(3), membrane(3, 9)])[None]
    late = torch.stack([membrane(5), membrane(4)])[None]
    assert task.metric(Activity(late, []), truth).tolist() == [[True, False]]
    loss = task.loss(Activity(late, []), truth)
    assert (task.value(torch.ones(1), loss) < task.value(torch.zeros(1), torch.zeros(1))).all()


def test_the_sag_is_from_the_minimum_to_the_end_of_the_pulse():
    data = RelativeLoss()
    loss = SagLoss(data, 25.0, 5, 15)
    voltage = membrane()[None, None].clone()
    voltage[..., 5:15] = -0.08
    voltage[..., 6] = -0.085
    assert loss.sag(voltage).item() == pytest.approx(5, abs=0.01)
    flat = torch.full_like(voltage, -0.07)
    found = loss(Activity(flat, []), voltage) - data(Activity(flat, []), voltage)
    assert found.item() == pytest.approx(25, rel=1e-3)  # none of the sag
    assert loss(Activity(voltage, []), voltage).item() == 0


def test_rows_without_spikes_are_equally_many_for_every_member():
    voltage = torch.stack([membrane(), membrane(3), membrane(), membrane(4)]).numpy()
    traces = Traces(np.zeros((4, 2)), voltage, torch.device("cpu"))
    rows = torch.tensor([[0, 1, 2], [1, 3, 2]])
    assert without_spikes(traces, Parts(rows, rows, rows)).train.tolist() == [[0], [2]]
