"""The benchmark's tasks, its own network and its arithmetic; the peers aren't needed."""

from __future__ import annotations

import itertools
import json
import math
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks import (
    OURS,
    SUITES,
    TASKS,
    __main__,
    machine,
    measure,
    ours,
    ratios,
    report,
    suites,
    tasks,
)
from benchmarks.worker import Session


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def entry(cpu=(), losses=(3.0, 2.0), parameters=10, error=None, library="", members=1):
    return {
        "library": library,
        "members": members,
        "parameters": parameters,
        "cpu": list(cpu),
        "wall": [2 * value for value in cpu],
        "losses": list(losses),
        "error": error,
    }


def results(**libraries):
    for name, one in libraries.items():
        one["library"] = one["library"] or name
    task = {"task": "mlp", "title": "MLP", "input_density": 0.13, "spike_density": [0.04, 0.02]}
    return {
        "suite": "tasks",
        "device": "cpu",
        "clock": "cpu",
        "rounds": 7,
        "warmup": 2,
        "threads": 1,
        "engine": "auto",
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
    nn.functional.cross_entropy(network(ours.signal(task)), task.labels()).backward()
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
        expected, found = plain(task), ours.build(task)(ours.signal(task))
    assert expected.abs().sum() > 0  # a silent network would agree with anything
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians():
    theirs, our_times = [2.0, 30.0, 40.0, 4.0, 9.0], [1.0, 10.0, 8.0, 1.0, 9.0]
    found = ratios.ratio(theirs, our_times)  # by round: 2, 3, 5, 4, 1
    assert (found.median, found.low, found.high) == (3.0, 2.0, 4.0)


def test_load_that_hits_a_whole_round_leaves_the_ratio_alone():
    quiet = ratios.ratio([3.0, 3.0, 3.0], [2.0, 2.0, 2.0])
    assert ratios.ratio([3.0, 300.0, 9.0], [2.0, 200.0, 6.0]) == quiet


def test_ratio_of_one_round_and_of_none():
    assert ratios.ratio([3.0], [2.0]) == ratios.Ratio(1.5, 1.5, 1.5)
    assert ratios.ratio([], []) is None


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
        (entry(losses=(3.0, 3.2, *[2.9] * 16, 2.8, 3.1)), None),
        (entry(losses=(3.0, 2.8, *[2.9] * 16, 3.1, 2.9)), "did not fall"),
        (entry(losses=(3.01, 2.0)), "first loss 3.0100, not 3.0000"),
    ],
)
def test_unequal_work_is_remarked(other, remark):
    found = ratios.doubts(other, entry())
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
    table = report.plain(given["tasks"][0], "tasks", "cpu").splitlines()
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

    given = results(hnnlib=entry(cpu=[0.1])) | {"machine": machine.machine()}
    data, page = report.write(given, tmp_path / "new", "cpu-1-thread")
    written = json.loads(data.read_text())
    assert written.pop("summary")[0]["rows"][0]["cpu"] == 0.1
    assert written.pop("core_share") == 0.5
    assert written == given
    assert page.read_text().startswith("# Time of a training step")
    assert "node" not in given["machine"]
    assert len(platform.node()) < 4 or platform.node() not in data.read_text()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ([], "cpu-1-thread"),
        (["--threads", "2"], "cpu-2-threads"),
        (["--engine", "eager"], "cpu-1-thread-eager"),
        (["--suite", "population"], "cpu-1-thread-population"),
        (["--suite", "epoch"], "cpu-1-thread-epoch"),
        (["--suite", "curves", "--engine", "eager"], "cpu-1-thread-curves-eager"),
        (["--suite", "curves", "--rounds", "1"], None),
        (["--device", "cuda"], "cuda"),
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
        self.library, self.seconds, self.closed = library, iter(seconds), False
        self.losses = itertools.count(3.0, -0.1)

    def another(self):
        return Scripted(self.library, itertools.repeat(1.0))

    def close(self):
        self.closed = True

    def ask(self, do, **details):
        if do == "load":
            about = {"title": "T", "repeats": 1, "parameters": 1, "input_density": 0.5}
            members = details["changes"].get("members", 1)
            return about | {"members": members, "parameters": members}
        if do == "memory":
            return {"peak": 100.0}
        if do == "activity":
            return {"spike_density": [0.1]}
        value = next(self.seconds, None)
        if value is None:
            raise measure.WorkerFailure("out of memory")
        return {"cpu": value, "wall": value, "losses": [next(self.losses)]}


