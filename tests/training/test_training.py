"""The loop: Adam as torch's, members alone or together, interruption leaves no trace, selection on
validation only.
"""

import copy

import numpy as np
import pytest
import torch

from hnnlib import engines
from hnnlib.datasets.entry import Source
from hnnlib.datasets.imagedata import ImageData
from hnnlib.networks.hybrid import CODINGS, HybridNetwork, Switches
from hnnlib.networks.notation import parse
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.training import loop, scoring
from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.examples import Frozen, Images, Parts, cache
from hnnlib.training.loop import Schedule
from hnnlib.training.optimiser import PopulationAdam
from hnnlib.training.tasks import Classification

SOURCE = Source(official=True, note="", sha256="0", licence="", citation="", origin="")


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 240)
    pixels = np.clip(
        rng.normal(0.3, 0.2, (240, 1, 3, 4)) + 0.5 * np.eye(12)[labels].reshape(240, 1, 3, 4), 0, 1
    )
    return Images(
        ImageData("blobs", pixels.astype(np.float32), labels, 3, SOURCE), torch.device("cpu")
    )


def network(seeds, text="A12-S30-S3", coding="duplicate", **switches):
    switches = Switches(CODINGS[coding](6) if coding else None, **switches)
    built = HybridNetwork(parse(text)[1], (1, 3, 4), switches, seeds, engines.get("eager"))
    with torch.no_grad():  # loud enough that spikes reach the output from the start
        for layer in built.spiking:
            layer.synapse.weight.mul_(3)
            layer.synapse.bias.add_(0.5)
    return built


def parts(members):
    rows = torch.arange(240).expand(members, -1)
    return Parts(rows[:, :150], rows[:, 150:195], rows[:, 195:])


def fit(images, seeds, path, epochs=4, say=lambda line: None, identity="x", **switches):
    trained = network(seeds, **switches)
    schedule = Schedule(epochs, 32, 5e-3, (9,))
    checkpoint = Checkpoint(path / "c.npz", identity)
    return trained, loop.fit(trained, images, parts(len(seeds)), schedule, checkpoint, say)


def test_a_checkpoint_of_another_network_schedule_or_data_is_not_gone_on_from(images, tmp_path):
    """With the same path and the same words; without any words, too."""

    def gone_on(path, **changes):
        said = []
        given = {"epochs": 1, "identity": ""} | changes
        fit(given.pop("images", images), (0, 1), path, say=said.append, **given)
        return said[0].startswith("goes on")

    assert not gone_on(tmp_path)
    assert gone_on(tmp_path)
    brighter = copy.copy(images)
    brighter._scale = 2 * images._scale
    for change in (
        {"epochs": 2},
        {"images": brighter},
        {"neuron": RefractoryLIF(threshold=0.9)},
        {"hidden_act": "sigmoid"},
    ):
        assert not gone_on(tmp_path, **change), change
        assert gone_on(tmp_path, **change)


def test_without_a_checkpoint_nothing_is_written_and_the_numbers_are_the_same(images, tmp_path):
    _, stored = fit(images, (0, 1), tmp_path, epochs=1)
    schedule = Schedule(1, 32, 5e-3, (9,))
    found = loop.fit(network((0, 1)), images, parts(2), schedule)
    assert torch.equal(found.train_loss, stored.train_loss)


def test_adam_is_torchs_adam_for_every_member():
    rates = torch.tensor([1e-2, 3e-3])
    start, target = torch.randn(2, 5), torch.randn(2, 5)
    ours = start.clone().requires_grad_()
    optimiser = PopulationAdam([ours])
    theirs = [start[m].clone().requires_grad_() for m in range(2)]
    reference = [
        torch.optim.Adam([p], lr=rate) for p, rate in zip(theirs, rates.tolist(), strict=True)
    ]
    for _ in range(20):
        (ours - target).pow(4).sum().backward()
        optimiser.step(rates)
        for m, (p, o) in enumerate(zip(theirs, reference, strict=True)):
            o.zero_grad()
            (p - target[m]).pow(4).sum().backward()
            o.step()
    torch.testing.assert_close(ours.detach(), torch.stack(theirs).detach())


