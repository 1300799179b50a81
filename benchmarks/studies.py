"""Networks of three studies as tasks: lines of delays, a quadratic stack, gated convolutions.

Their equations are those of ``hnnlib.networks``, from whose networks a peer takes the initial
weights: what is compared is how they are computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.tasks import Task
from hnnlib.engines import Engine
from hnnlib.networks.classifier import ImageDesign
from hnnlib.networks.delays import Arm, DelayDesign, DelayNetwork
from hnnlib.networks.gated import Design, GatedNetwork
from hnnlib.networks.stack import NormalisedStack
from hnnlib.neurons.quadratic import QuadraticIF
from hnnlib.surrogates.rectangle import Rectangle

__all__ = ["STUDIED", "Delays", "Gated", "Quadratic", "Studied"]


@dataclass(frozen=True, kw_only=True)
class Studied(Task):
    """What the three share; ``decay`` and ``gain`` have no meaning here."""

    decay: float = 0.0
    gain: float = 0.0

    def network(self, engine: Engine) -> DelayNetwork | NormalisedStack | GatedNetwork:
        """One member, as the study has it."""
        raise NotImplementedError

    def units(self) -> tuple[int, ...]:
        """Of every layer that ``Activity`` counts the spikes of."""
        raise NotImplementedError

    def _spikes(self, units: int, density: float) -> Tensor:
        shape = (self.steps, self.batch, units)
        return (torch.rand(shape, generator=self.generator(0)) < density).float()


@dataclass(frozen=True, kw_only=True)
class Delays(Studied):
    """Two hidden layers of LIF neurons with a trained decay each, behind lines of delays, and a
    leaky readout. Input: independent Bernoulli spikes.
    """

    inputs: int = 140
    hidden: int = 128
    order: int = 25
    density: float = 0.03

    def input(self) -> Tensor:
        """Spikes (time, batch, inputs)."""
        return self._spikes(self.inputs, self.density)

    def network(self, engine: Engine) -> DelayNetwork:
        """See ``Studied``."""
        design, arms = DelayDesign(self.hidden, self.steps), [Arm("delay", self.order)]
        return DelayNetwork(self.inputs, self.classes, design, arms, (0,), engine)

    def units(self) -> tuple[int, ...]:
        """See ``Studied``."""
        return self.hidden, self.hidden

    def tiny(self) -> Delays:
        """See ``Task``."""
        return replace(self, steps=12, batch=6, inputs=20, hidden=9, order=4, density=0.2)


@dataclass(frozen=True, kw_only=True)
class Quadratic(Studied):
    """Normalised convolutions of 3 x 3 with quadratic neurons, the second and third with a stride
    of 2, and a readout of the mean spikes. Input: images, constant over time.
    """

    constant: bool = True
    edge: int = 32
    channels: tuple[int, ...] = (16, 32, 32)
    leak: float = 0.25
    critical: float = 0.5
    sigma: float = 0.5
    half_width: float = 0.67

    def input(self) -> Tensor:
        """Images (batch, 3, edge, edge) in [0, 1)."""
        return torch.rand((self.batch, 3, self.edge, self.edge), generator=self.generator(0))

    def network(self, engine: Engine) -> NormalisedStack:
        """See ``Studied``."""
        design = ImageDesign((3, self.edge, self.edge), self.classes, steps=self.steps)
        neuron = QuadraticIF(self.leak, 0.0, self.critical, surrogate=Rectangle(self.half_width))
        return NormalisedStack(
            design, (0,), engine, self.channels, (self.sigma,), lambda sigma: neuron
        )

    def units(self) -> tuple[int, ...]:
        """See ``Studied``."""
        edges = (self.edge // 2**place for place in range(len(self.channels)))
        return tuple(c * edge**2 for c, edge in zip(self.channels, edges, strict=True))

    def tiny(self) -> Quadratic:
        """See ``Task``."""
        return replace(self, batch=6, edge=8, channels=(4, 6, 6), learning_rate=1e-2)


@dataclass(frozen=True, kw_only=True)
class Gated(Studied):
    """CS-GRU on a raster of ``edge`` x ``edge`` channels, with a leaky readout. Input: independent
    Bernoulli spikes.

    ``share`` of its channels spike, the others speak in numbers. ``lift`` is added to the biases of
    the current: a cell spikes as often then as one that has been trained for a while.
    """

    hidden: int = 32
    edge: int = 8
    density: float = 0.1
    share: float = 1.0
    lift: float = 0.35

    def input(self) -> Tensor:
        """Spikes (time, batch, edge * edge)."""
        return self._spikes(self.edge**2, self.density)

    def network(self, engine: Engine) -> GatedNetwork:
        """See ``Studied``."""
        design = Design(
            self.hidden, self.classes, (1, self.edge, self.edge), self.steps, share=self.share
        )
        network = GatedNetwork(design, (0,), compiled=engine.name == "cpu")
        with torch.no_grad():
            network.bias[:, :, self.hidden : 2 * self.hidden] += self.lift
        return network

    def units(self) -> tuple[int, ...]:
        """See ``Studied``."""
        return (self.hidden * self.edge**2,)

    def tiny(self) -> Gated:
        """See ``Task``."""
        return replace(self, steps=6, batch=4, hidden=4, edge=4, density=0.4, learning_rate=1e-2)


STUDIED = (
    Delays(
        name="delays",
        title="delays 140-128-128-20, 25 lags, T = 100, batch 64, 3 % input spikes",
        steps=100,
        batch=64,
        classes=20,
        learning_rate=1e-3,
        repeats=1,
    ),
    Quadratic(
        name="quadratic",
        title="quadratic 16C3-32C3-32C3-10, 32x32x3, T = 4, batch 64",
        steps=4,
        batch=64,
        classes=10,
        learning_rate=1e-3,
        repeats=1,
    ),
    Gated(
        name="gated",
        title="CS-GRU, 32 channels of 8x8, T = 25, batch 32, 10 % input spikes",
        steps=25,
        batch=32,
        classes=20,
        learning_rate=1e-3,
        repeats=1,
    ),
    Gated(
        name="graded",
        title="ConvGRU, 32 channels of 8x8, T = 25, batch 32, 10 % input spikes",
        steps=25,
        batch=32,
        classes=20,
        learning_rate=1e-3,
        repeats=1,
        share=0.0,
    ),
)
