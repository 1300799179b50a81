"""Scores of a population on one part of the data: accuracy and loss, and the activity that they
cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from hnnlib.networks.base import Costed, Network
from hnnlib.randomness import MemberNoise
from hnnlib.training.examples import Examples, Parts
from hnnlib.training.tasks import CLASSIFICATION, Task

__all__ = [
    "TRAIN_ROWS",
    "Evaluation",
    "Scores",
    "answers",
    "evaluate",
    "score",
    "score_test",
    "train_accuracy",
]


TRAIN_ROWS = 5000
"""Training examples, the first ones, on which ``train_accuracy`` is measured; all where fewer."""


class Evaluation(NamedTuple):
    """Means over examples, (member,): the task's metric and its loss."""

    metric: Tensor
    loss: Tensor


@torch.no_grad()
def evaluate(
    network: Network,
    examples: Examples,
    rows: Tensor,
    noise: MemberNoise | None = None,
    batch: int = 500,
    task: Task = CLASSIFICATION,
) -> Evaluation:
    """Metric and loss of every member on its rows (member, n); ``batch`` bounds the memory."""
    network.eval()
    sums = torch.zeros(2, len(rows), dtype=torch.float64, device=rows.device)
    for some in rows.split(batch, dim=1):
        activity, labels = network(examples.inputs(some), noise), examples.labels(some)
        metric = task.metric(activity, labels).double().sum(1)
        sums += torch.stack([metric, (task.loss(activity, labels) * some.shape[1]).double()])
    return Evaluation(*(sums / rows.shape[1]))


def train_accuracy(network: Network, examples: Examples, parts: Parts, batch: int = 500) -> Tensor:
    """Accuracy (member,) on the first training rows: what every study's ``train_accuracy`` is."""
    rows = parts.train[:, :TRAIN_ROWS]
    return evaluate(network, examples, rows, _noise(network, "train", rows), batch).metric


@torch.no_grad()
def answers(
    network: Network,
    examples: Examples,
    rows: Tensor,
    noise: MemberNoise | None = None,
    batch: int = 500,
) -> Tensor:
    """Classes (member, n) that every member gives to its rows (member, n)."""
    network.eval()
    found = [network(examples.inputs(s), noise).outputs.argmax(2) for s in rows.split(batch, dim=1)]
    return torch.cat(found, 1)


@dataclass(frozen=True)
class Scores:
    """Means over examples, one number a member (tensors of shape (member,)).

    Attributes:
        accuracy: share of right answers; a tie goes to the first class, as argmax does.
        tie_rate: share of examples whose largest count is shared by several classes.
        dead_outputs: output units that never answer.
        top_answer_share: share of the most frequent answer: 1 where the answer is always the same,
            because one class wins always or because all outputs are equal.
        spikes: spikes of all spiking layers an example, the encoder left out.
        synaptic_operations: spikes times mean fan-out an example, a Poisson encoder's spikes
            included.
        multiply_accumulates: products with graded inputs an example: artificial layers once, a
            spiking layer that reads graded values at each of the T steps.
        layer_spikes: spikes of each spiking layer an example, (member, layer).
        encoder_spikes: spikes of a Poisson encoder an example, 0 without one.
    """

    accuracy: Tensor
    tie_rate: Tensor
    dead_outputs: Tensor
    top_answer_share: Tensor
    spikes: Tensor
    synaptic_operations: Tensor
    multiply_accumulates: Tensor
    layer_spikes: Tensor
    encoder_spikes: Tensor


@torch.no_grad()
def score(
    network: Costed,
    examples: Examples,
    rows: Tensor,
    noise: MemberNoise | None = None,
    batch: int = 500,
) -> Scores:
    """Score every member on its rows (member, n); ``batch`` bounds the memory."""
    network.eval()
    members, total = rows.shape
    sums = torch.zeros(4, members, dtype=torch.float64, device=rows.device)
    answered, given, layers = None, 0, None
    for some in rows.split(batch, dim=1):
        activity = network(examples.inputs(some), noise)
        outputs = activity.outputs
        top = outputs.amax(2, keepdim=True)
        given = given + functional.one_hot(outputs.argmax(2), outputs.shape[2]).sum(1)
        right = CLASSIFICATION.metric(activity, examples.labels(some))
        ties = (outputs == top).sum(2) > 1
        alive = (outputs != 0).any(1)
        answered = alive if answered is None else answered | alive
        nothing = torch.zeros_like(outputs[..., 0])
        encoder = nothing if activity.encoder_spikes is None else activity.encoder_spikes
        operations = network.synaptic_operations(activity)
        sums += torch.stack([t.double().sum(1) for t in (right, ties, encoder, operations)])
        spikes = torch.stack([nothing, *activity.spikes], -1).double().sum(1)[:, 1:]
        layers = spikes if layers is None else layers + spikes
    means = sums / total
    return Scores(
        means[0],
        means[1],
        (~answered).sum(1).double(),
        given.amax(1) / total,
        layers.sum(1) / total,
        means[3],
        torch.full((members,), network.graded_products(), dtype=torch.float64),
        layers / total,
        means[2],
    )


def score_test(network: Costed, examples: Examples, parts: Parts, batch: int = 500) -> Scores:
    """Scores of the test part, which is read once."""
    return score(network, examples, parts.test, _noise(network, "test", parts.test), batch)


def _noise(network: Network, part: str, rows: Tensor) -> MemberNoise:
    """Draws for one part of the data, the same whenever it is scored."""
    return MemberNoise(network.seeds, "coding", part, device=rows.device)
