"""Gated recurrent cells whose units spike or speak in numbers, dense or convolutional (Abdennadher,
Cicciarella & Rossi, arXiv:2510.25696; Dampfhoffer et al. 2022 for SpikGRU; public code of both).

One cell, of which the published ones are settings. With x the input, s what the units sent one step
before, * a product (dense, or a convolution that keeps the size) and . an elementwise one:

    r = sigm(W_r * x + U_r * s + b_r)
    i = m . i + W_i * x + q . (U_i * s) + b_i          of spiking units
    i = tanh(W_i * x + r . (U_i * s) + b_i)            of graded units, r = 1 without a gate
    z = sigm(W_z * y + U_z * s + b_z)
    v = z . v + (1 - z) . i - V_th s                   the last term of spiking units
    s = [v >= V_th] of spiking units, v of graded ones

``memory`` says what m is: the gate r, or a trained constant alpha; ``reset`` whether q is r or 1;
``update`` whether y is the current i or the input x, or z a trained constant. The recurrence of a
convolution is no dense matrix, so that this cell doesn't fit ``Engine.scan`` and brings its own
loop over time, in the style of ``hnnlib.engines.eager``; products with the input are folded over
time. The convolutional cell with both gates also has a compiled one, whatever its units send,
``hnnlib.engines.cpu.networks.gated``. A first convolution in front of the cell, of stride 2 in time
and place, gives it numbers in place of events (the public code for SHD).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnnlib.networks.base import TRAINED_COPIES, Activity
from hnnlib.randomness import MemberNoise, torch_generator
from hnnlib.signals import Events, dense
from hnnlib.surrogates import Surrogate, spike
from hnnlib.surrogates.lorentzian import Lorentzian

__all__ = ["Design", "Form", "GatedNetwork", "State", "matched_units"]

Form = Literal["dense", "line", "image"]
_KERNELS = {"dense": (1, 1), "line": (1, 3), "image": (3, 3)}
_FRONT, _STRIDE = 3, 2  # taps and stride of a first convolution, along each axis
_START = 0.9
"""Where the trained constants begin: alpha, beta, and the leak of the readout."""


@dataclass(frozen=True)
class Design:
    """A cell and its readout.

    Attributes:
        hidden: channels H of the cell; units of a dense one.
        classes: that the readout tells apart.
        in_shape: (channels, height, width) of the input; a dense cell reads it flat.
        steps: time steps of an example.
        form: ``dense``; ``line``: a convolution with 3 taps along the flattened image; ``image``:
            with 3 x 3 taps.
        memory, reset, update: see the module.
        share: of spiking channels, which are the first ones.
        readout: ``mean``: reads the mean of each channel over its pixels, W = 0.5 eye at the start,
            so that only the first ``classes`` channels are read; ``flat``: reads every unit.
        over_time: ``leak``: y = a . y + W p + b with a trained, and the largest y counts; ``mean``:
            the mean over time does.
        init: ``coded``: U(+-1/sqrt(H)) for W_i, U_i, W_z, U_z and all biases, as in the public
            code, which forgets the taps; ``fan_in``: PyTorch's default for all.
        surrogate: behind each spike.
        front: (channels, height, width) of what a first convolution reads, with 3 taps and stride 2
            along time, height and width; ``in_shape`` and ``steps`` are then what it gives, see
            ``behind_front``. None: the cell reads the input itself.
    """

    hidden: int
    classes: int
    in_shape: tuple[int, int, int]
    steps: int
    form: Form = "image"
    memory: Literal["gate", "alpha"] = "gate"
    reset: bool = False
    update: Literal["current", "input", "constant"] = "current"
    share: float = 1.0
    readout: Literal["mean", "flat"] = "flat"
    over_time: Literal["leak", "mean"] = "leak"
    init: Literal["coded", "fan_in"] = "coded"
    surrogate: Surrogate = field(default_factory=Lorentzian)
    front: tuple[int, int, int] | None = None

    def behind_front(self) -> Design:
        """The same cell behind a first convolution that reads what this one would."""
        halved = ((edge + _STRIDE - 1) // _STRIDE for edge in (*self.in_shape[1:], self.steps))
        height, width, steps = halved
        shape = (self.in_shape[0], height, width)
        return replace(self, in_shape=shape, steps=steps, front=self.in_shape)

    @property
    def image(self) -> tuple[int, int]:
        """Height and width of the cell."""
        height, width = self.in_shape[1:]
        return {"dense": (1, 1), "line": (1, height * width)}.get(self.form, (height, width))

    @property
    def channels(self) -> int:
        """Of the input, as the cell reads it."""
        return math.prod(self.in_shape) // self.pixels

    @property
    def pixels(self) -> int:
        """Of a channel."""
        return math.prod(self.image)

    @property
    def neurons(self) -> int:
        """Of the cell."""
        return self.hidden * self.pixels

    @property
    def spiking(self) -> int:
        """Channels that spike."""
        return round(self.share * self.hidden)

    @property
    def gated(self) -> bool:
        """Whether there is a gate r."""
        return self.memory == "gate" or self.reset

    @property
    def of_input(self) -> tuple[str, ...]:
        """What reads the input."""
        return ("r",) * self.gated + ("i",) + ("z",) * (self.update == "input")

    @property
    def of_output(self) -> tuple[str, ...]:
        """What reads the last outputs."""
        return ("r",) * self.gated + ("i",) + ("z",) * (self.update != "constant")

    @property
    def has_kernels(self) -> bool:
        """Whether this is the cell that has a compiled loop."""
        published = self.memory == "gate" and self.update == "current" and not self.reset
        known = type(self.surrogate) is Lorentzian and self.front is None
        return published and known and self.form != "dense"

    @property
    def read(self) -> int:
        """Numbers that the readout reads."""
        return self.neurons if self.readout == "flat" else self.hidden

    def parameters(self) -> int:
        """Trained numbers."""
        taps, leak = math.prod(_KERNELS[self.form]), self.over_time == "leak"
        inner = self.hidden * (self.update == "current")
        kernels = len(self.of_input) * self.channels + len(self.of_output) * self.hidden + inner
        constants = len(self.of_output) + (self.memory == "alpha") + (self.update == "constant")
        cell = self.hidden * (taps * kernels + constants)
        return cell + self.classes * (self.read + 1 + leak) + self._front_parameters()

    def _front_parameters(self) -> int:
        channels = self.in_shape[0] if self.front else 0
        return channels * (channels * _FRONT**3 + 1)

    def fan_out(self) -> int:
        """Products that an output of a unit goes into, at the rim as elsewhere."""
        taps = math.prod(_KERNELS[self.form])
        return taps * len(self.of_output) * self.hidden + self.classes

    def input_fan_out(self) -> float:
        """Products that an event of the input goes into, in the mean over its places."""
        if self.front:
            return self.in_shape[0] * (_FRONT / _STRIDE) ** 3
        return self._cells_fan_out()

    def _cells_fan_out(self) -> int:
        """Products of the cell that a number in front of it goes into."""
        return math.prod(_KERNELS[self.form]) * len(self.of_input) * self.hidden

    def graded_products(self) -> int:
        """Products of two graded numbers in a step: of W_z * i, of the gates with what they
        multiply, and of graded outputs with weights.
        """
        taps = math.prod(_KERNELS[self.form])
        inner = taps * self.hidden * (self.update == "current")
        outputs = (1 - self.spiking / self.hidden) * self.fan_out()
        inputs = math.prod(self.in_shape) * self._cells_fan_out() * (self.front is not None)
        return round(self.neurons * (inner + 3 + self.reset + outputs)) + inputs

    def products(self) -> int:
        """Multiply-accumulates of a step, zeros multiplied too."""
        taps = math.prod(_KERNELS[self.form])
        inner = taps * self.hidden * (self.update == "current")
        inputs = math.prod(self.in_shape) * self._cells_fan_out()
        if self.front:
            inputs += math.prod(self.in_shape) * self.in_shape[0] * _FRONT**3
        return self.neurons * (self.fan_out() + inner + 3 + self.reset) + inputs


def matched_units(wanted: Design, like: Design, by: str) -> int:
    """Units of a cell like ``like`` that come nearest to ``wanted`` from below (at least one) in
    its ``parameters``, ``neurons``, ``channels`` (hidden) or ``products``.
    """

    def measure(design: Design) -> int:
        found = {"channels": design.hidden, "neurons": design.neurons}
        return found[by] if by in found else getattr(design, by)()

    units = 1
    while measure(replace(like, hidden=units + 1)) <= measure(wanted):
        units += 1
    return units


class State(NamedTuple):
    """Of the cell after a step, each (member, batch, hidden, height, width).

    Attributes:
        current, potential, output: i, v, s.
        memory, update: gates r (or alpha) and z, which broadcast.
    """

    current: Tensor
    potential: Tensor
    output: Tensor
    memory: Tensor
    update: Tensor


class GatedNetwork(nn.Module):
    """A population of one gated cell and a readout.

    Args:
        design: the cell.
        seeds: one a member; they key the initial weights.
        order: (member, input) places of the inputs, flat: a member reads input ``order[m, k]`` at
            place k. None: as they come.
        compiled: whether to take the compiled loop where there is one.
    """

    def __init__(
        self,
        design: Design,
        seeds: Sequence[int],
        order: Tensor | None = None,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.design, self.seeds = design, tuple(seeds)
        self.compiled = compiled and design.has_kernels
        hidden, kernel = design.hidden, _KERNELS[design.form]
        taps = math.prod(kernel)

        def kernels(side: str, gates: Sequence[str], channels: int) -> nn.Parameter:
            shape, fan_in = (hidden, channels, *kernel), taps * channels
            bounds = [1 / math.sqrt(self._scale(gate, fan_in)) for gate in gates]
            roles = [f"{side}.{gate}" for gate in gates]
            pairs = zip(bounds, roles, strict=True)
            return nn.Parameter(torch.cat([self._draw(shape, b, role) for b, role in pairs], 1))

        self.input = kernels("input", design.of_input, design.channels)
        self.recurrent = kernels("recurrent", design.of_output, hidden)
        if design.update == "current":
            self.inner = kernels("inner", ("z",), hidden)
        if design.front:
            self._build_front(design.in_shape[0])
        shape, bound = (hidden, 1, 1), 1 / math.sqrt(self._scale("z", taps * hidden))
        biases = [self._draw(shape, bound, f"bias.{gate}") for gate in design.of_output]
        self.bias = nn.Parameter(torch.cat(biases, 1)[:, None])
        constants = torch.full((len(self.seeds), 1, *shape), _START)
        if design.memory == "alpha":
            self.alpha = nn.Parameter(constants.clone())
        if design.update == "constant":
            self.beta = nn.Parameter(constants.clone())
        self._build_readout()
        self.register_buffer("spiking", torch.arange(hidden).view(shape) < design.spiking, False)
        self.register_buffer("order", order, False)

    def _scale(self, gate: str, fan_in: int) -> int:
        """The fan-in that an initial draw is scaled by."""
        coded = self.design.init == "coded" and gate != "r"
        return self.design.hidden if coded else fan_in

    def _draw(self, shape: tuple[int, ...], bound: float, role: str) -> Tensor:
        draws = [
            torch.empty(shape).uniform_(
                -bound, bound, generator=torch_generator(seed, "initialisation", role)
            )
            for seed in self.seeds
        ]
        return torch.stack(draws)

    def _build_front(self, channels: int) -> None:
        """A convolution of as many channels as it reads, at PyTorch's default."""
        bound = 1 / math.sqrt(channels * _FRONT**3)
        taps = (_FRONT,) * 3
        self.front = nn.Parameter(self._draw((channels, channels, *taps), bound, "front.weight"))
        self.front_bias = nn.Parameter(self._draw((channels,), bound, "front.bias"))

    def _build_readout(self) -> None:
        design, members = self.design, len(self.seeds)
        bound = 1 / math.sqrt(design.read)
        if design.readout == "mean":
            weight = 0.5 * torch.eye(design.read, design.classes).repeat(members, 1, 1)
        else:
            weight = self._draw((design.read, design.classes), bound, "readout.weight")
        self.readout = nn.Parameter(weight)
        self.offset = nn.Parameter(self._draw((1, design.classes), bound, "readout.bias"))
        if design.over_time == "leak":
            self.leak = nn.Parameter(torch.full((members, 1, design.classes), _START))

    def forward(self, x: Tensor | Events, noise: MemberNoise | None = None) -> Activity:
        """Answers for events x (time, member, batch, *inputs), or for images (member, batch, C,
        height, width), whose pixels are the probabilities of a spike at every step.
        """
        events = self._events(x, noise)
        outputs = self._outputs(self._behind_front(events))
        sent = outputs.detach()
        if self.design.spiking < self.design.hidden:
            sent = sent * self.spiking
        sent = sent.sum((0, 3, 4, 5))
        arrived = events.sum((0, 3, 4, 5))
        design = self.design
        operations = sent * design.fan_out() + arrived * design.input_fan_out()
        return Activity(self._answer(outputs), [sent], None, None, operations)

    def _outputs(self, x: Tensor) -> Tensor:
        """What units send, (time, member, batch, hidden, height, width)."""
        if not self.compiled or x.amax() > 1:  # kernels know zeros and ones
            return torch.stack([state.output for state in self.run(self._drive(x))])
        from hnnlib.engines.cpu.networks.gated import scan

        weights = self.input, self.recurrent, self.inner
        return scan(x, weights, self.bias, self.design.spiking, self.design.surrogate.steepness)

    def states(self, x: Tensor | Events, noise: MemberNoise | None = None) -> State:
        """All states over time: as in ``State``, with a leading axis of time."""
        found = self.run(self._drive(self._behind_front(self._events(x, noise))))
        return State(*map(torch.stack, zip(*found, strict=True)))

    def _events(self, x: Tensor | Events, noise: MemberNoise | None) -> Tensor:
        """Input as the cell reads it: (time, member, batch, channel, height, width)."""
        if isinstance(x, Tensor) and x.ndim == 5:
            x = noise.uniform(self.design.steps, x) < x
        x = dense(x).to(self.input.dtype).flatten(3)
        if self.order is not None:
            x = x.take_along_dim(self.order[None, :, None], 3)
        shape = self.design.front or (self.design.channels, *self.design.image)
        return x.unflatten(3, shape)

    def _behind_front(self, x: Tensor) -> Tensor:
        """What the cell reads: the events, or what a first convolution gives of them."""
        if not self.design.front:
            return x
        made = [
            functional.conv3d(member.movedim(0, 2), kernels, bias, _STRIDE, _FRONT // 2)
            for member, kernels, bias in zip(x.unbind(1), self.front, self.front_bias, strict=True)
        ]
        cell = (self.design.channels, *self.design.image)  # a line or a dense cell reads it flat
        return torch.stack(made).movedim(3, 0).flatten(3).unflatten(3, cell)

    def _drive(self, x: Tensor) -> Tensor:
        """W * x + b of all that read the input, b of the others: (time, ...)."""
        drive = _product(x, self.input)
        missing = len(self.design.of_output) - len(self.design.of_input)
        if missing:  # z reads the current: its drive is the bias
            nothing = drive.new_zeros(*drive.shape[:3], self.design.hidden, *drive.shape[4:])
            drive = torch.cat([drive, nothing], 3)
        return drive + self.bias

    def run(self, drive: Tensor) -> Iterator[State]:
        """The cell, step by step, from rest."""
        design, hidden = self.design, self.design.hidden
        current = potential = output = torch.zeros_like(drive[0][:, :, :hidden])
        for number, step in enumerate(drive.unbind()):
            back = _product(output, self.recurrent) if number else torch.zeros_like(step)
            both = zip(step.split(hidden, 2), back.split(hidden, 2), strict=True)
            parts = dict(zip(design.of_output, both, strict=True))
            gate = torch.sigmoid(sum(parts["r"])) if design.gated else None
            memory = gate if design.memory == "gate" else self.alpha.clamp(0, 1)
            current = self._current(current, memory, gate, *parts["i"])
            update = self._update(current, parts)
            potential = torch.lerp(current, potential, update)
            potential, output = self._send(potential, output)
            yield State(current, potential, output, memory, update)

    def _current(
        self, before: Tensor, memory: Tensor, gate: Tensor | None, given: Tensor, back: Tensor
    ) -> Tensor:
        """i, of what the input gives and what comes back from the last outputs."""
        design, spiking, graded = self.design, None, None
        if design.spiking:
            spiking = memory * before + given + (gate * back if design.reset else back)
        if design.spiking < design.hidden:
            graded = torch.tanh(given + (back if gate is None else gate * back))
        return _either(self.spiking, spiking, graded)

    def _update(self, current: Tensor, parts: dict[str, tuple[Tensor, Tensor]]) -> Tensor:
        """z."""
        if self.design.update == "constant":
            return self.beta.clamp(0, 1)
        drive = sum(parts["z"])
        if self.design.update == "current":
            drive = drive + _product(current, self.inner)
        return torch.sigmoid(drive)

    def _send(self, potential: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """v, lowered where a unit has spiked before, and s."""
        if not self.design.spiking:
            return potential, potential
        mixed = self.design.spiking < self.design.hidden
        potential = potential - (before * self.spiking if mixed else before)
        spikes = spike(potential - 1, self.design.surrogate, at_threshold=True)
        return potential, _either(self.spiking, spikes, potential if mixed else None)

    def _answer(self, outputs: Tensor) -> Tensor:
        """Logits (member, batch, class)."""
        weight = self.readout
        if self.design.readout == "mean":
            read = outputs.mean((4, 5))
        elif self.compiled:  # whose channels lie last: it is the weights that are turned
            read = outputs.movedim(3, 5).flatten(3)
            weight = weight.unflatten(1, (self.design.hidden, -1)).transpose(1, 2).flatten(1, 2)
        else:
            read = outputs.flatten(3)
        time = read.shape[0]
        folded = torch.bmm(read.movedim(0, 1).flatten(1, 2), weight) + self.offset
        steps = folded.unflatten(1, (time, -1))
        if self.design.over_time == "mean":
            return steps.mean(1)
        leak, trace = self.leak.clamp(0, 1), [steps[:, 0]]
        for step in steps.unbind(1)[1:]:
            trace.append(torch.addcmul(step, leak, trace[-1]))
        return torch.stack(trace).amax(0)

    def parameter_count(self) -> int:
        """Trained numbers of one member."""
        return sum(p[0].numel() for p in self.parameters())

    def memory(self, batch: int) -> int:
        """See ``Network``: some twenty numbers a unit that autograd keeps of every step."""
        kept = 20 * self.design.neurons + math.prod(self.design.in_shape)
        trained = TRAINED_COPIES * self.design.parameters()
        return 4 * (trained + self.design.steps * batch * kept)

    def products(self) -> float:
        """Multiply-accumulates of one example, all time steps, zeros multiplied too."""
        return float(self.design.steps * self.design.products())

    def graded_products(self) -> float:
        """Products of two graded numbers of one example, see ``Design``."""
        return float(self.design.steps * self.design.graded_products())

    def synaptic_operations(self, activity: Activity) -> Tensor:
        """Spikes of units and of the input times their fan-out, (member, batch)."""
        return activity.operations


def _either(spiking: Tensor, left: Tensor | None, right: Tensor | None) -> Tensor:
    """Left in spiking channels, right in graded ones; all of one where the other is missing."""
    if left is None or right is None:
        return right if left is None else left
    return torch.where(spiking, left, right)


def _product(x: Tensor, weight: Tensor) -> Tensor:
    """Kernels (member, out, in, *taps) times x (..., member, batch, in, height, width), of the same
    size; time is folded into the batch. One convolution a member: what a member gets can't depend
    on its neighbours.
    """
    if weight.shape[3:] == (1, 1) and x.shape[-2:] == (1, 1):
        folded = x.movedim(-5, 0).flatten(1, -4).flatten(2)
        found = torch.bmm(folded, weight.flatten(2).transpose(1, 2))
        return found.view(len(weight), *x.shape[:-5], x.shape[-4], -1, 1, 1).movedim(0, -5)
    rim = tuple(taps // 2 for taps in weight.shape[3:])
    lead = x.shape[:-5]
    parts = [
        functional.conv2d(member.flatten(0, -4), kernels, padding=rim)
        for member, kernels in zip(x.unbind(-5), weight.unbind(), strict=True)
    ]
    return torch.stack([part.unflatten(0, (*lead, -1)) for part in parts], len(lead))
