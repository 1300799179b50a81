"""One cell: its compartments, its channels, and the tables from which the solver reads them.

A branched cable is cut into compartments i, each joined to its parent p(i):

    C_i dV_i/dt = sum_j G_ij (V_j - V_i) - sum_k g_ik (V_i - E_k) + I_i(t),

with C = c_m area, axial conductances G and channel conductances g_k, whose gates relax towards a
steady state that depends on the potential: tau(V) dx/dt = x_inf(V) - x.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

__all__ = [
    "CELL",
    "CURRENTS",
    "FAMILIES",
    "GATES",
    "Cable",
    "Compartments",
    "Family",
    "Gate",
    "Section",
    "cut",
    "tables",
]

Curve = Callable[[np.ndarray], np.ndarray]
"""A function of the potential, mV."""
CURRENTS = ("sodium", "potassium", "slow_potassium", "h", "leak")
"""Conductances of a compartment, in the order of the solver's arrays."""
GATES = ("h", "n", "a", "b", "q")
"""Gates with a state, in the same order; the activation of sodium, m, follows the potential at
once."""
LOWEST, HIGHEST, STEP = -150.0, 100.0, 0.1  # mV of the tables' rows
DIGITS = 12  # of what is tabulated: exponentials of two processors may differ beyond


class Section(NamedTuple):
    """An unbranched cylinder.

    parent:   (place of a section before this one, its compartment) at whose centre it begins; None
              for the first.
    number:   of compartments.
    length, diameter: of one compartment, um.
    region:   soma, initial (the axon's initial segment), axon or dendrite.
    copies:   of it in the cell, spread evenly over those of its parent. Copies that nothing tells
              apart have one potential, and are solved as one.
    """

    region: str
    parent: tuple[int, int] | None
    number: int
    length: float
    diameter: float
    copies: int = 1