def test_learning_rate_falls_at_milestones():
    schedule = Schedule(10, 1, 1.0, (2, 5))
    assert [schedule.factor(e) for e in (0, 1, 2, 4, 5, 9)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


@pytest.mark.parametrize("coding", ["duplicate", "gaussian"])
def test_training_learns_and_every_parameter_moves(images, tmp_path, coding):
    before = {
        n: p.detach().clone()
        for n, p in network((0,), coding=coding, train_filter=True).named_parameters()
    }
    trained, result = fit(images, (0,), tmp_path, epochs=12, coding=coding, train_filter=True)
    assert result.train_loss[-1, 0] < 0.8 * result.train_loss[0, 0]
    assert all((p != before[name]).any() for name, p in trained.named_parameters())


def test_a_member_trains_alike_alone_and_in_company(images, tmp_path):
    alone, one = fit(images, (1,), tmp_path / "a")
    together, many = fit(images, (0, 1, 2), tmp_path / "b")
    torch.testing.assert_close(one.train_loss[:, 0], many.train_loss[:, 1], rtol=1e-5, atol=1e-6)
    for p, q in zip(alone.parameters(), together.parameters(), strict=True):
        torch.testing.assert_close(p[0], q[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["eager", "cpu"])
def test_a_member_that_diverged_leaves_the_others_as_they_are(name):
    def answers(broken):
        net = network((0, 1, 2))
        net.engine = engines.get(name)
        x = torch.rand(3, 20, 1, 3, 4, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            for p in net.parameters():
                p[:1] = p[:1].where(torch.tensor(not broken), torch.nan)
        outputs = net(x).outputs
        outputs[1:].square().sum().backward()
        return [outputs[1:], *(p.grad[1:] for p in net.parameters())]

    for healthy, beside in zip(answers(False), answers(True), strict=True):
        torch.testing.assert_close(beside, healthy, rtol=1e-5, atol=1e-5)


class _Stop(Exception):
    pass


@pytest.mark.parametrize("coding", ["duplicate", "gaussian"])
def test_resumed_training_ends_with_the_same_bits(images, tmp_path, monkeypatch, coding):
    monkeypatch.setattr("hnnlib.training.loop._SECONDS_BETWEEN_SAVES", 0.0)
    whole, expected = fit(images, (0, 1), tmp_path / "whole", coding=coding)
    lines = []

    def stop_after_two(line):
        lines.append(line)
        if line.startswith("epoch 2/"):
            raise _Stop

    with pytest.raises(_Stop):
        fit(images, (0, 1), tmp_path / "cut", say=stop_after_two, coding=coding)
    resumed, result = fit(images, (0, 1), tmp_path / "cut", say=lines.append, coding=coding)
    assert any("goes on behind epoch 2" in line for line in lines)
    assert torch.equal(result.validation_curve, expected.validation_curve)
    assert torch.equal(result.train_loss, expected.train_loss)
    assert all(
        torch.equal(p, q) for p, q in zip(whole.parameters(), resumed.parameters(), strict=True)
    )


def test_a_checkpoint_of_another_configuration_or_a_broken_one_is_ignored(images, tmp_path):
    fit(images, (0,), tmp_path, identity="one")
    lines = []
    fit(images, (0,), tmp_path, identity="two", say=lines.append)
    assert not any("goes on" in line for line in lines)
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04 half a file")
    lines.clear()
    fit(images, (0,), tmp_path, identity="two", say=lines.append)
    assert not any("goes on" in line for line in lines)


def test_each_member_keeps_its_best_validation_epoch(images, tmp_path):
    trained, result = fit(images, (0, 1, 2), tmp_path, epochs=8)
    best = result.validation_curve.max(0).values
    chosen = result.validation_curve.gather(0, result.best_epoch[None])[0]
    assert torch.equal(chosen, best)
    first = (result.validation_curve == best).double().argmax(0)
    assert torch.equal(first, result.best_epoch)  # the earliest of equals
    again = scoring.score(trained, images, parts(3).validation).accuracy
    torch.testing.assert_close(again, best)


def test_another_rule_chooses_beside_and_changes_nothing(images, tmp_path, monkeypatch):
    monkeypatch.setattr("hnnlib.training.loop._SECONDS_BETWEEN_SAVES", 0.0)
    rules = {"task": Classification(choose="loss"), "beside": Classification(choose="accuracy")}

    def run(name, say=lambda line: None, **rules):
        trained, schedule = network((0, 1, 2)), Schedule(8, 32, 5e-3)
        checkpoint = Checkpoint(tmp_path / f"{name}.npz", "x")
        return trained, loop.fit(trained, images, parts(3), schedule, checkpoint, say, **rules)

    trained, both = run("both", **rules)
    for rule in rules:
        alone, result = run(rule, task=rules[rule])
        epoch, kept = (
            (both.best_epoch, dict(trained.named_parameters())) if rule == "task" else both.beside
        )
        assert torch.equal(epoch, result.best_epoch)
        assert all(torch.equal(kept[name], p) for name, p in alone.named_parameters())
    assert (both.best_epoch != both.beside.epoch).any()

    def stop(line):
        if line.startswith("epoch 5/"):
            raise _Stop

    with pytest.raises(_Stop):
        run("cut", stop, **rules)
    _, again = run("cut", **rules)
    assert torch.equal(again.beside.epoch, both.beside.epoch)
    for name, p in both.beside.parameters.items():
        assert torch.equal(again.beside.parameters[name], p)


def test_a_diverging_member_is_recorded_and_stops_nobody(images, tmp_path, monkeypatch):
    healthy, expected = fit(images, (0, 1), tmp_path / "a")
    built = network

    def with_a_bad_member(*arguments, **switches):
        sick = built(*arguments, **switches)
        with torch.no_grad():
            sick.artificial[0].weight[0] = float("nan")
        return sick

    monkeypatch.setitem(globals(), "network", with_a_bad_member)
    _, result = fit(images, (0, 1), tmp_path / "b")
    assert result.diverged.tolist() == [True, False]
    assert result.best_epoch.tolist()[0] == -1 and result.train_loss[:, 0].isnan().all()
    assert torch.equal(result.train_loss[:, 1], expected.train_loss[:, 1])


def test_scores_count_ties_dead_outputs_and_activity(images):
    silent = network((0,), text="S12-S10-S3")
    with torch.no_grad():
        for p in silent.parameters():
            p.zero_()
    scores = scoring.score(silent, images, parts(1).test)
    assert scores.tie_rate.item() == 1 and scores.dead_outputs.item() == 3
    assert scores.top_answer_share.item() == 1  # all outputs are equal: always the first class
    assert scores.spikes.item() == 0 and scores.synaptic_operations.item() == 0
    assert scores.multiply_accumulates.item() == 6 * 12 * 10  # graded input read at each of 6 steps
    first_class = (images.labels(parts(1).test) == 0).double().mean().item()
    assert scores.accuracy.item() == pytest.approx(first_class)


def test_the_share_of_the_most_frequent_answer_is_that_of_the_answers(images, tmp_path):
    (trained, _), rows = fit(images, (0, 1), tmp_path), parts(2).test
    given = scoring.answers(trained, images, rows)
    expected = [torch.bincount(some).max().item() / len(some) for some in given]
    found = scoring.score(trained, images, rows, batch=7).top_answer_share
    assert found.tolist() == pytest.approx(expected) and max(expected) < 1


def test_synaptic_operations_are_spikes_times_fan_out(images):
    busy = network((0,), text="S12-S10-S3")
    with torch.no_grad():
        busy.spiking[0].synapse.bias.fill_(3.0)
    scores = scoring.score(busy, images, parts(1).test)
    activity = busy(images.inputs(parts(1).test))
    assert scores.synaptic_operations.item() == pytest.approx(
        (activity.spikes[0] * 10 + activity.spikes[1] * 3).mean().item()
    )
    assert scores.spikes.item() == pytest.approx(
        sum(layer.mean().item() for layer in activity.spikes)
    )


def test_frozen_features_are_the_same_cached_or_not(images):
    ann = network((0, 1), text="A12-A10-A3", coding=None)
    frozen = Frozen(lambda x: torch.sigmoid(ann.graded(x, 1)), images)
    cached, rows = cache(frozen, parts(2))
    streamed, same = cache(frozen, parts(2), limit=0)
    assert streamed is frozen
    torch.testing.assert_close(cached.inputs(rows.test[:, 3:7]), streamed.inputs(same.test[:, 3:7]))
    assert torch.equal(cached.labels(rows.test), streamed.labels(same.test))
