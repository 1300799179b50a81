"""What the benchmark says of where time goes."""

from __future__ import annotations

import torch

from benchmarks import OURS, ours, tasks
from benchmarks.worker import Session
from hnnlib.signals import dense


def test_operations_are_those_of_dense_products_and_of_rows():
    task = tasks.get("mlp", tiny=True)
    network, x = ours.build(task), ours.signal(task)
    hidden = dense(network.layers_and_logits(x)[0][0])
    often = task.input().sum(0)
    rows = torch.minimum(often, task.steps + 1 - often).sum()  # added, or taken from the whole
    back = task.steps * task.batch * task.hidden * task.classes
    expected = 2 * rows * task.hidden + 2 * hidden.sum() * task.classes + back
    assert network.operations(x) == expected


def test_a_constant_image_is_convolved_once_and_its_spikes_by_kernels():
    task = tasks.get("cnn", tiny=True)
    network, x = ours.build(task), ours.signal(task)
    first, second, third, last = (
        layer.weight for layer in task.layers() if hasattr(layer, "weight")
    )
    spikes = [dense(layer) for layer in network.layers_and_logits(x)[0]]
    pooled = network.engine.pool(network.stages[0](x, network.engine), 2)
    once = 2 * task.batch * first.numel() * spikes[0][0, 0, 0, 0].numel()
    events = zip(
        (dense(pooled), *spikes[1:3]),
        (second[:, 0].numel(), third.shape[0], last.shape[0]),
        strict=True,
    )
    added = 2 * sum(signal.sum().item() * fan for signal, fan in events)
    back = second.numel() * spikes[1][0, 0, 0, 0].numel() * 16 / 36 + third.numel() + last.numel()
    expected = once + added + task.steps * task.batch * back
    assert abs(network.operations(x) / expected - 1) < 1e-6


def test_a_profile_says_what_the_operations_alone_would_take():
    session = Session(OURS)
    session.load("recurrent", tiny=True)
    found = session.profile(steps=1)
    assert 0 < found["least"] < 1 and sum(found["profile"].values()) > 0
