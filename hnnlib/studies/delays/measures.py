"""What the study ``delays`` stores of a cell beside what every study does, and what it compares."""

from __future__ import annotations

import time

import numpy as np
import torch

from hnnlib.engines import Engine
from hnnlib.networks.delays import DelayNetwork
from hnnlib.randomness import MemberNoise, torch_generator
from hnnlib.training.examples import Examples
from hnnlib.training.tasks import cross_entropy
from hnnlib.variables import Variable, of_cell

__all__ = ["lines", "register", "registers", "step_seconds"]


def register(signal: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    """The line as state variables, step by step: v[t] = A v[t-1] + e_1 z[t] with ones below the
    diagonal of A, m[t] = sum_i M_i v_i[t].

    Args:
        signal: z, (time, member, batch, unit).
        taps: M, (member, lag, unit).
    """
    state, read = [torch.zeros_like(signal[0])] * taps.shape[1], []
    for z in signal:
        state = [z, *state[:-1]]
        read.append(sum(v * taps[:, lag, None] for lag, v in enumerate(state)))
    return torch.stack(read)


def registers(network: DelayNetwork, engine: Engine) -> float:
    """Largest difference between the state variables and the product that stands for them, over all
    layers, on a drawn drive and in double precision; NaN without a line.
    """
    generator = torch_generator(0, "register")
    found = [float("nan")]
    for line in (layer.line for layer in network.hidden if layer.line is not None):
        taps = line().detach().double()
        shape = network.design.steps, len(taps), 2, taps.shape[2]
        drive = torch.randn(shape, dtype=torch.float64, generator=generator).to(taps.device)
        away = register(drive, taps) - engine.delayed(drive, taps)
        found.append(away.abs().max().item())
    return float(np.fmax.reduce(found))


def lines(network: DelayNetwork) -> dict[str, Variable]:
    """The taps as they act, by lag: mean and deciles over units."""
    if network.hidden[0].line is None:
        return {}
    taps = torch.stack([layer.line().detach() for layer in network.hidden], 1).cpu()
    dims, order = ("seed", "layer", "lag"), taps.shape[2]
    named = {
        "taps": (taps.mean(3), "tap of the line, mean over units"),
        "taps_low": (taps.quantile(0.1, 3), "tap of the line, first decile over units"),
        "taps_high": (taps.quantile(0.9, 3), "tap of the line, last decile over units"),
    }
    found = {name: of_cell(dims, values.numpy(), text) for name, (values, text) in named.items()}
    return found | {"lag": ("lag", np.arange(order)), "layer": ("layer", [1, 2])}


def step_seconds(network: DelayNetwork, examples: Examples, rows: torch.Tensor) -> Variable:
    """Processor time of a training step on rows (member, batch), measured once for each seed.

    The network is not the same afterwards: its running statistics move.
    """
    network.train()
    inputs, labels = examples.inputs(rows), examples.labels(rows)
    noise, found = MemberNoise(network.seeds, "timing", device=rows.device), []
    for _ in range(len(rows) + 1):
        started = time.process_time()
        cross_entropy(network(inputs, noise), labels).sum().backward()
        found.append((time.process_time() - started) / len(rows))
    text = "processor time of a training step of one network, one measurement a seed"
    return of_cell(("seed",), found[1:], text, "s")  # the first one warms up
