"""Scores of a population on one part of the data: accuracy and loss, and the activity that they
cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from hnnlib.networks.base import Activity, Costed, Network
from hnnlib.randomness import MemberNoise
from hnnlib.training.examples import Examples

__all__ = [
    "Evaluation",
    "Scores",
    "answers",
    "cross_entropy",
    "evaluate",
    "score",
]


def cross_entropy(activity: Activity, labels: Tensor) -> Tensor:
    """Mean cross-entropy of the logits, (member,), for labels (member, batch)."""
    losses = functional.cross_entropy(
        activity.logits.flatten(0, 1), labels.flatten(), reduction="none"
    )
    return losses.view_as(labels).mean(1)


class Evaluation(NamedTuple):
    """Means over examples, (member,): share of right answers and cross-entropy."""

    accuracy: Tensor
    loss: Tensor


@torch.no_grad()
def evaluate(
    network: Network,
    examples: Examples,
    rows: Tensor,
    noise: MemberNoise | None = None,
    batch: int = 500,
) -> Evaluation:
    """Accuracy and loss of every member on its rows (member, n); ``batch`` bounds the memory."""
    network.eval()
    sums = torch.zeros(2, len(rows), dtype=torch.float64, device=rows.device)
    for some in rows.split(batch, dim=1):
        activity, labels = network(examples.inputs(some), noise), examples.labels(some)
        right = (activity.logits.argmax(2) == labels).sum(1)
        sums += torch.stack([right, cross_entropy(activity, labels) * some.shape[1]])
    return Evaluation(*(sums / rows.shape[1]))


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
    found = [network(examples.inputs(s), noise).logits.argmax(2) for s in rows.split(batch, dim=1)]
    return torch.cat(found, 1)


@dataclass(frozen=True)
class Scores:
    """Means over examples, one number a member (tensors of shape (member,)).

    Attributes:
        accuracy: share of right answers; a tie goes to the first class, as argmax does.
        tie_rate: share of examples whose largest count is shared by several classes.
        dead_outputs: output units that never answer.
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
    answered, layers = None, None
    for some in rows.split(batch, dim=1):
        activity = network(examples.inputs(some), noise)
        logits = activity.logits
        top = logits.amax(2, keepdim=True)
        right = logits.argmax(2) == examples.labels(some)
        ties = (logits == top).sum(2) > 1
        alive = (logits != 0).any(1)
        answered = alive if answered is None else answered | alive
        nothing = torch.zeros_like(logits[..., 0])
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
        layers.sum(1) / total,
        means[3],
        torch.full((members,), network.graded_products(), dtype=torch.float64),
        layers / total,
        means[2],
    )
