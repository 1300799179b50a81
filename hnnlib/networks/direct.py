"""Directly connected hybrid networks: one recurrent layer of spiking and non-spiking units, all
connected to all, and the models it is compared with (Ramanathan, Eberle & Varol; public code).

All models are one layer under masks. What differs is which units spike, what the others do, and
which recurrent connections exist; initial draws, readout and input are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from hnnlib.engines import Engine
from hnnlib.networks.base import TRAINED_COPIES, Activity
from hnnlib.networks.layers import Dense, normal
from hnnlib.neurons.filters import DualExponential
from hnnlib.neurons.synaptic import SynapticLIF
from hnnlib.randomness import MemberNoise
from hnnlib.signals import Signal
from hnnlib.surrogates import SuperSpike

__all__ = ["GRADED", "MODELS", "Design", "DirectNetwork", "Model", "connections", "matched_units"]

Model = Literal["snn", "nsn", "hybrid", "n2n_block", "rnn", "hybrid_rnn", "n2n_rnn", "hstnn_1layer"]
MODELS: tuple[Model, ...] = get_args(Model)
GRADED: tuple[Model, ...] = ("nsn", "hybrid", "n2n_block")
"""Models of the main comparisons with graded units, which are reset."""


@dataclass(frozen=True)
class Design:
    """A model and its constants.

    Attributes:
        model: ``snn``: all units spike. ``nsn``: none does, their output is the potential clipped
            to [0, 1]. ``hybrid``: some spike, the others are graded, all connected to all.
            ``n2n_block`` (network to network, as in the public code): the same without connections
            between the two kinds. ``rnn``: tanh units without leak. ``hybrid_rnn``, ``n2n_rnn``:
            tanh units in place of graded ones. ``hstnn_1layer``: tanh units recurrent among
            themselves beside spiking units without recurrence (after Wu et al. 2024).
        units: of the hidden layer.
        steps: time steps of an example, for what it costs.
        ratio: share of spiking units, one, or one a member; the first int(ratio * units) spike. It
            has a meaning for models of two kinds only.
        dt: duration of a time step, seconds.
        tau_mem, tau_syn, tau_out: time constants of membrane, synaptic current and readout,
            seconds.
        slope: of the SuperSpike surrogate.
        reset_graded: whether graded units are reset by their own output, as spiking ones are.
        reset_gradient: whether the gradient stops at that reset or flows through it.
    """

    model: Model = "snn"
    units: int = 256
    steps: int = 100
    ratio: float | tuple[float, ...] = 0.5
    dt: float = 0.01
    tau_mem: float = 0.010
    tau_syn: float = 0.005
    tau_out: float = 0.020
    slope: float = 10.0
    reset_graded: bool = True
    reset_gradient: Literal["stopped", "through"] = "stopped"

    @property
    def others(self) -> Literal["graded", "tanh"]:
        """What the units do that don't spike."""
        tanh = self.model in ("rnn", "hybrid_rnn", "n2n_rnn", "hstnn_1layer")
        return "tanh" if tanh else "graded"

    def spiking(self, members: int) -> list[int]:
        """Number of spiking units of each member.

        Raises:
            ValueError: there are several ratios, but not one a member, or one is no share.
        """
        if self.model in ("snn", "nsn", "rnn"):
            return [self.units if self.model == "snn" else 0] * members
        ratios = self.ratio if isinstance(self.ratio, tuple) else (self.ratio,) * members
        if len(ratios) != members:
            raise ValueError(f"{len(ratios)} ratios don't fit {members} members")
        if not all(0 <= ratio <= 1 for ratio in ratios):
            raise ValueError(f"a ratio of spiking units lies between 0 and 1, unlike {ratios}")
        return [int(ratio * self.units) for ratio in ratios]


def connections(model: Model, units: int, spiking: int) -> Tensor:
    """Which recurrent connections (from unit, to unit) a model has, True where it has one."""
    kind = torch.arange(units) < spiking
    same = kind[:, None] == kind[None, :]
    if model in ("n2n_block", "n2n_rnn"):
        return same
    if model == "hstnn_1layer":
        return same & ~kind[:, None]
    return torch.ones(units, units, dtype=torch.bool)


def matched_units(
    model: Model, units: int, inputs: int, classes: int, ratio: float = 0.5
) -> tuple[int, int]:
    """Units that give a model with fewer connections the weights of a fully connected one.

    Returns:
        The number of units, at least ``units``, and the weights it comes to.
    """

    def weights(n: int) -> int:
        there = connections(model, n, int(ratio * n)).sum().item()
        return int(n * (inputs + classes) + there)

    wanted = units * (inputs + units + classes)
    n = units
    while weights(n + 1) <= wanted:
        n += 1
    return n, weights(n)