@dataclass(frozen=True)
class Cable:
    """A branched cell with its passive properties.

    resistivity: of the axoplasm, ohm cm.
    capacitance: of the membrane, uF/cm2.
    """

    sections: tuple[Section, ...]
    resistivity: float = 150.0
    capacitance: float = 1.0

    def unfolded(self) -> Cable:
        """The same cell with every copy as a section of its own; each comes behind its parent, the
        children of one copy before the next copy.
        """
        found: list[Section] = []

        def add(place: int, parent: int | None) -> None:
            section, mine = self.sections[place], len(found)
            along = None if section.parent is None else (parent, section.parent[1])
            found.append(section._replace(parent=along, copies=1))
            for child, other in enumerate(self.sections):
                if other.parent is not None and other.parent[0] == place:
                    for _ in range(other.copies // section.copies):
                        add(child, mine)

        add(0, None)
        return replace(self, sections=tuple(found))


class Compartments(NamedTuple):
    """What the solver knows of a cable, all copies together; parents stand before their children.

    parent:      (compartment,) int64, -1 for the first.
    axial:       (compartment,) uS between a compartment's centre and its parent's; 0 for the first.
    area:        (compartment,) um2.
    capacitance: (compartment,) nF.
    region:      (compartment,) str.
    """

    parent: np.ndarray
    axial: np.ndarray
    area: np.ndarray
    capacitance: np.ndarray
    region: np.ndarray


def cut(cable: Cable) -> Compartments:
    """The compartments of a cable, section after section.

    Between two centres lie half of either compartment; a section begins at the centre of its
    parent's compartment, so that only its own half lies between.
    """
    parent, axial, area, region, first = [], [], [], [], []
    for section in cable.sections:
        # uS: 1 / (ohm cm um / um2) is 100 of it
        whole = 100 * np.pi * section.diameter**2 / 4 / (cable.resistivity * section.length)
        first.append(len(parent))
        before = -1 if section.parent is None else first[section.parent[0]] + section.parent[1]
        for k in range(section.number):
            parent.append(first[-1] + k - 1 if k else before)
            axial.append(section.copies * (whole if k else 2 * whole) if parent[-1] >= 0 else 0.0)
            area.append(section.copies * np.pi * section.diameter * section.length)
            region.append(section.region)
    area = np.array(area)
    # uF/cm2 um2 is 1e-5 nF
    capacitance = 1e-5 * cable.capacitance * area
    return Compartments(np.array(parent), np.array(axial), area, capacitance, np.array(region))


CELL = Cable(
    (
        Section("soma", None, 1, 20.0, 20.0),
        Section("initial", (0, 0), 3, 13.0, 1.2),
        Section("axon", (1, 2), 4, 75.0, 0.6),
        Section("dendrite", (0, 0), 2, 40.0, 1.6, copies=4),
        Section("dendrite", (3, 1), 3, 50.0, 0.9, copies=8),
    )
)
"""40 compartments, 6970 um2: a small interneuron with four dendrites, each with two branches; its
sizes are assumed. Copies of dendrites are alike: 13 compartments are solved."""


class Gate(NamedTuple):
    """One gating variable as functions of the potential, mV."""

    steady: Curve
    tau: Curve


@dataclass(frozen=True)
class Family:
    """Channels of one published neuron: I_Na = g m^3 h, I_K = g n^power, slow I_K = g a^3 b,
    I_h = g q.

    densities: S/cm2 of each current at the soma.
    factors:   by region, what densities are multiplied with there; 1 where none is named.
    reversal:  mV of each current.
    activation: m_inf, which m follows at once.
    gates:     the other gates by name.
    """

    name: str
    source: str
    power: int
    densities: dict[str, float]
    reversal: dict[str, float]
    activation: Curve
    gates: dict[str, Gate]
    factors: dict[str, dict[str, float]]

    def density(self, compartments: Compartments) -> np.ndarray:
        """Largest conductances, uS: (current, compartment)."""
        factor = [
            [self.factors.get(region, {}).get(current, 1.0) for region in compartments.region]
            for current in CURRENTS
        ]
        whole = np.array([self.densities[current] for current in CURRENTS])[:, None]
        return 1e-2 * whole * np.array(factor) * compartments.area  # S/cm2 um2 is 1e-2 uS


def _sigmoid(middle: float, width: float) -> Curve:
    return lambda v: 1 / (1 + np.exp(-(v - middle) / width))


def _constant(tau: float) -> Curve:
    return lambda v: np.full_like(v, tau)


def _rates(
    alpha: Curve,
    beta: Curve,
    speed: float,
) -> Gate:
    """A gate that opens at rate alpha and closes at rate beta, 1/ms, both times `speed`."""
    return Gate(
        lambda v: alpha(v) / (alpha(v) + beta(v)), lambda v: 1 / (speed * (alpha(v) + beta(v)))
    )


def _linoid(rate: float, middle: float, width: float) -> Curve:
    """rate (v - middle) / (1 - exp(-(v - middle) / width)), rate width at the middle."""

    def alpha(v: np.ndarray) -> np.ndarray:
        x = (v - middle) / width
        near = np.abs(x) < 1e-6
        safe = np.where(near, 1.0, x)
        return rate * width * np.where(near, 1 + x / 2, safe / -np.expm1(-safe))

    return alpha


_H_GATE = Gate(_sigmoid(-80.0, -8.0), _constant(30.0))  # assumed: it makes the sag
_AXON = {"initial": {"sodium": 1.5, "h": 0.0}, "axon": {"h": 0.0}}

GOLOMB = Family(
    name="golomb",
    source="Golomb et al., Mechanisms of firing patterns in fast-spiking cortical interneurons, "
    "PLoS Computational Biology 3(8), 2007, doi 10.1371/journal.pcbi.0030156",
    power=2,
    densities={
        "sodium": 0.1125,
        "potassium": 0.225,
        "slow_potassium": 0.00039,
        "h": 2e-5,
        "leak": 5e-5,
    },
    reversal={"sodium": 50, "potassium": -90, "slow_potassium": -90, "h": -30, "leak": -70},
    activation=_sigmoid(-24.0, 11.5),
    gates={
        "h": Gate(_sigmoid(-58.3, -6.7), lambda v: 0.5 + 14 * _sigmoid(-60.0, -12.0)(v)),
        "n": Gate(
            _sigmoid(-12.4, 6.8),
            lambda v: (
                (0.087 + 11.4 * _sigmoid(-14.6, -8.6)(v)) * (0.087 + 11.4 * _sigmoid(1.3, 18.7)(v))
            ),
        ),
        "a": Gate(_sigmoid(-50.0, 20.0), _constant(2.0)),
        "b": Gate(_sigmoid(-70.0, -6.0), _constant(150.0)),
        "q": _H_GATE,
    },
    # weakly excitable dendrites, as recorded in such cells
    factors=_AXON | {"dendrite": {"sodium": 0.1, "potassium": 0.2, "slow_potassium": 0.5}},
)
WANG_BUZSAKI = Family(
    name="wang_buzsaki",
    source="Wang, Buzsaki, Gamma oscillation by synaptic inhibition in a hippocampal interneuronal "
    "network model, Journal of Neuroscience 16(20), 1996",
    power=4,
    densities={"sodium": 0.035, "potassium": 0.009, "slow_potassium": 0, "h": 2e-5, "leak": 1e-4},
    reversal={"sodium": 55, "potassium": -90, "slow_potassium": -90, "h": -30, "leak": -65},
    activation=lambda v: (
        _linoid(0.1, -35.0, 10.0)(v) / (_linoid(0.1, -35.0, 10.0)(v) + 4 * np.exp(-(v + 60) / 18))
    ),
    gates={
        "h": _rates(lambda v: 0.07 * np.exp(-(v + 58) / 20), _sigmoid(-28.0, 10.0), 5.0),
        "n": _rates(_linoid(0.01, -34.0, 10.0), lambda v: 0.125 * np.exp(-(v + 44) / 80), 5.0),
        "a": GOLOMB.gates["a"],
        "b": GOLOMB.gates["b"],
        "q": _H_GATE,
    },
    factors=_AXON,
)
FAMILIES = {family.name: family for family in (GOLOMB, WANG_BUZSAKI)}


def tables(family: Family, dt: float) -> np.ndarray:
    """What the solver reads at each potential: (row, 2 * (1 + 2 * gate)) float64.

    The first quantity is m_inf^3; each gate has two, for its exact step x -> gain + decay x of `dt`
    ms at a fixed potential: gain = x_inf (1 - decay), decay = exp(-dt / tau). Each has two columns:
    its value, and what it gains up to the next row.
    """
    v = LOWEST + STEP * np.arange(round((HIGHEST - LOWEST) / STEP) + 1)
    columns = [family.activation(v) ** 3]
    for name in GATES:
        gate = family.gates[name]
        decay = np.exp(-dt / gate.tau(v))
        columns += [gate.steady(v) * (1 - decay), decay]
    values = np.stack(columns, 1).round(DIGITS)
    return np.stack([values[:-1], np.diff(values, axis=0)], 2).reshape(len(v) - 1, -1)
