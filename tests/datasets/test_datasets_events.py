"""Recordings: shapes are checked, binning has exact semantics, batches share one list of events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.datasets import eventdata
from hnnlib.datasets.entry import Source
from hnnlib.datasets.eventdata import EventData, bin_events
from hnnlib.errors import DataError
from hnnlib.training.examples import Recordings

SOURCE = Source(official=True, note="", sha256="0", licence="", citation="", origin="")


def recordings(times, units, lengths, channels=5):
    n = len(lengths)
    return EventData(
        name="toy",
        times=np.asarray(times, np.float32),
        units=np.asarray(units, np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        labels=np.arange(n, dtype=np.int64) % 2,
        speakers=np.zeros(n, np.int64),
        test=np.zeros(n, bool),
        n_classes=2,
        channels=channels,
        source=SOURCE,
    )


def dense(binned):
    """Counts (n, steps, channels)."""
    out = np.zeros((len(binned), binned.steps, binned.channels), int)
    for i, starts in enumerate(binned.starts):
        for t in range(binned.steps):
            np.add.at(out[i, t], binned.units[starts[t] : starts[t + 1]], 1)
    return out


def test_spike_falls_in_the_floor_of_its_time_over_the_step_and_late_spikes_are_dropped():
    data = recordings([0.0, 0.0099, 0.01, 0.0299, 0.03, 5.0], [0, 1, 2, 3, 4, 0], [6])
    binned = bin_events(data, steps=3, dt=0.01)
    assert binned.units.tolist() == [0, 1, 2, 3] and binned.units.dtype == np.int32
    assert binned.starts.tolist() == [[0, 2, 3, 4]] and binned.starts.dtype == np.int64


@pytest.mark.parametrize("dt", [0.001, 0.002, 0.01, 0.014, 1 / 3])
def test_spike_at_the_beginning_of_a_step_belongs_to_it_although_float32_rounds(dt):
    steps = 1000
    data = recordings(np.arange(steps) * dt, np.zeros(steps), [steps])
    assert (np.diff(bin_events(data, steps, dt).starts) == 1).all()


def test_counts_keep_what_binary_joins():
    data = recordings([0.001, 0.002, 0.003, 0.011], [3, 1, 3, 3], [4])
    assert bin_events(data, 2, 0.01).units.tolist() == [3, 1, 3, 3]
    assert bin_events(data, 2, 0.01, binary=True).units.tolist() == [1, 3, 3]


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4)), max_size=9), min_size=1),
    st.booleans(),
    st.integers(1, 3),
)
def test_binning_is_a_histogram_of_every_recording(spikes, binary, chunk):
    """Whatever the order of the spikes and however many recordings are binned at once."""
    flat = [spike for one in spikes for spike in one]
    times = np.array([time for time, _ in flat]) / 1000 + 0.0005
    data = recordings(times, [unit for _, unit in flat], [len(one) for one in spikes])
    expected = np.zeros((len(spikes), 6, 5), int)
    for i, one in enumerate(spikes):
        for time, unit in one:
            if time < 30:
                expected[i, time // 5, unit] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eventdata, "CHUNK", chunk)
        found = dense(bin_events(data, 6, 0.005, binary))
    np.testing.assert_array_equal(found, expected.clip(max=1) if binary else expected)


def test_recordings_without_a_spike_stay():
    binned = bin_events(recordings([0.5], [1], [0, 1, 0]), 2, 0.01)
    assert binned.units.size == 0 and binned.starts.tolist() == [[0, 0, 0]] * 3


@pytest.mark.parametrize(("steps", "dt"), [(0, 0.01), (10, 0.0), (10, float("nan"))])
def test_impossible_steps_are_refused(steps, dt):
    with pytest.raises(DataError, match="give positive numbers"):
        bin_events(recordings([0.0], [0], [1]), steps, dt)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"times": np.zeros(3)}, "times of toy have shape .* one float32"),
        ({"units": np.zeros(2, np.int32)}, "one int32 for each of the 3 spikes"),
        ({"units": np.array([0, 1, 5], np.int32)}, "units of toy run from 0 to 5"),
        ({"times": np.array([0, -1, 0], np.float32)}, "finite and not negative"),
        ({"times": np.array([0, np.nan, 0], np.float32)}, "finite and not negative"),
        ({"offsets": np.array([0, 3])}, "3 int64, one more"),
        ({"offsets": np.array([0, 2, 1])}, "rise from 0 to 3"),
        ({"labels": np.array([0, 2])}, "labels of toy run from 0 to 2"),
        ({"speakers": np.zeros(2, np.int32)}, "speakers of toy"),
        ({"test": np.zeros(3, bool)}, "test marks of toy"),
        ({"labels": np.zeros(0, np.int64), "offsets": np.array([0])}, "rise from 0 to 3"),
    ],
)
def test_event_data_refuses_what_does_not_fit(change, message):
    with pytest.raises(DataError, match=message):
        replace(recordings([0, 0.1, 0.2], [0, 1, 2], [1, 2]), **change)


def test_batch_of_a_population_is_each_members_recordings_and_shares_the_events():
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 20, 12)
    data = recordings(rng.random(lengths.sum()), rng.integers(0, 5, lengths.sum()), lengths)
    binned = bin_events(data, 10, 0.08)
    examples = Recordings(binned, data.labels, torch.device("cpu"))
    rows = torch.tensor([[3, 0, 11], [5, 5, 2]])
    batch = examples.inputs(rows)
    assert batch.shape == (10, 2, 3, 5) and examples.in_shape == (5,)
    expected = dense(binned)[rows.numpy()].transpose(2, 0, 1, 3)
    np.testing.assert_array_equal(batch.over_time().numpy(), expected)
    assert batch.units.data_ptr() == binned.units.ctypes.data
    np.testing.assert_array_equal(examples.labels(rows).numpy(), data.labels[rows.numpy()])
