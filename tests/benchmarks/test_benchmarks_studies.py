"""Networks of studies against plain PyTorch: the same function, the same gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from benchmarks import STUDIED, __main__, ours, tasks
from benchmarks.peers import torch_models


def passed(task, network, x):
    """Logits, loss and gradients by the sum of their numbers' names."""
    logits = network(x)
    functional.cross_entropy(logits, task.labels()).backward()
    return logits, {name: p.grad for name, p in network.named_parameters()}


@pytest.mark.parametrize("engine", ["cpu", "eager"])
@pytest.mark.parametrize("name", STUDIED)
def test_plain_pytorch_computes_the_same(name, engine):
    task = tasks.get(name, tiny=True)
    mine = ours.build(task, engine)
    logits, gradients = passed(task, mine, ours.signal(task))
    same, theirs = passed(task, torch_models.build(task), task.input())
    torch.testing.assert_close(logits, same, rtol=1e-5, atol=1e-5)
    assert len(gradients) == len(theirs)
    for key, gradient in gradients.items():
        other = theirs["own." + key.removeprefix("network.").replace(".", "_")]
        difference = (gradient[0] - other).norm() / other.norm()
        assert difference < 1e-5, key
    shares = mine.spike_density(ours.signal(task))
    assert all(0 < share < 1 for share in shares) or name == "graded"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("delays", 128 * (140 + 128) + 128 * 20 + 3 * (2 * 128 + 20) + 2 * 25 * 128),
        ("quadratic", 9 * (3 * 16 + 16 * 32 + 32 * 32) + 2 * (16 + 32 + 32) + 32 * 64 * 10 + 10),
    ],
)
def test_their_size_is_the_stated_one(name, parameters):
    assert sum(p.numel() for p in ours.build(tasks.get(name)).parameters()) == parameters


def test_only_libraries_that_can_say_one_of_them_are_asked():
    options = __main__._arguments(["--suite", "studies", "--peers", "norse", "spikingjelly"])
    assert options.peers == ["torch", "spikingjelly"]
    assert __main__._arguments(["--suite", "studies", "--peers"]).peers == ["torch"]


def test_our_losses_fall():
    for name in STUDIED:
        task = tasks.get(name, tiny=True)
        network, x, y = ours.build(task), ours.signal(task), task.labels()
        optimiser = torch.optim.Adam(network.parameters(), 1e-2)
        losses = []
        for _ in range(6):
            optimiser.zero_grad()
            loss = functional.cross_entropy(network(x), y)
            loss.backward()
            losses.append(loss.item())
            optimiser.step()
        assert all(map(math.isfinite, losses)) and losses[-1] < losses[0]