class DirectNetwork(nn.Module):
    """A population of recurrent networks with a leaky readout.

    I[t] = x[t] W + o[t-1] V drives ``SynapticLIF`` units; f[t] = a f[t-1] + o[t] O and y[t] = bo
    y[t-1] + (1 - bo) f[t] is the readout, bo = exp(-dt / tau_out), and the outputs are the largest
    y[t] over time. The first step, at which every y is 0, is left out of the maximum: with it, a
    class whose readout is negative throughout would get no gradient.

    Args:
        inputs, classes: channels in, classes out.
        design: model and constants.
        seeds: one a member; they key the initial weights, N(0, 1 / sqrt(fan in)).
        engine: runs the neurons.

    Attributes:
        connected: (member, from unit, to unit), True where a recurrent connection exists.
        spiking: (member, 1, unit), True for units that spike.
    """

    def __init__(
        self, inputs: int, classes: int, design: Design, seeds: Sequence[int], engine: Engine
    ) -> None:
        super().__init__()
        self.design, self.seeds, self.engine = design, tuple(seeds), engine
        units, members = design.units, len(self.seeds)
        self.spiking_units = design.spiking(members)
        kind = {"bias": False, "draw": "normal"}
        self.hidden = Dense((inputs,), units, self.seeds, "hidden", **kind)
        self.readout = Dense((units,), classes, self.seeds, "readout", **kind)
        exist = torch.stack([connections(design.model, units, k) for k in self.spiking_units])
        self.register_buffer("connected", exist, persistent=False)
        first = torch.tensor(self.spiking_units)[:, None, None]
        self.register_buffer("spiking", torch.arange(units) < first, persistent=False)
        self.recurrent = normal((units, units), units, self.seeds, "recurrent")
        with torch.no_grad():
            self.recurrent.mul_(exist)
        membrane, synapse, out = (
            math.exp(-design.dt / tau) for tau in (design.tau_mem, design.tau_syn, design.tau_out)
        )
        self.neuron = SynapticLIF(
            membrane_decay=membrane,
            synapse_decay=synapse,
            # all units spiking, engines have a faster way
            spiking=None if all(k == units for k in self.spiking_units) else first.flatten(),
            others=design.others,
            reset_graded=design.reset_graded,
            reset_gradient=design.reset_gradient,
            surrogate=SuperSpike(design.slope),
        )
        self.leak = DualExponential(a1=synapse + out, a2=-synapse * out, b=1 - out)

    def forward(self, x: Signal, noise: MemberNoise | None = None) -> Activity:
        """Run the networks on x (time, member, batch, inputs); one member stands for all.

        The activity has the counts of all units, with 0 for those that don't spike.
        """
        recurrent = self.recurrent
        if not self.connected.all():
            recurrent = recurrent * self.connected
        read, counts = self.engine.read(self.neuron, self.hidden, x, recurrent, self.readout)
        trace = self.engine.potentials(self.leak, read)
        counted = counts * self.spiking.to(trace.dtype)
        return Activity(trace[1:].amax(0), [counted.detach().sum(2)], None, counted)

    def parameter_count(self) -> int:
        """Trained numbers of one member; of the first, where members differ."""
        hidden, readout = self.hidden.weight[0].numel(), self.readout.weight[0].numel()
        return hidden + readout + int(self.connected[0].sum())

    def memory(self, batch: int) -> int:
        """See ``Network``: the inputs, and the dozen numbers a unit that autograd keeps, of every
        step and example.
        """
        parameters = sum(p[0].numel() for p in self.parameters())
        kept = self.hidden.in_shape[0] + 12 * self.design.units
        return 4 * (TRAINED_COPIES * parameters + self.design.steps * batch * kept)

    def products(self) -> float:
        """Multiply-accumulates of one example, all time steps, zeros multiplied too."""
        return float(self.design.steps * self.parameter_count())

    def graded_products(self) -> float:
        """Products with graded outputs of one example; 0 where all units spike.

        Of the first member, where members differ.
        """
        graded = slice(self.spiking_units[0], None)
        units = self.design.units - self.spiking_units[0]
        return float(self.design.steps * units * self._fan_out(graded))

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes of hidden units times their mean fan-out, each example (member, batch)."""
        return activity.spikes[0] * self._fan_out(slice(0, self.spiking_units[0]))

    def _fan_out(self, units: slice) -> float:
        """Mean number of weights that read one of these units, in the first member."""
        rows = self.connected[0, units]
        return rows.sum().item() / len(rows) + self.readout.out_shape[0] if len(rows) else 0.0
