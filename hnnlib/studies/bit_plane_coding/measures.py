"""What is measured of a network beside its accuracy: gradients, values between layers, and answers
that depend on the batch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from hnnlib.networks.fusion import FusionNetwork
from hnnlib.training.examples import Examples
from hnnlib.training.scoring import answers
from hnnlib.training.tasks import cross_entropy

__all__ = ["BINS", "batch_flips", "encoder_values", "gradients"]

BINS = np.linspace(0, 1, 33)
"""Edges of the histogram of values, which gets what lies beyond them at its ends."""
_BATCH = 256  # of the images that an answer may depend on


def gradients(network: FusionNetwork, examples: Examples, rows: torch.Tensor) -> np.ndarray:
    """Norms (member, block) of the loss's gradient by the weights of each block: of its spiking
    branch where there is one. The network is left as it was.

    Args:
        rows: of one batch, (member, n).
    """
    kept = {name: b.clone() for name, b in network.named_buffers()}
    network.train()
    cross_entropy(network(examples.inputs(rows)), examples.labels(rows)).sum().backward()
    norms = []
    for block in network.blocks:
        first = next(iter(block.branches.values()))
        squares = [p.grad.flatten(1).square().sum(1) for p in first.parameters()]
        norms.append(sum(squares).sqrt())
    network.zero_grad()
    for name, buffer in network.named_buffers():
        buffer.copy_(kept[name])
    return torch.stack(norms, 1).cpu().numpy()


@torch.no_grad()
def encoder_values(network: FusionNetwork, examples: Examples, rows: torch.Tensor) -> np.ndarray:
    """Shares (block, bin) of the values that each block reads, all members together."""
    shares = np.zeros((len(network.blocks), len(BINS) - 1))

    def observe(place: int, values: torch.Tensor) -> None:
        within = values.clamp(0, 1).flatten().cpu().numpy()
        shares[place] = np.histogram(within, BINS)[0] / within.size

    network.eval()
    network(examples.inputs(rows), observe=observe)
    return shares


def batch_flips(network: FusionNetwork, examples: Examples, rows: torch.Tensor) -> int:
    """Answers to rows (member, n), of all members, that are others one by one than in batches.

    One by one, a range over the batch is one over the example.
    """
    together = answers(network, examples, rows, batch=_BATCH)
    coding = network.coding
    if coding.range == "batch":
        network.coding = replace(coding, range="sample")
    alone = answers(network, examples, rows, batch=_BATCH)
    network.coding = coding
    return int((together != alone).sum())
