"""``python -m benchmarks.grid``: a grid of tau and V_th as one population, against SpikingJelly,
which trains its cells one after another.

The task is that of the study ``operational_manifold``: MLP 784-512-256-10 of LIF neurons with a
decaying input, T = 10, Bernoulli input, mean squared error of output rates, Adam. The population
does all cells at once, the peer a sample of them, spread over the grid, whose mean stands for all.
Both read random images with the brightness of MNIST and take turns, each on one thread. Times are
those of the processor, for each cell and training step.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
_BATCH, _STEPS, _SIZES = 128, 10, (784, 512, 256, 10)


def axes(edge: int) -> tuple[np.ndarray, np.ndarray]:
    """tau and V_th of all cells of an edge x edge grid, tau the slower axis."""
    tau, threshold = np.linspace(1.001, 5.0, edge), np.linspace(0.01, 3.0, edge)
    return tuple(a.ravel() for a in np.meshgrid(tau, threshold, indexing="ij"))


def images(seed: int) -> tuple[Tensor, Tensor]:
    """A batch with the brightness of MNIST: a fifth of the pixels lit, half of these fully."""
    generator = torch.Generator().manual_seed(seed)
    shape = (_BATCH, _SIZES[0])
    lit = torch.rand(shape, generator=generator) < 0.19
    bright = torch.rand(shape, generator=generator)
    pixels = lit * (2 * bright).clamp(max=1.0)
    return pixels, torch.randint(0, 10, (_BATCH,), generator=generator)


class Ours:
    """The whole grid as one population."""

    def __init__(self, edge: int) -> None:
        from hnnlib import engines
        from hnnlib.codings.poisson import Poisson
        from hnnlib.networks.rate import RateDesign, RateNetwork
        from hnnlib.training.optimiser import PopulationAdam

        tau, threshold = axes(edge)
        engine = engines.get("cpu")
        engine.prepare(print)
        design = RateDesign((), _SIZES[1:], Poisson(_STEPS))
        seeds = [0] * len(tau)
        self.network = RateNetwork(design, (1, 28, 28), seeds, tau, threshold, engine)
        self.optimiser = PopulationAdam(self.network.parameters())
        self.rates = torch.full((len(tau),), 1e-3)

    def step(self, seed: int) -> None:
        """One training step of all cells."""
        from hnnlib.networks.rate import rate_error
        from hnnlib.randomness import MemberNoise

        x, y = images(seed)
        cells = len(self.rates)
        noise = MemberNoise(self.network.seeds, "benchmark", seed)
        activity = self.network(x.view(1, _BATCH, 1, 28, 28), noise)
        rate_error(activity, y.expand(cells, -1)).sum().backward()
        self.optimiser.step(self.rates)


class Peer:
    """One cell in SpikingJelly."""

    def __init__(self, tau: float, threshold: float) -> None:
        from spikingjelly.activation_based import functional, layer, neuron, surrogate

        self.reset = functional.reset_net
        stages: list[nn.Module] = []
        for inputs, units in zip(_SIZES[:-1], _SIZES[1:], strict=True):
            stages.append(layer.Linear(inputs, units, step_mode="m"))
            stages.append(
                neuron.LIFNode(
                    tau=tau,
                    v_threshold=threshold,
                    surrogate_function=surrogate.ATan(),
                    step_mode="m",
                )
            )
        self.network = nn.Sequential(*stages)
        self.optimiser = torch.optim.Adam(self.network.parameters(), 1e-3, fused=True)

    def step(self, seed: int) -> None:
        """One training step."""
        x, y = images(seed)
        spikes = (torch.rand(_STEPS, *x.shape) < x).float()
        rates = self.network(spikes).mean(0)
        loss = nn.functional.mse_loss(rates, nn.functional.one_hot(y, 10).float())
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.reset(self.network)


def timed(model: Ours | Peer, first: int, steps: int) -> float:
    """Processor seconds of a training step."""
    started = time.process_time()
    for step in range(steps):
        model.step(first + step)
    return (time.process_time() - started) / steps


def serve(edge: int, cells: list[int], steps: int) -> None:
    """In the peer's interpreter: a round of all sampled cells for each line of input."""
    tau, threshold = axes(edge)
    models = [Peer(float(tau[k]), float(threshold[k])) for k in cells]
    for number, _ in enumerate(sys.stdin):
        found = [timed(model, number * steps, steps) for model in models]
        print(json.dumps(found), flush=True)


def compare(python: Path, edge: int, sample: int, rounds: int, steps: int) -> float:
    """Our processor time for the whole grid by the peer's; prints what it rests on."""
    cells = np.linspace(0, edge * edge - 1, sample).round().astype(int).tolist()
    command = [str(python), str(Path(__file__)), "--serve", json.dumps(cells)]
    command += ["--edge", str(edge), "--steps", str(steps)]
    ours, ratios = Ours(edge), []
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as p:
        for number in range(rounds + 1):
            mine = timed(ours, number * steps, steps) / edge**2
            print(number, file=p.stdin, flush=True)
            theirs = json.loads(p.stdout.readline())
            ratio = mine / statistics.mean(theirs)
            words = "warm-up" if number == 0 else f"round {number}"
            print(
                f"{words}: {1e3 * mine:.1f} ms a cell and step here, SpikingJelly "
                f"{1e3 * min(theirs):.1f} to {1e3 * max(theirs):.1f} ms, "
                f"mean {1e3 * statistics.mean(theirs):.1f} ms: ratio {ratio:.3f}",
                flush=True,
            )
            ratios += [ratio] if number else []
        p.stdin.close()
    return statistics.median(ratios)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grid", description=__doc__)
    parser.add_argument("--python", type=Path, help="interpreter that has SpikingJelly")
    parser.add_argument("--edge", type=int, default=8, help="points on each axis (default 8)")
    parser.add_argument("--sample", type=int, default=8, help="cells the peer trains (default 8)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="training steps in a round")
    parser.add_argument("--serve", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.serve is not None:
        serve(given.edge, given.serve, given.steps)
        return
    from benchmarks import environment
    from hnnlib.training.memory import keep_memory

    keep_memory()
    python = given.python or environment.ensure()
    ratio = compare(python, given.edge, given.sample, given.rounds, given.steps)
    print(f"median: {ratio:.3f} of SpikingJelly's time, one cell after another")


if __name__ == "__main__":
    main()
