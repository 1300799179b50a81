"""The cable and its solver: closed forms, linear algebra, conservation of charge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.datasets.cable import cell, ensemble, kernels, solver, spikes
from hnnlib.datasets.tracedata import FEATURES
from hnnlib.errors import DataError

PASSIVE = np.array([[0.0, 0.0, 0.0, 0.0, 1.0]])  # leak alone
FAMILY = cell.GOLOMB
LEAK = FAMILY.densities["leak"]


@pytest.fixture(scope="module")
def cells():
    return ensemble.draw(3, "golomb", 0.08, 0)


def cylinder(number, length, diameter):
    cable = cell.Cable((cell.Section("soma", None, number, length / number, diameter),))
    return solver.Cells(FAMILY, PASSIVE, cable)


def respond(cells, amplitude, step, **options):
    one = np.zeros(1, np.int64)
    return solver.run(cells, one, np.array([amplitude]), 0.0, step, **options)[0]


def test_the_cell_is_the_stated_one():
    whole, folded = cell.cut(cell.CELL.unfolded()), cell.cut(cell.CELL)
    assert (len(whole.area), len(folded.area)) == (40, 13)
    assert whole.area.sum() == pytest.approx(folded.area.sum()) == pytest.approx(6970, abs=1)
    assert (whole.parent < np.arange(40)).all()


def test_copies_of_dendrites_are_solved_as_one(cells):
    step = solver.Step(pulse=25, duration=30, dt=0.2)
    whole = replace(cells, cable=cell.CELL.unfolded())
    asked = np.zeros(1, np.int64), np.array([0.2]), 2.0, step
    together, apart = (solver.run(c, *asked, recorded=(0, 8, 12)) for c in (cells, whole))
    assert spikes.crossings(apart).any()
    np.testing.assert_allclose(together, apart, atol=1e-4)


def test_single_compartment_charges_exponentially():
    """V(t) = E + I R (1 - exp(-t / tau)), tau = c_m / g_L = 20 ms."""
    step = solver.Step(pulse=60, duration=60, dt=0.02)
    voltage = respond(cylinder(1, 20, 20), 0.01, step)[0]
    resistance = 1e-6 / (LEAK * np.pi * 20 * 20 * 1e-8)  # MOhm
    time = step.dt * (1 + np.arange(len(voltage)))
    expected = -70 + 0.01 * resistance * (1 - np.exp(-time / 20))
    np.testing.assert_allclose(voltage + 70, expected + 70, atol=2e-3 * 0.01 * resistance)


def test_sealed_cylinder_settles_where_cable_theory_says():
    """V = I R_inf coth(L / lambda) at the end that is driven, that over cosh(L / lambda) at the
    other (Rall 1959)."""
    length, diameter, number = 800.0, 2.0, 160
    step = solver.Step(pulse=300, duration=300, dt=1.0, step=0.1)
    ends = respond(cylinder(number, length, diameter), 0.001, step, recorded=(0, number - 1))
    radius, resistivity = diameter / 2 * 1e-4, cell.CELL.resistivity
    constant = np.sqrt(radius / (2 * resistivity * LEAK))  # cm
    infinite = resistivity * constant / (np.pi * radius**2) * 1e-6  # MOhm
    near = 0.001 * infinite / np.tanh(length * 1e-4 / constant)
    far = 0.001 * infinite / np.sinh(length * 1e-4 / constant)
    np.testing.assert_allclose(ends[:, -1] + 70, [near, far], rtol=0.01)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 30),
    lanes=st.integers(1, 3),
)
def test_elimination_along_a_tree_solves_the_dense_system(seed, count, lanes):
    generator = np.random.default_rng(seed)
    parent = np.array([-1, *(generator.integers(k) for k in range(1, count))])
    axial = np.append(0.0, generator.uniform(0.1, 10, count - 1))
    matrix = np.zeros((lanes, count, count))
    for child in range(1, count):
        matrix[:, child, parent[child]] = matrix[:, parent[child], child] = -axial[child]
    diagonal = -matrix.sum(-1).T + generator.uniform(0.1, 2, (count, lanes))
    matrix[:, np.arange(count), np.arange(count)] = diagonal.T
    right = generator.standard_normal((count, lanes))
    expected = np.linalg.solve(matrix, right.T[..., None])[..., 0].T
    found = np.empty_like(right)
    kernels.solve(parent, axial, diagonal, right, found)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("family", cell.FAMILIES.values(), ids=list(cell.FAMILIES))
def test_gates_end_at_their_steady_state_from_anywhere(family):
    """Iterated, x -> gain + decay x ends at x_inf; between rows, tables are the formulas."""
    dt, v = 0.02, np.linspace(-120.03, 79.97, 333)
    table = cell.tables(family, dt)
    place = (v - cell.LOWEST) / cell.STEP
    row = place.astype(int)
    x = (place - row)[:, None]
    values = table[row, ::2] + x * table[row, 1::2]
    np.testing.assert_allclose(values[:, 0], family.activation(v) ** 3, atol=1e-5)
    for k, name in enumerate(cell.GATES):
        gain, decay = values[:, 1 + 2 * k], values[:, 2 + 2 * k]
        np.testing.assert_allclose(decay, np.exp(-dt / family.gates[name].tau(v)), atol=1e-5)
        for start in (0.0, 1.0):
            ends = start * decay**1e7 + gain * (1 - decay**1e7) / (1 - decay)
            np.testing.assert_allclose(ends, family.gates[name].steady(v), atol=1e-3)


def test_axial_currents_cancel_at_every_step():
    """Without a membrane conductance, all charge that is injected lies on the capacitors."""
    cells = solver.Cells(FAMILY, 0 * PASSIVE)
    step = solver.Step(pulse=0.6, duration=1.0, dt=0.02)
    voltage = respond(cells, 0.1, step, recorded=tuple(range(13)))
    charge = cells.compartments.capacitance @ (voltage.astype(float) + 70)  # pC
    injected = 0.1 * np.minimum(0.02 * (1 + np.arange(50)), 0.6)
    np.testing.assert_allclose(charge, injected, atol=1e-5)


def test_cells_rest_where_they_began(cells):
    """Without a current nothing moves, at any step of the solver."""
    step = solver.Step(pulse=5, duration=5, dt=0.5, step=0.05)
    voltage = solver.run(cells, np.arange(3), np.zeros(3), 0.0, step)[:, 0]
    np.testing.assert_allclose(voltage, voltage[:, :1] + 0 * voltage, atol=1e-3)
    assert ((voltage > -70) & (voltage < -65)).all()


def test_a_trace_does_not_depend_on_its_neighbours(cells):
    step = solver.Step(pulse=20, duration=25, dt=0.5)
    which, amplitude = np.arange(3), np.array([-0.1, 0.1, 0.28])
    together = solver.run(cells, which, amplitude, 2.0, step, threads=2, lanes=2)
    alone = [
        solver.run(cells, which[k : k + 1], amplitude[k : k + 1], 2.0, step)[0] for k in range(3)
    ]
    np.testing.assert_array_equal(together, alone)


def test_the_cell_fires_and_sags_as_noted():
    """Spikes in 400 ms at four amplitudes, rest and sag at -0.11 nA: the solver of NEURON says the
    same where it is installed."""
    one = solver.Cells(FAMILY, np.ones((1, len(cell.CURRENTS))))
    step = solver.Step(pulse=400, duration=400, dt=0.1)
    amplitude = np.array([0.1, 0.15, 0.2, 0.28, -0.11])
    voltage = solver.run(one, np.zeros(5, np.int64), amplitude, 0.0, step)[:, 0]
    assert spikes.crossings(voltage).sum(-1).tolist() == [13, 18, 23, 28, 0]
    assert one.resting[0][0, 0] == pytest.approx(-67.87, abs=0.01)
    assert voltage[4, -400:].mean() - voltage[4].min() == pytest.approx(2.71, abs=0.01)


def test_cells_fire_and_without_sodium_none_does(cells):
    step = solver.Step(pulse=50, duration=60, dt=0.2)
    strong = np.full(3, 0.28)
    fired = solver.run(cells, np.arange(3), strong, 5.0, step)[:, 0]
    silent = solver.run(cells.without_sodium(), np.arange(3), strong, 5.0, step)[:, 0]
    assert (spikes.crossings(fired).sum(-1) >= 2).all() and fired.max() > 0
    assert not spikes.crossings(silent).any()
    np.testing.assert_allclose(silent[:, :25], fired[:, :25], atol=1.0)  # both at rest


def test_traces_carry_their_cells_and_a_sum_of_what_they_hold(cells):
    """Features are made up here: measuring them takes a second."""
    made_up = {name: np.arange(3.0) for name in FEATURES}
    drawn = ensemble.Ensemble(cells, ensemble.Features(**made_up, rate=np.zeros((3, 4))))
    step = solver.Step(pulse=5, duration=8, dt=0.5)
    which, onset = np.array([2, 0]), np.array([1.0, 2.0])
    one, same, other = (
        drawn.respond(which, np.array([0.1, amplitude]), onset, step)
        for amplitude in (0.2, 0.2, 0.21)
    )
    assert one.source.sha256 == same.source.sha256 != other.source.sha256
    np.testing.assert_array_equal(one.voltage[0], other.voltage[0])
    np.testing.assert_array_equal(one.rheobase[one.cell], [2, 0])


def test_amplitudes_are_skewed_to_strong_ones_and_depend_on_their_generator_only():
    first, again = (ensemble.amplitudes(4000, np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    low, high = ensemble.AMPLITUDES
    assert ((first > low) & (first < high)).all()
    assert np.mean((first - first.mean()) ** 3) > 0
    assert 0 < np.median(first) < first.mean() < 0.1


@given(gap=st.integers(2, 100), number=st.integers(2, 9))
def test_rates_are_inverse_intervals(gap, number):
    voltage = np.full((2, 1000), -65.0)
    voltage[0, 5 + gap * np.arange(number)] = 20.0
    voltage[1, 500] = 20.0  # one spike has no interval
    np.testing.assert_allclose(spikes.rates(voltage, 0.1), [1e4 / gap, 0])


def test_larger_ensembles_begin_with_the_smaller_ones():
    few, many = (ensemble.draw(number, "golomb", 0.08, 1) for number in (2, 5))
    np.testing.assert_array_equal(few.factors, many.factors[:2])
    with pytest.raises(DataError, match="golomb"):
        ensemble.draw(2, "golom", 0.08, 1)


def test_thresholds_are_found_wherever_they_lie():
    """NaN where a cell never fires."""
    true = np.array([0.07, 0.25, 0.0005, 0.9])
    found = ensemble._thresholds(lambda amplitude: amplitude >= true, 4)
    np.testing.assert_allclose(found[:3], true[:3], atol=ensemble.TOLERANCE)
    assert (found[:3] >= true[:3]).all() and np.isnan(found[3])


def test_a_cell_fires_at_its_threshold_and_not_below():
    one = ensemble.draw(1, "wang_buzsaki", 0.0, 0)
    step = solver.Step(pulse=100, duration=100, dt=0.1, step=0.05)
    rheobase = ensemble.measure(one, pulse=step).rheobase[0]
    amplitude = rheobase - np.array([ensemble.TOLERANCE, 0])
    voltage = solver.run(one, np.zeros(2, np.int64), amplitude, 0.0, step)[:, 0]
    assert spikes.crossings(voltage).any(-1).tolist() == [False, True]
