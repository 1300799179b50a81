"""The tasks: networks, inputs and initial weights, the same for every library.

Sizes, density and the number of members can be changed: the suites ask for such variants.
The task ``epoch`` reads real recordings; the others draw their input.

Neurons of every task follow V[t] = decay V'[t-1] + I[t], O[t] = 1 if V[t] > 1, V' = V (1 - O) (hard
reset), with the surrogate derivative 1 / (1 + |V - 1|)^2: one that all the libraries can compute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import EPOCH

__all__ = ["CNN", "MLP", "Epoch", "Recurrent", "Task", "get"]

_SPREAD = {"decay": 0.05, "threshold": 0.3}  # of a population's members, to both sides


@dataclass(frozen=True)
class Task:
    """What all tasks share.

    Attributes:
        steps: time steps T.
        batch: examples in a training step.
        classes: output units.
        decay: membrane decay in one step.
        gain: initial weights are U(-gain, gain) / sqrt(fan-in); enough for every layer to spike.
        learning_rate: of Adam.
        repeats: training steps in one timing, more where a step is short.
        members: networks trained at once as a population; the peers know one.
        input_gain: factor on the first layer's initial weights. A sparser input with stronger
            weights gives the hidden units the same drive, so that they spike as often.
        constant: the input is one current for all steps, (batch, *units), not (time, batch, units).
    """

    name: str
    title: str
    steps: int
    batch: int
    classes: int
    decay: float
    gain: float
    learning_rate: float
    repeats: int
    constant: bool = False
    members: int = 1
    input_gain: float = 1.0

    def generator(self, role: int) -> torch.Generator:
        """Random numbers of one role; the same in every process.

        Roles: 0 input, 1 labels, 2 weights, 3 order of recordings.
        """
        return torch.Generator().manual_seed(1000 + role)

    def input(self) -> Tensor:
        """Input of one training step, float32."""
        raise NotImplementedError

    def labels(self) -> Tensor:
        """Random classes, (batch,); training has to learn them by heart."""
        return torch.randint(0, self.classes, (self.batch,), generator=self.generator(1))

    def layers(self) -> list[nn.Module]:
        """Linear, Conv2d, MaxPool2d and Flatten in the network's order, with initial weights."""
        raise NotImplementedError

    def drive(self) -> float:
        """Variance of a hidden unit's potential, in those of its weights, if it never spiked.

        The leak sums up what an input element brings at every step, and averages what varies.
        """
        spikes = self.input().sum(0)
        total = spikes.mean() / self.steps
        constant = (spikes * (spikes - 1)).mean() / (self.steps * (self.steps - 1))
        leak = 1 - self.decay
        return float((total - constant) / (1 - self.decay**2) + constant / leak**2)

    def decays(self) -> list[float]:
        """Membrane decay of every member: around ``decay``, which a single network has."""
        return [self.decay + _SPREAD["decay"] * place for place in self._places()]

    def thresholds(self) -> list[float]:
        """Threshold of every member: around 1, rising with the decay."""
        return [1.0 + _SPREAD["threshold"] * place for place in self._places()]

    def _places(self) -> list[float]:
        """Members spread evenly over [-1, 1]; 0 for a single one."""
        if self.members == 1:
            return [0.0]
        return [2 * member / (self.members - 1) - 1 for member in range(self.members)]

    def tiny(self) -> Task:
        """The same task, small enough for a test."""
        raise NotImplementedError

    def _drawn(self, modules: list[nn.Module]) -> list[nn.Module]:
        generator = self.generator(2)
        with torch.no_grad():
            for module in modules:
                for parameter in module.parameters():
                    bound = self.gain / math.sqrt(module.weight[0].numel())
                    parameter.uniform_(-bound, bound, generator=generator)
            modules[0].weight *= self.input_gain
        return modules


@dataclass(frozen=True)
class Recurrent(Task):
    """LIF layer with all-to-all recurrence and a leaky readout; logits are its maxima over time.

    Readout: y[t] = k y[t-1] + (1 - k) o[t] W, with k = ``readout_decay``; no bias anywhere. Input:
    independent Bernoulli spikes.
    """

    inputs: int = 700
    hidden: int = 256
    density: float = 0.02
    readout_decay: float = 0.95

    def input(self) -> Tensor:
        """Spikes (time, batch, inputs)."""
        shape = (self.steps, self.batch, self.inputs)
        return (torch.rand(shape, generator=self.generator(0)) < self.density).float()

    def layers(self) -> list[nn.Module]:
        """Input, recurrent and readout weights."""
        sizes = (
            (self.inputs, self.hidden),
            (self.hidden, self.hidden),
            (self.hidden, self.classes),
        )
        return self._drawn([nn.Linear(*size, bias=False) for size in sizes])

    def tiny(self) -> Recurrent:
        """See ``Task``."""
        return replace(self, steps=20, batch=8, inputs=50, hidden=12, density=0.1, repeats=1)


