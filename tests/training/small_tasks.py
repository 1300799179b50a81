"""Small networks and data that the tests of training share."""

import torch
from torch import nn

from hnnlib.networks.base import Activity
from hnnlib.training import loop
from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.examples import Parts
from hnnlib.training.loop import Schedule


class Slope(nn.Module):
    """Two classes on a line: logits (0, w x + b), one w and b a member, and a running mean."""

    def __init__(self, members, start=0.0):
        super().__init__()
        self.seeds = tuple(range(members))
        self.weight = nn.Parameter(torch.full((members, 1), start))
        self.bias = nn.Parameter(torch.zeros(members, 1))
        self.register_buffer("mean", torch.zeros(members, 1))

    def forward(self, x, noise=None):
        if self.training:
            self.mean.lerp_(x.mean(1, keepdim=True), 0.1)
        logit = self.weight * x + self.bias
        return Activity(torch.stack([torch.zeros_like(logit), logit], -1), [])


class Line:
    """Positive numbers are class 1, but for one in ten."""

    def __init__(self):
        self.x = torch.linspace(-1, 1, 100)
        self.y = (self.x > 0).long()
        self.y[::10] = 1 - self.y[::10]

    def inputs(self, rows):
        return self.x[rows]

    def labels(self, rows):
        return self.y[rows]


class Map(nn.Module):
    """A linear map (in, out) of each member, from weights that its seed draws."""

    def __init__(self, seeds, shape=(3, 2)):
        super().__init__()
        self.seeds = tuple(seeds)
        draws = [torch.Generator().manual_seed(seed) for seed in self.seeds]
        self.weight = nn.Parameter(torch.stack([torch.randn(shape, generator=g) for g in draws]))

    def forward(self, x, noise=None):
        return Activity(x @ self.weight, [])


class Mapped:
    """Vectors and their images under a known linear map, to be found."""

    def __init__(self, noise=0.0):
        draw = torch.Generator().manual_seed(0)
        self.weight = torch.randn(3, 2, generator=draw)
        self.x = torch.randn(100, 3, generator=draw)
        self.y = self.x @ self.weight + noise * torch.randn(100, 2, generator=draw)

    def inputs(self, rows):
        return self.x[rows]

    def labels(self, rows):
        return self.y[rows]


def fit(folder, network, examples, name="c", say=lambda line: None, more=None, **options):
    """Train on half of 100 rows; ``more`` goes to ``loop.fit``, the rest to the schedule."""
    rows = torch.arange(100).expand(len(network.seeds), -1)
    parts = Parts(rows[:, ::2], rows[:, 1::4], rows[:, 3::4])
    schedule = Schedule(**({"epochs": 6, "batch": 10, "learning_rate": 0.1} | options))
    checkpoint = Checkpoint(folder / f"{name}.npz", "x")
    return loop.fit(network, examples, parts, schedule, checkpoint, say, **(more or {}))


def stop_behind(epoch):
    """A ``say`` that interrupts training."""

    def say(line):
        if line.startswith(f"epoch {epoch}/"):
            raise InterruptedError

    return say
