"""The benchmark's epoch of recordings: everyone trains on the same, in the form that suits it."""

import math
import sys

import numpy as np
import pytest
import torch
from test_benchmarks import bench, one_thread, results  # noqa: F401

from benchmarks import EPOCH, OURS, __main__, recordings, report, suites, tasks
from benchmarks.worker import Session
from hnnlib.datasets.eventdata import BinnedEvents
from hnnlib.signals import dense


@pytest.fixture(scope="module")
def feeds():
    """The same recordings as events and written out, in batches of 300 of 1600."""
    task = tasks.get(EPOCH, tiny=True)
    return [recordings.Feed(task, listed) for listed in (True, False)]


def test_an_epoch_has_every_recording_once_and_a_new_order_next_time():
    rows = recordings.orders(10, 4, torch.Generator().manual_seed(0))
    first, second = ([next(rows) for _ in range(3)] for _ in range(2))
    assert [len(some) for some in first] == [4, 4, 2]
    assert sorted(torch.cat(first).tolist()) == list(range(10))
    assert torch.cat(first).tolist() != torch.cat(second).tolist()


def test_events_and_counts_are_the_same_recordings_in_the_same_order(feeds):
    listed, counts = feeds
    assert listed.about == counts.about
    assert (listed.about["recordings"], listed.about["steps"]) == (1600, 6)
    sizes = []
    for (events, y), (tensor, same), _ in zip(*feeds, range(6), strict=False):
        assert torch.equal(dense(events)[:, 0], tensor) and torch.equal(y, same)
        sizes.append(tensor.shape[1])
    assert sizes == [300] * 5 + [100]
    assert listed.density == counts.density > 0


def test_a_channel_that_fires_twice_in_a_step_counts_twice():
    starts = np.array([[1, 1, 4], [4, 5, 5]])
    binned = BinnedEvents(np.array([9, 2, 0, 2, 1], np.int32), starts, channels=3)
    assert recordings.written(binned).tolist() == [[[0, 0, 0], [1, 0, 2]], [[0, 1, 0], [0, 0, 0]]]


def test_an_epoch_trains_on_batches_of_both_sizes():
    session = Session(OURS)
    loaded = session.load(EPOCH, tiny=True)
    assert loaded["repeats"] == loaded["data"]["steps"] == 6
    losses = session.train(steps=30)["losses"]
    assert all(map(math.isfinite, losses)) and losses[-1] < losses[0]
    assert 0 < session.activity()["spike_density"][0] < 1


def test_every_epoch_begins_with_the_initial_weights():
    session = Session(OURS)
    session.load(EPOCH, tiny=True)
    initial = [p.detach().clone() for p in session.model.parameters()]

    def way():
        now = session.model.parameters()
        return max((p - first).abs().max().item() for p, first in zip(now, initial, strict=True))

    session.train(steps=30)
    assert way() > 3 * session.task.learning_rate
    session.train(steps=1)  # the first step of Adam is as long as its learning rate
    assert way() == pytest.approx(session.task.learning_rate, rel=0.01)


def test_recordings_that_cannot_be_had_are_told_in_one_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HNN_DATA", str(tmp_path / "nowhere"))
    assert __main__.main(["--suite", "epoch", "--python", sys.executable, "--peers"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("the suite epoch can't be measured: ") and "nowhere" in line
    assert __main__._missing(__main__._arguments([])) == ""


def test_the_suite_of_an_epoch_says_which_recordings_and_how_long_an_epoch_takes(bench):  # noqa: F811
    (point,) = suites.run("epoch", bench)
    data = {"name": "shd", "official": False, "note": "Not the official SHD", "recordings": 10}
    given = results() | {"suite": "epoch", "tasks": [point | {"data": data | {"steps": 4}}]}
    assert report.summary(given)[0]["data"]["official"] is False
    page = report.markdown(given)
    assert "An epoch of shd (10 recordings, 4 steps): hnnlib 4.0 s" in page
    assert "norse 2.0 s. Not the official SHD" in page and "peak MiB" not in page
