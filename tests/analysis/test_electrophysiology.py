"""Features of membrane potentials: on traces whose features are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.analysis import electrophysiology as features

DT, REST, BEGIN, END = 0.05, -70.0, 10.0, 60.0
TIME = np.arange(1600) * DT


def train(times, height=100.0, half_width=0.4, foot=-60.0):
    """Triangular spikes on a step to `foot`: rise and fall take `half_width` ms each."""
    voltage = np.where((TIME >= BEGIN) & (TIME < END), foot, REST)
    for at in times:
        voltage = np.maximum(voltage, foot + height * (1 - np.abs(TIME - at) / half_width))
    return voltage


@settings(max_examples=25)
@given(
    times=st.lists(st.integers(4, 19).map(lambda k: 3 * k), max_size=8, unique=True),
    height=st.floats(60, 120),
    half_width=st.floats(0.25, 0.9),
)
def test_spikes_of_known_number_height_and_width(times, height, half_width):
    voltage = train(times, height, half_width)[None]
    assert features.spike_count(voltage) == len(times)
    found = features.first_width(voltage, DT, END), features.mean_amplitude(voltage, DT)
    if not times:
        assert np.isnan(found).all()
        return
    width, amplitude = found
    # from half-way up a flank to half-way down the other; corners are cut by less than one sample
    assert width == pytest.approx(half_width, abs=DT)
    assert amplitude == pytest.approx(height, abs=height / half_width * DT)


def test_mean_potentials_and_sag_are_those_of_their_windows():
    """A response that falls to its minimum and comes back by 3 mV, in two traces at once."""
    trace = np.where(TIME < BEGIN, REST, np.where(TIME < END, -90.0, -75.0))
    trace[(TIME >= END - 10) & (TIME < END)] = -87.0
    both = np.stack([trace, trace + 1])
    np.testing.assert_allclose(features.steady_state_voltage(both, DT, END), [-75, -74])
    np.testing.assert_allclose(features.voltage_at_end(both, DT, BEGIN, END), [-87, -86])
    np.testing.assert_allclose(features.sag(both, DT, BEGIN, END), 3)
    ends = np.array([END, 50.0])
    np.testing.assert_allclose(features.voltage_at_end(both, DT, BEGIN, ends), [-87, -89])


@settings(max_examples=25)
@given(st.integers(0, 100))
def test_soft_sag_approaches_the_plain_one_from_below(seed):
    voltage = -80 - 5 * np.random.default_rng(seed).random((1, len(TIME)))
    plain = features.sag(voltage, DT, BEGIN, END)
    soft = [features.sag(voltage, DT, BEGIN, END, sharpness)[0] for sharpness in (1, 50, 1e4)]
    assert soft[0] <= soft[1] <= soft[2] <= plain + 1e-9
    assert soft[2] == pytest.approx(plain[0], abs=1e-3)


def test_no_value_where_a_trace_ends_before_its_window():
    assert np.isnan(features.steady_state_voltage(np.zeros((1, 10)), DT, END)).all()