@dataclass(frozen=True)
class Epoch(Recurrent):
    """The recurrent network on every recording of a training part, see ``benchmarks.recordings``.

    Attributes:
        data: name of the data set.
        width: of a time step, seconds.

    ``repeats`` has no meaning here: one timing is an epoch.
    """

    data: str = "shd"
    width: float = 0.01

    def tiny(self) -> Epoch:
        """See ``Task``: on generated recordings of three channels."""
        return replace(
            self,
            data="randman_500_parameters",
            steps=20,
            width=0.005,
            batch=300,
            inputs=3,
            hidden=12,
            input_gain=2.0,
        )


@dataclass(frozen=True)
class MLP(Task):
    """Fully connected LIF layers with bias; spike counts of the last one are the logits.

    Input: Bernoulli spikes of pixels. At the density of MNIST, 13 %, a fifth of the pixels are lit,
    at 0.3 to 1; for other densities more or fewer, and beyond 65 % all of them, brighter.
    """

    inputs: int = 784
    hidden: int = 500
    density: float = 0.13

    def input(self) -> Tensor:
        """Spikes (time, batch, pixels)."""
        generator = self.generator(0)
        shape = (self.batch, self.inputs)
        darkest = max(0.3, 2 * self.density - 1)
        lit = torch.rand(shape, generator=generator) < 2 * self.density / (1 + darkest)
        pixels = lit * (darkest + (1 - darkest) * torch.rand(shape, generator=generator))
        return (torch.rand((self.steps, *shape), generator=generator) < pixels).float()

    def layers(self) -> list[nn.Module]:
        """Weights and biases."""
        pairs = ((self.inputs, self.hidden), (self.hidden, self.classes))
        return self._drawn([nn.Linear(*pair) for pair in pairs])

    def tiny(self) -> MLP:
        """See ``Task``."""
        return replace(self, steps=10, batch=16, inputs=64, hidden=32, gain=2.5, repeats=1)


@dataclass(frozen=True)
class CNN(Task):
    """Convolutional LIF network (3x3, valid, with bias); the last layer's counts are the logits.

    Input: one image as a constant current. ``channels`` has a convolution's channels, or 0 for a
    2x2 max-pool.
    """

    edge: int = 32
    channels: tuple[int, ...] = (32, 32, 64, 0, 64, 0)
    hidden: int = 512

    def input(self) -> Tensor:
        """Images (batch, 3, edge, edge) in [0, 1)."""
        return torch.rand((self.batch, 3, self.edge, self.edge), generator=self.generator(0))

    def layers(self) -> list[nn.Module]:
        """Kernels, weights, biases, and the layers that have none."""
        modules: list[nn.Module] = []
        depth, edge = 3, self.edge
        for channels in self.channels:
            modules.append(nn.Conv2d(depth, channels, 3) if channels else nn.MaxPool2d(2))
            depth, edge = (channels, edge - 2) if channels else (depth, edge // 2)
        flat = depth * edge * edge
        dense = [nn.Linear(flat, self.hidden), nn.Linear(self.hidden, self.classes)]
        return self._drawn([*modules, nn.Flatten(), *dense])

    def tiny(self) -> CNN:
        """See ``Task``."""
        return replace(self, batch=4, edge=12, channels=(4, 0, 8), hidden=16, repeats=1)


def get(name: str, tiny: bool = False, **changes: Any) -> Task:
    """A task by name, at full or at test size, some of its attributes changed."""
    task = _TASKS[name] if name in _TASKS else _studied(name)
    return replace(replace(task.tiny(), title=f"tiny {name}") if tiny else task, **changes)


def _studied(name: str) -> Task:
    from benchmarks.studies import STUDIED  # loads much of hnnlib, which other tasks don't need

    return next(task for task in STUDIED if task.name == name)


_TASKS = {
    task.name: task
    for task in (
        Recurrent(
            "recurrent",
            "recurrent 700-256-20, T = 100, batch 256, 2 % input spikes",
            steps=100,
            batch=256,
            classes=20,
            decay=0.95,
            gain=math.sqrt(3),
            learning_rate=1e-3,
            repeats=1,
        ),
        Epoch(
            EPOCH,
            "an epoch of SHD: recurrent 700-256-20, T = 100, batch 256",
            steps=100,
            batch=256,
            classes=20,
            decay=0.95,
            gain=1.0,  # with this gain and rate 3 % of hidden units spike, as in ``recurrent``;
            learning_rate=2e-4,  # at its own, training soon makes a third of them spike
            repeats=1,
            input_gain=0.5,
        ),
        MLP(
            "mlp",
            "MLP 784-500-10, T = 25, batch 128, 13 % input spikes",
            steps=25,
            batch=128,
            classes=10,
            decay=0.9,
            gain=1.0,
            learning_rate=1e-3,
            repeats=4,
        ),
        CNN(
            "cnn",
            "CNN 32C3-32C3-64C3-P2-64C3-P2-512-10, 32x32x3, T = 10, batch 32",
            steps=10,
            batch=32,
            classes=10,
            decay=0.9,
            gain=math.sqrt(6),
            learning_rate=1e-4,
            repeats=1,
            constant=True,
        ),
    )
}
