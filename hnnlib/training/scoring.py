"""Scores of a trained population on one part of the data: accuracy, and the activity that it
cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hnnlib.networks import Activity, HybridNetwork
from hnnlib.randomness import MemberNoise
from hnnlib.training.examples import Examples

__all__ = ["Scores", "score"]


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
    """

    accuracy: Tensor
    tie_rate: Tensor
    dead_outputs: Tensor
    spikes: Tensor
    synaptic_operations: Tensor
    multiply_accumulates: Tensor


@torch.no_grad()
def score(
    network: HybridNetwork,
    examples: Examples,
    rows: Tensor,
    noise: MemberNoise | None = None,
    batch: int = 500,
) -> Scores:
    """Score every member on its rows (member, n); ``batch`` bounds the memory."""
    members, total = rows.shape
    sums = torch.zeros(4, members, dtype=torch.float64, device=rows.device)
    answered = None
    for some in rows.split(batch, dim=1):
        activity = network(examples.inputs(some), noise)
        logits = activity.logits
        top = logits.amax(2, keepdim=True)
        right = logits.argmax(2) == examples.labels(some)
        ties = (logits == top).sum(2) > 1
        alive = (logits != 0).any(1)
        answered = alive if answered is None else answered | alive
        sums += torch.stack(
            [t.double().sum(1) for t in (right, ties, *_spikes_and_operations(network, activity))]
        )
    means = sums / total
    return Scores(
        means[0],
        means[1],
        (~answered).sum(1).double(),
        means[2],
        means[3],
        _graded_products(network),
    )


def _spikes_and_operations(network: HybridNetwork, activity: Activity) -> tuple[Tensor, Tensor]:
    """Spikes, and spikes times mean fan-out, of each example (member, batch)."""
    spikes = sum(activity.spikes, start=torch.zeros_like(activity.logits[..., 0]))
    operations = torch.zeros_like(spikes)
    _, macs = network.macs()
    sources, units = list(activity.spikes), network.units()
    if activity.encoder_spikes is not None and macs:
        first = next(layer for layer in network.spiking if hasattr(layer, "synapse"))
        operations += activity.encoder_spikes * (
            macs[0] / torch.Size(first.synapse.in_shape).numel()
        )
    for source, fan_in_units, products in zip(sources, units, macs[1:], strict=False):
        operations += source * (products / fan_in_units)
    return spikes, operations


def _graded_products(network: HybridNetwork) -> Tensor:
    artificial, spiking = network.macs()
    graded_input = spiking and network.switches.coding != "poisson"
    products = artificial + (network.switches.steps * spiking[0] if graded_input else 0)
    return torch.full((len(network.seeds),), float(products), dtype=torch.float64)
