"""Networks whose units see their own past drive (Karilanova, Dey & Ozcelikkale, arXiv:2512.01906).

With z[t] the normalised drive of a unit, the line of delays holds z[t], .., z[t - n + 1] as further
state variables, which its taps M read: m[t] = sum_i M_i z[t - i]. Lag 0 is one of them. Spikes
never enter the line, so that it needs no loop over time: ``Engine.delayed`` is one product for all
steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hnnlib.engines import Engine
from hnnlib.networks.base import TRAINED_COPIES, Activity
from hnnlib.networks.normalised import NormalisedDense
from hnnlib.neurons.adaptive import AdaptiveLIF
from hnnlib.neurons.filters import DualExponential
from hnnlib.neurons.lif import LIF
from hnnlib.randomness import MemberNoise, key, torch_generator
from hnnlib.signals import Signal, Spikes, count
from hnnlib.surrogates.rectangle import Rectangle

__all__ = ["Arm", "DelayDesign", "DelayLine", "DelayNetwork", "DelayedDense", "parameters"]

Kind = Literal["none", "delay", "gain", "norm", "gain_norm", "gain_rms", "legendre", "dcls"]
AT_LAG_0: tuple[Kind, ...] = ("gain", "gain_norm", "gain_rms")
Init = Literal["rand", "ones", "decay_exp", "decay_lin"]
MOMENTUM = 0.05
ALPHA = (0.36, 0.96)
ADAPTIVE = {"alpha": ALPHA, "beta": (0.96, 0.99), "a": (0.0, 1.0), "b": (0.0, 2.0)}
"""Where constants of the neurons start, and where they are kept."""
WIDE, NARROW = 12.0, 0.5
"""Widths of the delays of synapses, at the start of training and from its half on, in steps."""


@dataclass(frozen=True)
class Arm:
    """What a unit of one member sees of its past drive.

    Attributes:
        kind: ``delay``, the line of the paper; ``gain``, the same taps, all at lag 0; ``norm`` and
            ``gain_norm``, either with M_i / sum_j |M_j|, which does not amplify a constant;
            ``gain_rms``, at lag 0 the root of the sum of squares of these, so that a drive that is
            white in time has the variance that ``norm`` gives it;
            ``legendre``, a normalised line whose taps are polynomials of the lag (the window of a
            Legendre memory, Voelker et al. 2019) with a fourth of the coefficients; ``dcls``, no
            line, a trained delay of every synapse instead (Hammouamri et al. 2023).
        order: number n of taps; of ``dcls``, of lags.
        init: where M starts: U(0, 1), 1, exp(-i / 2), or (n - i) / n.
        trained: whether M is trained.
        draw: ``keyed``, or as in the public code, where what is drawn after a line depends on how
            long it is.
    """

    kind: Kind = "none"
    order: int = 0
    init: Init = "rand"
    trained: bool = True
    draw: Literal["keyed", "global"] = "keyed"

    @property
    def taps(self) -> int:
        """Numbers of a unit's line that are drawn, and trained if any is."""
        return {"none": 0, "dcls": 0, "legendre": max(2, self.order // 4)}.get(
            self.kind, self.order
        )

    @property
    def lags(self) -> int:
        """State variables that the line adds to a unit."""
        return 0 if self.kind in AT_LAG_0 else self.taps


@dataclass(frozen=True)
class DelayDesign:
    """What all members share.

    Attributes:
        units: of each of the two hidden layers.
        steps: time steps of an example.
        neuron: ``lif``, or ``adlif`` with adaptation.
        dropout: share of spikes of a hidden layer that training leaves out.
        settle: training steps over which delays of synapses narrow.
    """

    units: int
    steps: int
    neuron: Literal["lif", "adlif"] = "lif"
    dropout: float = 0.0
    settle: int = 1


def parameters(inputs: int, classes: int, units: int, arm: Arm) -> int:
    """Trained numbers of a member with ``lif`` neurons: weights, normalisation, decays, and taps or
    delays of synapses.
    """
    neurons, synapses = 2 * units + classes, units * (inputs + units)
    delays = synapses if arm.kind == "dcls" else 2 * arm.taps * units
    return synapses + units * classes + 3 * neurons + delays


class DelayLine(nn.Module):
    """Taps of the units of a layer.

    Args:
        arms: one a member, of one order.
        units: of the layer.
        seeds, role: key the initial draw.
    """

    def __init__(self, arms: Sequence[Arm], units: int, seeds: Sequence[int], role: str) -> None:
        super().__init__()
        order = arms[0].order
        pairs = zip(arms, seeds, strict=True)
        self.taps = nn.Parameter(torch.stack([_start(arm, units, s, role) for arm, s in pairs]))
        self.register_buffer("basis", torch.stack([_basis(arm) for arm in arms]))

        def flags(*kinds: Kind) -> Tensor:
            return torch.tensor([arm.kind in kinds for arm in arms]).view(-1, 1, 1)

        normed = flags("norm", "gain_norm", "gain_rms", "legendre")
        self.register_buffer("folded", flags(*AT_LAG_0), persistent=False)
        self.register_buffer("squared", flags("gain_rms"), persistent=False)
        self.register_buffer("normed", normed, persistent=False)
        trained = torch.tensor([arm.trained for arm in arms]).view(-1, 1, 1)
        self.register_buffer("trained", trained, persistent=False)
        self.register_buffer("first", torch.arange(order).view(-1, 1) == 0, persistent=False)

    def forward(self) -> Tensor:
        """Taps as they act, (member, lag, unit)."""
        taps = self.basis @ torch.where(self.trained, self.taps, self.taps.detach())
        taps = torch.where(self.normed, taps / taps.abs().sum(1, keepdim=True), taps)
        sums = taps.sum(1, keepdim=True)
        if self.squared.any():
            sums = torch.where(self.squared, taps.square().sum(1, keepdim=True).sqrt(), sums)
        return torch.where(self.folded, sums * self.first, taps)


def _start(arm: Arm, units: int, seed: int, role: str) -> Tensor:
    """Initial taps (tap, unit), 0 where an arm has fewer than others of its order."""
    lag = torch.arange(arm.order, dtype=torch.float32).view(-1, 1).expand(-1, units)
    drawn = torch.rand(arm.order, units, generator=torch_generator(seed, "initialisation", role))
    starts = {
        "rand": drawn,
        "ones": torch.ones_like(lag),
        "decay_exp": torch.exp(-lag / 2),
        "decay_lin": (arm.order - lag) / arm.order,
    }
    return torch.where(lag < arm.taps, starts[arm.init], 0.0)


def _basis(arm: Arm) -> Tensor:
    """What each tap of the parameters is in the line, (lag, tap)."""
    if arm.kind != "legendre":
        return torch.eye(arm.order)
    places = np.linspace(-1, 1, arm.order)
    values = np.polynomial.legendre.legvander(places, arm.order - 1)
    values[:, arm.taps :] = 0
    return torch.from_numpy(values).float()


class DelayedDense(NormalisedDense):
    """A product whose every synapse has a delay of its own (DCLS, Hammouamri et al. 2023).

    A synapse's weight is spread over lags as a Gaussian around its delay; it narrows while training
    goes on, until a spike arrives at one step, about.

    Args:
        in_shape, units, seeds, role, momentum: as in ``NormalisedDense``.
        lags: of which delays are chosen.
        settle: training steps over which the Gaussian narrows.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        units: int,
        seeds: Sequence[int],
        role: str,
        momentum: float,
        lags: int,
        settle: int,
    ) -> None:
        super().__init__(in_shape, units, seeds, role, momentum)
        self.lags, self.settle = lags, settle
        shape = self.dense.weight.shape
        self.delay = _uniform((0, lags - 1), shape[1:], seeds, f"{role}.delay")
        self.register_buffer("passes", torch.zeros(len(seeds), 1))

    def forward(self, signal: Signal, engine: Engine) -> Tensor:
        """See ``NormalisedDense``."""
        if self.training:
            self.passes += 1
        x = engine.written(signal)
        x = functional.pad(
            x.expand(-1, len(self.delay), -1, -1).permute(1, 2, 3, 0), (self.lags - 1, 0)
        )
        parts = [functional.conv1d(*pair) for pair in zip(x, self.kernels().flip(3), strict=True)]
        return self.of_product(torch.stack(parts, 1).permute(3, 1, 0, 2))

    def kernels(self) -> Tensor:
        """Weights by lag, (member, unit out, unit in, lag); they sum to the weight."""
        done = (self.passes / self.settle).clamp(max=1).view(-1, 1, 1, 1)
        width = WIDE * (NARROW / WIDE) ** done
        away = torch.arange(self.lags, device=done.device) - self.delay.unsqueeze(3)
        spread = torch.softmax(-0.5 * (away / width).square(), 3)
        return (self.dense.weight.unsqueeze(3) * spread).transpose(1, 2)


class _Hidden(nn.Module):
    """One hidden layer: product, normalisation, line of delays, neurons."""

    def __init__(
        self, inputs: int, design: DelayDesign, arms: Sequence[Arm], seeds: Sequence[int], role: str
    ) -> None:
        super().__init__()
        shape = (inputs,), design.units, seeds, role, MOMENTUM
        first = arms[0]
        if first.kind == "dcls":
            self.synapse = DelayedDense(*shape, first.order, design.settle)
        else:
            self.synapse = NormalisedDense(*shape)
        taps = first.order if first.taps else 0
        self.line = DelayLine(arms, design.units, seeds, f"{role}.taps") if taps else None
        self.reach = [1 if arm.kind in AT_LAG_0 else max(1, taps) for arm in arms]
        self.adaptive = design.neuron == "adlif"
        self.ranges = ADAPTIVE if self.adaptive else {"decay": ALPHA}
        self.constants = nn.ParameterDict(
            {
                name: _uniform(ends, (1, design.units), seeds, f"{role}.{name}")
                for name, ends in self.ranges.items()
            }
        )

    def forward(self, signal: Signal, engine: Engine) -> Signal:
        """Spikes (time, member, batch, unit)."""
        drive = self.synapse(signal, engine)
        # no gradient beyond the ends, as in the public code
        values = {name: p.clamp(*self.ranges[name]) for name, p in self.constants.items()}
        taps = 1 - next(iter(values.values()))  # of lag 0, by the potential's decay
        if self.line is not None:
            taps = self.line() + taps * self.line.first
        surrogate = Rectangle(half_width=0.5, height="height_1")
        neuron = AdaptiveLIF if self.adaptive else LIF
        drive = engine.delayed(drive, taps, self.reach)
        return engine.spikes(neuron(**values, surrogate=surrogate), drive)


class DelayNetwork(nn.Module):
    """A population of feed-forward networks: two hidden layers and a leaky readout.

    With u[t] = alpha u[t-1] + (1 - alpha) z[t] the readout, the outputs are sum_t softmax(u[t]),
    which training takes as logits (a softmax of a sum of softmaxes, as in the public code): they
    sum to the number of steps.

    Args:
        inputs, classes: channels in, classes out.
        design: what all members share.
        arms: one a member; of one order, and either all or none with delays of synapses.
        seeds: one a member; members of one seed share all that they both have.
        engine: runs the neurons.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        design: DelayDesign,
        arms: Sequence[Arm],
        seeds: Sequence[int],
        engine: Engine,
    ) -> None:
        super().__init__()
        self.design, self.arms, self.engine = design, tuple(arms), engine
        self.seeds = tuple(seeds)
        later = [
            key(seed, "after", arm.order) if arm.draw == "global" else seed
            for arm, seed in zip(arms, seeds, strict=True)
        ]
        self.hidden = nn.ModuleList(
            [
                _Hidden(inputs, design, arms, self.seeds, "layer0"),
                _Hidden(design.units, design, arms, later, "layer1"),
            ]
        )
        self.readout = NormalisedDense((design.units,), classes, later, "readout", MOMENTUM)
        self.decay = _uniform(ALPHA, (1, classes), later, "readout.alpha")

    def forward(self, x: Signal, noise: MemberNoise | None = None) -> Activity:
        """Run the networks on x (time, member, batch, inputs); one member stands for all."""
        signal, spikes = x, []
        for layer in self.hidden:
            signal = layer(signal, self.engine)
            spikes.append(count(signal))
            if self.training and self.design.dropout:
                like = signal.carrier if isinstance(signal, Spikes) else signal
                drawn = noise.uniform(len(like), like[0].detach())
                signal = self.engine.dropped(signal, drawn, self.design.dropout)
        alpha = self.decay.clamp(*ALPHA)
        leak = DualExponential(alpha, torch.zeros_like(alpha), 1 - alpha)
        potential, _ = self.engine.scan(leak, self.readout(signal, self.engine))
        return Activity(potential.softmax(3).sum(0), spikes)

    def parameter_count(self) -> int:
        """Trained numbers of one member; of the first, where members differ."""
        arm = self.arms[0]
        fixed = 0 if arm.trained else arm.taps
        lines = [layer.line for layer in self.hidden if layer.line is not None]
        unused = sum((line.taps.shape[1] - arm.taps + fixed) * self.design.units for line in lines)
        return sum(p[0].numel() for p in self.parameters()) - unused

    def memory(self, batch: int) -> int:
        """See ``Network``: the inputs, and the dozen numbers a unit that autograd keeps, of every
        step and example.
        """
        trained = sum(p[0].numel() for p in self.parameters())
        kept = self.readout.in_shape[0] * 2 * 12 + self.hidden[0].synapse.in_shape[0]
        return 4 * (TRAINED_COPIES * trained + self.design.steps * batch * kept)

    def products(self) -> float:
        """Multiply-accumulates of one example, all time steps, zeros multiplied too."""
        macs = sum(layer.synapse.macs * self._fan() for layer in self.hidden) + self.readout.macs
        return self.design.steps * float(macs) + self.graded_products()

    def graded_products(self) -> float:
        """Products of the lines of one example; of the first member, where members differ."""
        arm = self.arms[0]
        taps = min(arm.taps, 1) * (1 if arm.kind in AT_LAG_0 else arm.order)
        return float(self.design.steps * 2 * self.design.units * taps)

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes of hidden units times their fan-out, each example (member, batch)."""
        first, second = activity.spikes
        return first * self.design.units + second * self.readout.out_shape[0]

    def _fan(self) -> int:
        """Lags that a synapse's weight is multiplied at."""
        return self.arms[0].order if self.arms[0].kind == "dcls" else 1


def _uniform(
    ends: tuple[float, float], shape: Sequence[int], seeds: Sequence[int], role: str
) -> nn.Parameter:
    """U(*ends), one draw a member."""
    draws = [
        torch.empty(*shape).uniform_(*ends, generator=torch_generator(s, "initialisation", role))
        for s in seeds
    ]
    return nn.Parameter(torch.stack(draws))
