"""What an expert would write instead of a library: the same gradients, the same training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks import JAX, LIBRARIES, OURS, TASKS, __main__, claim, costs, ours, suites, tasks
from benchmarks.environment import ROOT
from benchmarks.peers import by_hand_models
from benchmarks.worker import Session


def expected(task):
    """Gradients of the reference engine, as PyTorch's layers have them: weight, then bias."""
    network = ours.build(task, "eager")
    functional.cross_entropy(network(ours.signal(task)), task.labels()).backward()
    found = [p.grad[0].squeeze(0) for p in network.parameters()]
    return [grad.T if grad.ndim == 2 else grad for grad in found]


def apart(gradients, task):
    """Largest relative difference, of arrays that have shape and norm in common."""
    by_shape = sorted(expected(task), key=lambda grad: (grad.shape, float(grad.norm())))
    found = sorted(gradients, key=lambda grad: (grad.shape, float(grad.norm())))
    pairs = list(zip(found, by_shape, strict=True))
    return max(float((one - other).norm() / other.norm()) for one, other in pairs)


def test_gradients_without_autograd_are_those_of_the_network():
    task = tasks.get("mlp", tiny=True)
    network, x, y = ours.build(task), ours.signal(task), task.labels()
    loss = network.gradients(x, y)
    alone = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    known = functional.cross_entropy(network(x), y)
    known.backward()
    torch.testing.assert_close(loss, known)
    torch.testing.assert_close(alone, [p.grad for p in network.parameters()])


@pytest.mark.parametrize("name", TASKS)
def test_the_pass_by_hand_has_the_gradients_of_the_reference(name):
    task = tasks.get(name, tiny=True)
    network = by_hand_models.build(task)
    with torch.no_grad():
        network.gradients(by_hand_models.signal(task), task.labels())
    found = [p.grad for p in network.parameters()]
    if not task.constant:
        found[0] = found[0].T
    assert apart(found, task) < 1e-5


@pytest.mark.parametrize("name", TASKS)
def test_jax_has_the_gradients_of_the_reference(name):
    pytest.importorskip("jax")
    import numpy as np

    from benchmarks.peers import jax_models

    task = tasks.get(name, tiny=True)
    layers = jax_models.build(task).gradients(jax_models.signal(task))
    found = [torch.from_numpy(np.array(grad)) for layer in layers for grad in layer.values()]
    assert apart(found, task) < 1e-5


@pytest.mark.parametrize("density", [0.02, 0.2])
def test_a_list_of_events_multiplies_as_the_matrix_does(density):
    x = (torch.rand(30, 7) < density).float()
    x[4], x[:, 2] = 0, 0  # an empty row, and an empty column
    left, right = torch.rand(7, 5), torch.rand(30, 5)
    listed = by_hand_models._Listed(x)
    torch.testing.assert_close(listed.times(left), x @ left)
    torch.testing.assert_close(listed.turned_times(right), x.T @ right)


@pytest.mark.parametrize("name", TASKS)
def test_by_hand_trains_as_the_others_do(name):
    losses = []
    for library in (OURS, "by_hand"):
        session = Session(library)
        session.load(name, tiny=True)
        losses.append(session.train(6)["losses"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


@pytest.mark.parametrize("suite", ["tasks", "sizes", "curves", "epoch", "studies"])
def test_experts_are_asked_where_they_wrote_the_network(suite):
    asked = __main__._arguments(["--suite", suite, "--jax", "python"]).peers
    assert (JAX in asked) == ("by_hand" in asked) == (suite not in ("epoch", "studies"))
    assert JAX not in __main__._arguments(["--suite", suite]).peers


@pytest.mark.parametrize("name", TASKS)
def test_sizes_are_a_quarter_and_twice_the_width(name):
    def widths(task):
        sized = [layer for layer in task.layers() if isinstance(layer, nn.Linear | nn.Conv2d)]
        return [len(layer.weight) for layer in sized][:-1]  # the last one has the classes

    full = widths(tasks.get(name))
    for size, factor in (("quarter", 0.25), ("full", 1), ("twice", 2)):
        assert widths(tasks.get(name, **suites._SIZES[size][name])) == [factor * n for n in full]
    assert all(4 <= width <= 32 for width in widths(tasks.get(name, tiny=True)))


def sized(task, **ratios):
    """A point's summary: a second a step in hnnlib, so many in the others."""
    rows = [{"library": library, "cpu_ratio": {"median": r}} for library, r in ratios.items()]
    return {"task": task, "rows": [{"library": OURS, "cpu": 1.0, "cpu_ratio": None}, *rows]}


def test_the_claim_names_the_sizes_at_which_it_holds(tmp_path):
    summary = [
        sized("mlp, test size", norse=4.0, snntorch=3.0, by_hand=0.9),
        sized("mlp, full", norse=5.0, snntorch=6.0, by_hand=2.0),
    ]
    about = {"threads": 1, "clock": "cpu", "machine": {"cpu": "a processor (old)"}, "commit": "c"}
    about["core_share"] = 0.5
    (tmp_path / "cpu-1-thread-sizes.json").write_text(json.dumps(about | {"summary": summary}))
    text = claim.text(tmp_path)
    assert "best library faster at every size, 3.0 to 5.0 times" in text and "busy" in text
    assert "by hand faster at every size but for mlp, test size (0.90), 2.0 to 2.0 times" in text
    assert "JAX not measured" in text
    assert "| mlp, test size | 1000.0 | 3.00 | 0.90 | - |" in text


def test_the_readme_says_what_was_measured():
    _, _, rest = (ROOT / "README.md").read_text("utf-8").partition(claim.BEGIN)
    told = rest.partition(claim.END)[0].strip()
    assert told == claim.text(ROOT / "benchmarks/results"), "run: python -m benchmarks.claim"
    assert all(library not in told for library in LIBRARIES) and told


def test_kernels_are_clocked_and_nothing_else(monkeypatch):
    from numba.core.registry import CPUDispatcher

    monkeypatch.setattr(CPUDispatcher, "__call__", CPUDispatcher.__call__, raising=False)
    clock, task = costs.Clock(), tasks.get("mlp", tiny=True)
    torch.rand(10) @ torch.rand(10)
    assert clock.seconds == 0
    network, x = ours.build(task, "cpu"), ours.signal(task)
    first = network(x)
    taken = clock.seconds
    assert taken > 0
    torch.testing.assert_close(network(x), first)
    assert clock.seconds > taken


def test_a_page_of_costs_adds_up():
    found = [("a", 2, costs.Cost(1.0, 2, 3, 4, 5)), ("b", 1, costs.Cost(0.5, 0, 0, 0, 0))]
    lines = costs.page("quick", found).splitlines()
    assert "| a | 2 | 1.0 | 2.0 | 3.0 | 4.0 | 5.0 | 15.0 |" in lines
    assert "| all | 3 | 1.5 | 2.0 | 3.0 | 4.0 | 5.0 | 15.5 |" in lines


def test_costs_are_those_of_the_jobs_of_a_run(tmp_path, monkeypatch):
    for name in ("train_group/a/x", "train_group/a/y", "collect_study/a", "execute_notebook/a"):
        path = tmp_path / "timings" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\tcpu_time\n4.0\t3.0\n")
    parts = {"start": 1.0, "kernels": 2.0, "training": 0.5}
    monkeypatch.setattr(costs, "_in_a_process", lambda study, group, scale: parts)
    assert list(costs.costs(Path(tmp_path))) == [("a", 2, costs.Cost(2.0, 4.0, 1.0, 4.0, 4.0))]
