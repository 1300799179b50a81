"""Many cells at once through time: implicit steps of the potential, exact steps of the gates.

One step, as in NEURON's default (Hines 1984, doi 10.1016/0020-7101(84)90008-4): gates stand still
while the potential makes an implicit Euler step, a linear system whose matrix has the shape of the
cell's tree; then the potential stands still while gates relax. Eliminating the leaves first, then
their parents, fills in nothing (Hines elimination), so that a step costs one pass down the tree and
one up it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hnnlib.datasets.cable import cell, kernels

__all__ = ["SODIUM", "STEP", "Cells", "Step", "prepare", "run"]

STEP = 0.02  # ms, the paper's
SODIUM = cell.CURRENTS.index("sodium")
_LANES = 16  # traces at once: their states lie in the nearest cache
_REST = 2000.0  # ms in which a cell comes to rest, in steps of _COARSE ms
_COARSE = 5.0


@dataclass(frozen=True, eq=False)
class Cells:
    """Variants of one cell.

    factors: (variant, current) that the cell's conductances are multiplied with.
    """

    family: cell.Family
    factors: np.ndarray
    cable: cell.Cable = cell.CELL

    def __len__(self) -> int:
        return len(self.factors)

    @cached_property
    def compartments(self) -> cell.Compartments:
        """The cable in pieces."""
        return cell.cut(self.cable)

    def without_sodium(self) -> Cells:
        """The same cells, none of which can fire."""
        factors = self.factors.copy()
        factors[:, SODIUM] = 0
        return replace(self, factors=factors)

    @cached_property
    def resting(self) -> tuple[np.ndarray, np.ndarray]:
        """Potentials (compartment, variant) and gates (gate, compartment, variant) at rest."""
        shape = len(self.compartments.area), len(self)
        voltage = np.full(shape, self.family.reversal["leak"], float)
        steady = [self.family.gates[name].steady(voltage) for name in cell.GATES]
        state = voltage, np.stack(steady).round(cell.DIGITS)
        none = np.zeros((3, len(self)))
        constants, steps = _constants(self, _COARSE), round(_REST / _COARSE)
        _advance(constants, self.factors, tuple(none), state, 1, (0,), steps)
        return state


@dataclass(frozen=True)
class Step:
    """Pulses of current into the soma, and what is recorded.

    pulse, duration: ms.
    dt:   ms between samples; each is the mean of the solver's steps since the one before, a
          low-pass filter before decimation.
    step: ms, the solver's.
    """

    pulse: float
    duration: float
    dt: float
    step: float = STEP


def run(
    cells: Cells,
    variant: np.ndarray,
    amplitude: np.ndarray,
    onset: np.ndarray | float,
    step: Step,
    *,
    recorded: tuple[int, ...] = (0,),
    lanes: int = _LANES,
    threads: int = 1,
) -> np.ndarray:
    """Responses from rest, mV: (trace, place recorded, sample) float32.

    Args:
        variant: (trace,) of the cells.
        amplitude: (trace,) nA.
        onset: (trace,) ms at which the pulse begins.
        recorded: compartments.
        lanes: traces solved together; results do not depend on it.
    """
    onset = np.broadcast_to(onset, len(variant))
    every = round(step.dt / step.step)
    samples = round(step.duration / step.dt)
    out = np.empty((len(variant), len(recorded), samples), np.float32)
    voltage, gates = cells.resting
    constants = _constants(cells, step.step)
    begin = np.rint(onset / step.step)
    end = begin + round(step.pulse / step.step)

    def block(first: int) -> None:
        rows = slice(first, first + lanes)
        which = variant[rows]
        state = voltage.take(which, -1), gates.take(which, -1)
        pulses = begin[rows], end[rows], amplitude[rows]
        found = _advance(constants, cells.factors[which], pulses, state, every, recorded, samples)
        out[rows] = found.transpose(2, 0, 1)

    starts = range(0, len(variant), lanes)
    if threads == 1:
        for first in starts:
            block(first)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(block, starts))
    return out


def prepare() -> None:
    """Compile the kernels unless they were compiled before: they are kept beside the code."""
    one = Cells(cell.GOLOMB, np.ones((1, len(cell.CURRENTS))))
    run(one, np.zeros(1, np.int64), np.zeros(1), 0.0, Step(STEP, STEP, STEP))


def _constants(cells: Cells, step: float) -> tuple:
    """What all lanes share, as ``kernels.simulate`` takes it."""
    parts, family = cells.compartments, cells.family
    reversal = np.array([family.reversal[name] for name in cell.CURRENTS], float)
    cable = parts.parent, parts.axial, parts.capacitance / step, family.density(parts)
    table = cell.tables(family, step), cell.LOWEST, 1 / cell.STEP
    return *cable, reversal, family.power, *table


def _advance(
    constants: tuple,
    factors: np.ndarray,
    pulses: tuple[np.ndarray, np.ndarray, np.ndarray],
    state: tuple[np.ndarray, np.ndarray],
    every: int,
    recorded: tuple[int, ...],
    samples: int,
) -> np.ndarray:
    """Run lanes on from a state, which changes: (site, sample, lane) mV.

    Args:
        factors: (lane, current).
        pulses: first and last step, and amplitude, (lane,) each.
    """
    begin, end, amplitude = pulses
    factor = np.ascontiguousarray(factors.T)
    pulse = begin.astype(np.int64), end.astype(np.int64), amplitude.astype(float)
    out = np.empty((len(recorded), samples, len(factors)))
    kernels.simulate(*constants, factor, *pulse, every, np.array(recorded), *state, out)
    return out
