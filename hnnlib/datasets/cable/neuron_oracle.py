"""The same cells in NEURON (extra ``cable``): what the solver is tested against, and the serial
solver that the speed of others is told by.

Channels are defined at run time from tables (``KSChan``), so that no compiler is needed.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from hnnlib.datasets.cable import cell
from hnnlib.datasets.cable.solver import Cells, Step

__all__ = ["installed", "run"]

_AT_ONCE = 1e-3  # ms; an activation without a time constant loses spikes at large steps
_NAMES: set[str] = set()  # of channels that NEURON knows: it forgets none


def installed() -> bool:
    """Whether NEURON can be imported."""
    return find_spec("neuron") is not None


def run(
    cells: Cells,
    variant: np.ndarray,
    amplitude: np.ndarray,
    onset: np.ndarray | float,
    step: Step,
    *,
    recorded: tuple[int, ...] = (0,),
) -> np.ndarray:
    """As ``solver.run``, one trace after another: (trace, place recorded, sample) float32, mV.

    Every copy of a section is solved: NEURON is not told that they are alike.
    """
    from neuron import h

    cells = replace(cells, cable=cells.cable.unfolded())
    h.load_file("stdrun.hoc")
    h.CVode().active(False)
    parallel = h.ParallelContext()
    parallel.set_maxstep(10)
    h.dt, h.secondorder = step.step, 0
    sections, segments = _build(h, cells)
    clamp = h.IClamp(segments[0])
    tracks = [h.Vector().record(segments[place]._ref_v) for place in recorded]
    every, samples = round(step.dt / step.step), round(step.duration / step.dt)
    out = np.empty((len(variant), len(recorded), samples), np.float32)
    voltage, gates = cells.resting
    onset = np.broadcast_to(onset, len(variant))
    for row, which in enumerate(variant):
        _set(cells, segments, which)
        # NEURON reads the current in the middle of a step
        clamp.delay, clamp.dur, clamp.amp = onset[row], step.pulse, amplitude[row]
        h.finitialize(cells.family.reversal["leak"])
        _rest(cells, segments, voltage[:, which], gates[:, :, which])
        h.fcurrent()
        h.frecord_init()
        parallel.psolve(samples * every * step.step)
        means = [np.array(t)[1:].reshape(samples, every).mean(1) for t in tracks]
        out[row] = means
    del sections  # which live as long as somebody knows them
    return out


def _build(h: Any, cells: Cells) -> tuple[list[Any], list[Any]]:
    """Sections, and the segments that are the cable's compartments, in their order."""
    sections, segments = [], []
    for part in cells.cable.sections:
        section = h.Section()
        section.nseg, section.L, section.diam = (
            part.number,
            part.number * part.length,
            part.diameter,
        )
        section.Ra, section.cm = cells.cable.resistivity, cells.cable.capacitance
        if part.parent is not None:
            parent = sections[part.parent[0]]
            section.connect(parent((part.parent[1] + 0.5) / parent.nseg), 0)
        for name in cell.CURRENTS:
            section.insert(_channel(h, cells.family, name))
        sections.append(section)
        segments += list(section)
    return sections, segments


def _channel(h: Any, family: cell.Family, current: str) -> str:
    """Name of a density mechanism, defined unless it was."""
    name = f"{family.name}_{current}"
    if name not in _NAMES:
        channel = h.KSChan(0)
        channel.name(name)
        channel.ion("NonSpecific")
        channel.erev(family.reversal[current])
        for place, (gate, power) in enumerate(_gates(family, current)):
            channel.add_hhstate(gate)
            channel.gate(place).power(power)
            steady, tau = _tables(family, gate)
            transition = channel.trans(place)
            transition.type(1)  # steady state and time constant, not rates
            for which, values in enumerate((steady, tau)):
                transition.set_f(which, 7, h.Vector(values), cell.LOWEST, cell.HIGHEST)
        _NAMES.add(name)
    return name


def _gates(family: cell.Family, current: str) -> list[tuple[str, int]]:
    return {
        "sodium": [("m", 3), ("h", 1)],
        "potassium": [("n", family.power)],
        "slow_potassium": [("a", 3), ("b", 1)],
        "h": [("q", 1)],
        "leak": [],
    }[current]


def _tables(family: cell.Family, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steady state and time constant over the potential."""
    v = np.arange(cell.LOWEST, cell.HIGHEST + cell.STEP / 2, cell.STEP)
    if name == "m":
        return family.activation(v), np.full_like(v, _AT_ONCE)
    gate = family.gates[name]
    return gate.steady(v), gate.tau(v)


def _set(cells: Cells, segments: list[Any], which: int) -> None:
    """The conductances of one cell."""
    parts = cells.compartments
    density = 1e2 * cells.family.density(parts) / parts.area  # S/cm2
    for place, segment in enumerate(segments):
        for k, name in enumerate(cell.CURRENTS):
            mechanism = getattr(segment, f"{cells.family.name}_{name}")
            mechanism.gmax = density[k, place] * cells.factors[which, k]


def _rest(cells: Cells, segments: list[Any], voltage: np.ndarray, gates: np.ndarray) -> None:
    """Potentials and gates at rest, each (..., compartment)."""
    for place, segment in enumerate(segments):
        segment.v = voltage[place]
        for current in cell.CURRENTS:
            mechanism = getattr(segment, f"{cells.family.name}_{current}")
            for name, _ in _gates(cells.family, current):
                value = (
                    cells.family.activation(voltage[place])
                    if name == "m"
                    else gates[cell.GATES.index(name), place]
                )
                setattr(mechanism, name, value)
