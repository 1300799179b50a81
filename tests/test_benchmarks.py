"""The benchmark's tasks, its own network and its arithmetic; the peers aren't needed."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks import OURS, TASKS, __main__, measure, ours, report, tasks
from benchmarks.worker import Session


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def entry(cpu=(), losses=(3.0, 2.0), parameters=10, error=None):
    return {
        "parameters": parameters,
        "cpu": list(cpu),
        "wall": [2 * value for value in cpu],
        "losses": list(losses),
        "error": error,
    }


def results(**libraries):
    task = {"task": "mlp", "title": "MLP", "input_density": 0.13, "spike_density": [0.04, 0.02]}
    return {
        "rounds": 7,
        "warmup": 2,
        "threads": 1,
        "engine": "eager",
        "commit": "0123456789",
        "machine": {"cores": 2, "cpu": "a processor", "system": "Linux x86_64"},
        "libraries": {name: {"versions": {"torch": "2.13.0"}} for name in libraries},
        "tasks": [task | {"libraries": libraries}],
    }


@pytest.mark.parametrize(
    ("name", "shape", "density"),
    [
        ("recurrent", (100, 256, 700), 0.02),
        ("mlp", (25, 128, 784), 0.13),
        ("cnn", (32, 3, 32, 32), 1.0),
    ],
)
def test_input_has_the_stated_shape_and_density(name, shape, density):
    x = tasks.get(name).input()
    assert x.shape == shape
    assert x.dtype == torch.float32
    assert (x != 0).float().mean().item() == pytest.approx(density, rel=0.02)


@pytest.mark.parametrize("name", ["recurrent", "mlp"])
def test_spike_input_is_binary(name):
    assert set(tasks.get(name, tiny=True).input().unique().tolist()) == {0.0, 1.0}


def test_every_process_draws_the_same_input_labels_and_weights():
    first, second = (tasks.get("cnn", tiny=True) for _ in range(2))
    assert torch.equal(first.input(), second.input())
    assert torch.equal(first.labels(), second.labels())
    drawn = [nn.Sequential(*task.layers()).state_dict() for task in (first, second)]
    assert all(torch.equal(drawn[0][key], drawn[1][key]) for key in drawn[0])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("recurrent", 700 * 256 + 256 * 256 + 256 * 20),
        ("mlp", 784 * 500 + 500 + 500 * 10 + 10),
        # 3x3 kernels and biases, 1600 = 64 x 5 x 5 inputs of the dense layers
        ("cnn", 896 + 9248 + 18496 + 36928 + 1601 * 512 + 513 * 10),
    ],
)
def test_parameters_are_those_of_the_stated_network(name, parameters):
    task = tasks.get(name)
    assert sum(p.numel() for layer in task.layers() for p in layer.parameters()) == parameters
    assert sum(p.numel() for p in ours.build(task).parameters()) == parameters


@pytest.mark.parametrize("name", TASKS)
def test_our_loss_is_finite_and_falls(name):
    session = Session(OURS)
    session.load(name, tiny=True)
    losses = session.train(steps=8)["losses"]
    assert all(map(math.isfinite, losses))
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", TASKS)
def test_every_parameter_of_ours_receives_a_gradient(name):
    task = tasks.get(name, tiny=True)
    network = ours.build(task)
    nn.functional.cross_entropy(network(task.input()), task.labels()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def plain_feed_forward(task):
    """The equations of ``benchmarks.tasks``, written out step by step."""
    x = task.input()
    potentials, counts = {}, 0
    for step in range(task.steps):
        signal = x if task.constant else x[step]
        for place, layer in enumerate(task.layers()):
            signal = layer(signal)
            if isinstance(layer, nn.Linear | nn.Conv2d):
                potential = task.decay * potentials.get(place, 0) + signal
                signal = (potential > 1).float()
                potentials[place] = potential * (1 - signal)
        counts = counts + signal
    return counts


def plain_recurrent(task):
    """The same for the recurrent network and its readout."""
    inward, around, outward = task.layers()
    potential = value = spikes = torch.zeros(())
    values = []
    for x in task.input():
        drive = inward(x) + (around(spikes) if spikes.ndim else 0)
        potential = task.decay * potential + drive
        spikes = (potential > 1).float()
        potential = potential * (1 - spikes)
        value = task.readout_decay * value + (1 - task.readout_decay) * outward(spikes)
        values.append(value)
    return torch.stack(values).amax(0)


@pytest.mark.parametrize("name", TASKS)
def test_our_network_computes_the_equations_of_the_task(name):
    task = tasks.get(name, tiny=True)
    plain = plain_recurrent if name == "recurrent" else plain_feed_forward
    with torch.no_grad():
        expected, found = plain(task), ours.build(task)(task.input())
    assert expected.abs().sum() > 0  # a silent network would agree with anything
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians():
    theirs, our_times = [2.0, 30.0, 40.0, 4.0, 9.0], [1.0, 10.0, 8.0, 1.0, 9.0]
    found = report.ratio(theirs, our_times)  # by round: 2, 3, 5, 4, 1
    assert (found.median, found.low, found.high) == (3.0, 2.0, 4.0)


def test_load_that_hits_a_whole_round_leaves_the_ratio_alone():
    quiet = report.ratio([3.0, 3.0, 3.0], [2.0, 2.0, 2.0])
    assert report.ratio([3.0, 300.0, 9.0], [2.0, 200.0, 6.0]) == quiet


def test_ratio_of_one_round_and_of_none():
    assert report.ratio([3.0], [2.0]) == report.Ratio(1.5, 1.5, 1.5)
    assert report.ratio([], []) is None


def test_order_rotates_so_that_everyone_is_first_once():
    turns = [measure.order(["a", "b", "c"], turn) for turn in range(3)]
    assert [turn[0] for turn in turns] == ["a", "b", "c"]
    assert all(sorted(turn) == ["a", "b", "c"] for turn in turns)


@pytest.mark.parametrize(
    ("other", "remark"),
    [
        (entry(losses=(3.0, 2.5)), None),
        (entry(parameters=11), "11 parameters, not 10"),
        (entry(losses=(3.0, math.nan)), "not finite"),
        (entry(losses=(3.0, 3.0)), "did not fall"),
        (entry(losses=(3.01, 2.0)), "first loss 3.0100, not 3.0000"),
    ],
)
def test_unequal_work_is_remarked(other, remark):
    found = report.doubts(other, entry())
    assert found == [] if remark is None else remark in " ".join(found)


def test_report_names_the_ratios_the_best_peer_and_the_failures():
    given = results(
        hnnlib=entry(cpu=[0.1, 0.2, 0.1]),
        snntorch=entry(cpu=[0.3, 0.6, 0.3]),
        norse=entry(cpu=[0.15, 0.3, 0.15]),
        spikingjelly=entry(error="ModuleNotFoundError: No module named 'spikingjelly'"),
    )
    page = report.markdown(given)
    assert "| snntorch | 300.0 | 600.0 | 3.00 | 3.00-3.00 |" in page
    assert "best: norse, 1.50 times the CPU time of hnnlib" in page
    assert "failed: ModuleNotFoundError: No module named 'spikingjelly'" in page
    assert "Spikes at the end, by layer: 4.0, 2.0 %" in page
    table = report.plain(given["tasks"][0]).splitlines()
    assert [line.split()[0] for line in table[2:6]] == [
        "hnnlib",
        "snntorch",
        "norse",
        "spikingjelly",
    ]


def test_report_says_when_other_work_held_the_processor():
    busy = results(hnnlib=entry(cpu=[0.1]))  # wall is twice the CPU time
    assert "a worker had 50 % of a core" in report.markdown(busy)
    idle = results(hnnlib=entry(cpu=[0.1]) | {"wall": [0.1]})
    assert "busy" not in report.markdown(idle).replace("a busy machine", "")


def test_without_ours_the_peers_times_are_still_shown():
    given = results(hnnlib=entry(error="broken"), norse=entry(cpu=[0.15]))
    assert "| norse | 150.0 | 300.0 | - |" in report.markdown(given)


def test_results_files_hold_what_was_measured_and_no_host_name(tmp_path):
    import platform

    given = results(hnnlib=entry(cpu=[0.1])) | {"machine": report.machine()}
    data, page = report.write(given, tmp_path / "new", "cpu-1-thread")
    assert json.loads(data.read_text()) == given
    assert page.read_text().startswith("# Time of a training step")
    assert "node" not in given["machine"]
    assert len(platform.node()) < 4 or platform.node() not in data.read_text()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ([], "cpu-1-thread"),
        (["--threads", "2"], "cpu-2-threads"),
        (["--tiny"], None),
        (["--rounds", "3"], None),
        (["--tasks", "mlp"], None),
        (["--tasks", "mlp", "--name", "only-mlp"], "only-mlp"),
    ],
)
def test_only_a_whole_benchmark_replaces_the_results(given, name):
    assert __main__._name(__main__._arguments(given)) == name


class Scripted:
    """A worker that answers from a list and keeps what it was asked."""

    def __init__(self, library, seconds):
        self.library, self.seconds = library, iter(seconds)

    def ask(self, do, **details):
        if do == "load":
            return {"title": "T", "repeats": 1, "parameters": 1, "input_density": 0.5}
        if do == "activity":
            return {"spike_density": [0.1]}
        value = next(self.seconds, None)
        if value is None:
            raise measure.WorkerFailure("out of memory")
        return {"cpu": value, "wall": value, "losses": [1.0]}


def test_warm_up_does_not_count_and_a_failure_is_one_row():
    workers = {
        OURS: Scripted(OURS, [9.0, 1.0, 2.0, 3.0]),
        "norse": Scripted("norse", [9.0, 4.0]),
    }
    found = measure.measure(workers, "mlp", rounds=3, warmup=1)["libraries"]
    assert found[OURS]["cpu"] == [1.0, 2.0, 3.0]
    assert found[OURS]["error"] is None
    assert found["norse"]["error"] == "out of memory"


def test_a_process_that_crashes_is_reported_with_its_last_words():
    worker = measure.Worker("norse", Path(sys.executable))
    worker.command = [sys.executable, "-c", "raise SystemExit('no such library')"]
    with pytest.raises(measure.WorkerFailure, match="no such library"):
        worker.ask("describe")
    worker.close()


def test_a_silent_process_is_given_up():
    worker = measure.Worker("norse", Path(sys.executable), patience=0.2)
    worker.command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(measure.WorkerFailure, match="no reply within 0.2 s"):
        worker.ask("describe")
    assert worker.process is None
