"""Features are those of eFEL, on responses of cells of which some fire."""

from __future__ import annotations

import numpy as np
import pytest

from hnnlib.analysis import electrophysiology as features
from hnnlib.datasets.cable import ensemble, solver

efel = pytest.importorskip("efel", reason="needs the extra `features`: make oracles")
DT, BEGIN, END = 0.1, 5.0, 55.0
EXACT = {"rtol": 1e-9}
LOOSE = {"rtol": 0.05}  # eFEL lets a spike begin half a millisecond before its peak at the latest
FEATURES = {
    "Spikecount": (features.spike_count, EXACT),
    "AP1_width": (lambda v: features.first_width(v, DT, END), EXACT),
    "steady_state_voltage": (lambda v: features.steady_state_voltage(v, DT, END), EXACT),
    "steady_state_voltage_stimend": (lambda v: features.voltage_at_end(v, DT, BEGIN, END), EXACT),
    "sag_amplitude": (lambda v: features.sag(v, DT, BEGIN, END), EXACT),
    "mean_AP_amplitude": (lambda v: features.mean_amplitude(v, DT), LOOSE),
}


@pytest.fixture(scope="module")
def responses():
    """(trace, sample) mV."""
    cells, amplitude = ensemble.draw(4, "golomb", 0.08, 0), np.linspace(-0.11, 0.28, 14)
    step = solver.Step(pulse=END - BEGIN, duration=60, dt=DT)
    return solver.run(cells, np.arange(14) % 4, amplitude, BEGIN, step)[:, 0].astype(float)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FEATURES)
def test_features_are_those_of_efel(responses, name):
    pulse = {"T": np.arange(responses.shape[1]) * DT, "stim_start": [BEGIN], "stim_end": [END]}
    found = efel.get_feature_values([pulse | {"V": v} for v in responses], [name])
    theirs = [np.nan if row[name] is None else np.append(row[name], np.nan)[0] for row in found]
    own, tolerance = FEATURES[name]
    # eFEL has no sag where the membrane is depolarised
    values = np.where(np.isfinite(theirs) | (name != "sag_amplitude"), own(responses), np.nan)
    np.testing.assert_allclose(values, theirs, **tolerance)
    assert np.isfinite(theirs).any()