def test_warm_up_does_not_count_and_a_failure_is_one_row():
    workers = {
        OURS: Scripted(OURS, [9.0, 1.0, 2.0, 3.0]),
        "norse": Scripted("norse", [9.0, 4.0]),
    }
    found = measure.measure(workers, "mlp", rounds=3, warmup=1)["libraries"]
    assert found[OURS]["cpu"] == [1.0, 2.0, 3.0]
    assert found[OURS]["error"] is None
    assert found["norse"]["error"] == "out of memory"


def test_a_library_names_its_entry_and_what_is_changed_for_it():
    workers = {OURS: Scripted(OURS, [1.0]), "many": Scripted(OURS, [1.0])}
    found = measure.measure(workers, "mlp", 1, 0, changes={"many": {"members": 4}})["libraries"]
    assert [(one["library"], one["members"]) for one in found.values()] == [(OURS, 1), (OURS, 4)]


def population(**times):
    """A point of the population suite: seconds a step, by name, in every round."""
    entries = {
        "hnnlib": entry(times["one"], library=OURS),
        "hnnlib x4": entry(times["four"], library=OURS, members=4, parameters=40),
        "norse": entry(times["norse"], library="norse"),
        "snntorch": entry(times["snntorch"], library="snntorch"),
    }
    return {"task": "mlp", "title": "MLP", "libraries": entries}


def test_a_population_is_compared_per_network_with_one_and_with_the_best_peer():
    point = population(one=[1.0] * 3, four=[2.0] * 3, norse=[1.5] * 3, snntorch=[3.0] * 3)
    one, four, norse, _ = ratios.member_rows(point, "cpu")
    assert (four.step, four.each) == (2.0, 0.5)
    assert four.over_one.median == 2.0
    assert four.over_peer.median == 3.0  # Norse: the faster of the two
    assert (one.over_one.median, norse.over_peer.median) == (1.0, 1.0)
    assert four.remarks == ""


def test_a_population_without_peers_has_no_ratio_to_them():
    point = population(one=[1.0], four=[2.0], norse=[1.0], snntorch=[1.0])
    point["libraries"] = {k: v for k, v in point["libraries"].items() if v["library"] == OURS}
    four = ratios.member_rows(point, "cpu")[1]
    assert four.over_one.median == 2.0 and four.over_peer is None


def test_a_population_of_the_wrong_size_is_remarked():
    point = population(one=[1.0], four=[2.0], norse=[1.0], snntorch=[1.0])
    point["libraries"]["hnnlib x4"]["parameters"] = 10
    assert ratios.member_rows(point, "cpu")[1].remarks == "10 parameters, not 40"


def test_members_differ_around_the_single_network():
    task = tasks.get("mlp", members=5)
    assert task.decays()[2] == task.decay and len(set(task.decays())) == 5
    assert all(0 < decay < 1 for decay in tasks.get("mlp", members=64).decays())
    assert tasks.get("mlp").thresholds() == [1.0]


@pytest.mark.parametrize("name", ["recurrent", "mlp"])
def test_every_member_computes_what_it_would_alone(name):
    few = tasks.get(name, tiny=True, members=3)
    with torch.no_grad():
        together = ours.build(few)(ours.signal(few)).unflatten(0, (3, -1))
        assert not torch.equal(together[0], together[2])
        single = ours.build(tasks.get(name, tiny=True))(ours.signal(tasks.get(name, tiny=True)))
    torch.testing.assert_close(together[1], single)  # the middle one: the task's own constants


def test_a_population_trains_at_the_rate_of_its_members():
    one, many = Session(OURS), Session(OURS)
    one.load("mlp", tiny=True)
    assert many.load("mlp", tiny=True, changes={"members": 3})["members"] == 3
    one.train(1), many.train(1)
    alone = next(one.model.parameters()).grad
    torch.testing.assert_close(next(many.model.parameters()).grad[1:2], alone)


@pytest.mark.parametrize("density", [0.005, 0.13, 0.5, 0.9, 1.0])
def test_density_of_the_pixels_can_be_anything(density):
    found = tasks.get("mlp", density=density).input().mean().item()
    assert found == pytest.approx(density, rel=0.1)


def test_axes_change_one_size_and_keep_the_drive():
    base = tasks.get("recurrent", tiny=True)
    for axis, value, changes in suites.axes("recurrent", tiny=True):
        changed = tasks.get("recurrent", tiny=True, **changes)
        others = {"steps", "hidden", "batch", "density"} - {axis}
        assert getattr(changed, axis) == value
        assert all(getattr(changed, other) == getattr(base, other) for other in others)
        if axis == "density":
            assert changed.drive() * changed.input_gain**2 == pytest.approx(base.drive())


def curve_point(axis, value, theirs, ours=1.0):
    sizes = {"steps": 10, "density": 0.1} | ({axis: value} if axis else {})
    entries = {name: entry([t], library=name) for name, t in ((OURS, ours), ("norse", theirs))}
    return {"task": "mlp", "axis": axis, "sizes": sizes, "libraries": entries}


def test_the_task_itself_is_a_point_of_each_of_its_curves():
    points = [curve_point(None, None, 4.0), curve_point("steps", 5, 2.0)]
    points += [curve_point("density", 0.4, 0.25), curve_point("density", 0.01, 9.0)]
    steps, density = ratios.curves(points, "cpu")
    assert [at["value"] for at in steps["points"]] == [5, 10]
    assert [at["value"] for at in density["points"]] == [0.01, 0.1, 0.4]
    assert density["break_even"] == pytest.approx(0.2)  # ratio 4 at 10 %, 1/4 at 40 %
    assert density["peer"] == "norse" and "break_even" not in steps


def test_a_variant_need_not_learn_but_the_task_itself_must():
    points = [curve_point(None, None, 2.0), curve_point("density", 1.0, 2.0)]
    for point in points:
        point["libraries"]["norse"]["losses"] = [3.0, 3.0]
    (curve,) = ratios.curves(points, "cpu")
    assert [at["remarks"] for at in curve["points"]] == ["loss did not fall", ""]


@pytest.mark.parametrize("theirs", [2.0, 0.5])
def test_without_a_crossing_there_is_no_break_even(theirs):
    points = [curve_point(None, None, theirs), curve_point("density", 1.0, theirs)]
    assert ratios.curves(points, "cpu")[0]["break_even"] is None


def test_memory_is_that_of_a_process_of_its_own():
    worker = measure.Worker(OURS, Path(sys.executable))
    found = measure.measure_memory(worker, "mlp", tiny=True)
    assert 50 < found["imported"] < found["peak"] < 5000  # MiB
    assert worker.process is None


@pytest.fixture
def bench():
    """Workers that take a second for each network, and half as much in the peer norse."""

    def start(library):
        return Scripted(library, itertools.repeat(0.5 if library == "norse" else 1.0))

    return suites.Bench(
        start,
        peers=["snntorch", "norse"],
        names=["recurrent", "cnn"],
        rounds=1,
        warmup=1,
        tiny=True,
        clock="cpu",
        tell=lambda text: None,
    )


def test_the_suite_of_tasks_times_and_weighs_every_library(bench):
    points = list(suites.run("tasks", bench))
    assert [point["task"] for point in points] == ["recurrent", "cnn"]
    found = report.summary(results() | {"tasks": points})[0]
    assert found["best_peer"] == "norse"
    assert [row["peak"] for row in found["rows"]] == [100.0] * 3


def test_the_suite_of_populations_has_one_network_of_every_peer(bench):
    given = results() | {"suite": "population", "tasks": list(suites.run("population", bench))}
    (found,) = report.summary(given)
    members = [(row["library"], row["members"]) for row in found["rows"]]
    assert members == [(OURS, 1), (OURS, 4), ("snntorch", 1), ("norse", 1)]
    assert found["rows"][1]["over_one"]["median"] == 4.0
    assert "| hnnlib | 4 | 1000.0 | 250.0 | 4.00 | 2.00 | 100 |" in report.markdown(given)


def test_the_suite_of_curves_goes_on_with_the_fastest_peer(bench):
    points = list(suites.run("curves", bench))
    assert list(points[0]["libraries"]) == [OURS, "snntorch", "norse"]
    assert all(list(point["libraries"]) == [OURS, "norse"] for point in points[1:])
    given = results() | {"suite": "curves", "tasks": points}
    assert {curve["axis"] for curve in report.summary(given)} == {"steps", "density"}
    page = report.markdown(given)
    assert "## recurrent: density, beside norse" in page and "does not cross 1" in page
    assert json.dumps(given)


def test_a_suite_ends_its_processes(bench):
    made, start = [], bench.start
    bench.start = lambda library: made.append(start(library)) or made[-1]
    for suite in SUITES:
        list(suites.run(suite, bench))
    assert made and all(worker.closed for worker in made)


def test_a_device_that_is_not_there_is_told_and_nothing_is_written(capsys, monkeypatch, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    monkeypatch.setattr(__main__, "RESULTS", tmp_path)
    given = ["--device", "cuda", "--python", sys.executable, "--peers", "--name", "x"]
    assert __main__.main(given) == 1
    assert "finds no CUDA device" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
