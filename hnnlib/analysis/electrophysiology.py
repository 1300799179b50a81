"""Features of a membrane potential under a step of current, as eFEL defines them.

All functions take potentials (trace, step) in mV, `dt` ms apart, and times in ms from the first
sample, one for all traces or one a trace. What a trace does not have is NaN. The definitions are
those of eFEL (doi 10.5281/zenodo.593869), under whose names the paper tabulates them; the code is
not. Where eFEL first interpolates to .1 ms, the samples are used as they are.
"""

from __future__ import annotations

import numpy as np

from hnnlib.datasets.cable.spikes import LEVEL, crossings

__all__ = [
    "first_width",
    "mean_amplitude",
    "sag",
    "spike_count",
    "steady_state_voltage",
    "voltage_at_end",
]

_STEEP = 10.0  # mV/ms from which a spike has begun
_END = 0.1  # share of the pulse at whose end the potential is averaged


def spike_count(voltage: np.ndarray) -> np.ndarray:
    """How often the potential rises through -20 mV: (trace,) int64 (`Spikecount`)."""
    return crossings(voltage).sum(-1)


def steady_state_voltage(voltage: np.ndarray, dt: float, end: np.ndarray | float) -> np.ndarray:
    """Mean potential after the pulse, mV: (trace,) (`steady_state_voltage`)."""
    return _mean(voltage, dt, end, np.inf)


def voltage_at_end(
    voltage: np.ndarray, dt: float, begin: np.ndarray | float, end: np.ndarray | float
) -> np.ndarray:
    """Mean over the last tenth of the pulse, mV: (trace,) (`steady_state_voltage_stimend`)."""
    begin, end = np.asarray(begin), np.asarray(end)
    return _mean(voltage, dt, end - _END * (end - begin), end)


def sag(
    voltage: np.ndarray,
    dt: float,
    begin: np.ndarray | float,
    end: np.ndarray | float,
    sharpness: float | None = None,
) -> np.ndarray:
    """How far the potential comes back from its minimum in the pulse up to its end, mV: (trace,).

    Args:
        sharpness: 1/mV, of a minimum that can be differentiated, the mean with weights
            exp(-sharpness V); the paper trains with 50. The plain minimum, if not given.
    """
    during = _between(voltage, dt, begin, np.nextafter(np.asarray(end, float), np.inf))
    lowest = np.where(during, voltage, np.inf).min(-1)
    if sharpness is not None:
        weight = np.where(during, np.exp(-sharpness * (voltage - lowest[:, None])), 0)
        lowest = (weight * voltage).sum(-1) / weight.sum(-1)
    return voltage_at_end(voltage, dt, begin, end) - lowest


def mean_amplitude(voltage: np.ndarray, dt: float) -> np.ndarray:
    """Mean height of the peaks above where each spike began, mV: (trace,) (`mean_AP_amplitude`).

    A spike begins where the potential starts to rise by more than 10 mV/ms up to its peak.
    """
    row, up, down = _spikes(voltage)
    gentle = np.gradient(voltage, dt, axis=-1) < _STEEP
    before = np.maximum.accumulate(np.where(gentle, np.arange(voltage.shape[1]), -1), -1)
    start = np.minimum(before[row, up - 1] + 1, up)
    height = _greatest(voltage, row, up, down) - voltage[row, start]
    count = np.bincount(row, minlength=len(voltage))
    total = np.bincount(row, height, minlength=len(voltage))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def first_width(voltage: np.ndarray, dt: float, end: np.ndarray | float) -> np.ndarray:
    """Width of the first spike half-way from the minimum after it to its peak, ms: (trace,)
    (`AP1_width`).

    The minimum is sought up to the second spike, or to the end of the pulse. Crossings of the half
    height are interpolated. NaN where a trace ends before.
    """
    steps = np.arange(voltage.shape[1])
    risen = crossings(voltage)
    first = risen.argmax(-1)
    second = (risen & (steps > first[:, None])).argmax(-1)
    last = np.where(second > 0, second, np.ceil(np.broadcast_to(end, len(voltage)) / dt))
    after = (steps >= first[:, None]) & (steps < last[:, None])
    falls = (steps > first[:, None]) & (voltage <= LEVEL)
    top = after & (steps <= np.where(falls.any(-1), falls.argmax(-1), len(steps))[:, None])
    peak = np.where(top, voltage, -np.inf).argmax(-1)
    trough = np.where(after & (steps > peak[:, None]), voltage, np.inf).min(-1)
    half = (voltage[np.arange(len(voltage)), peak] + trough) / 2
    over = voltage > half[:, None]
    rise = _last(~over & (steps < peak[:, None]))
    fall = (~over & (steps > peak[:, None])).argmax(-1)
    ok = risen.any(-1) & np.isfinite(trough) & (rise >= 0) & (fall > 0)
    width = np.full(len(voltage), np.nan)
    begin = _crossed(voltage[ok], rise[ok], half[ok])
    width[ok] = dt * (_crossed(voltage[ok], fall[ok] - 1, half[ok]) - begin)
    return width


def _between(
    voltage: np.ndarray, dt: float, begin: np.ndarray | float, end: np.ndarray | float
) -> np.ndarray:
    """Samples from a time, and before another, give or take rounding: (trace, step) bool."""
    time = dt * (np.arange(voltage.shape[-1]) + 1e-6)
    return (time >= np.asarray(begin)[..., None]) & (time < np.asarray(end)[..., None])


def _mean(
    voltage: np.ndarray, dt: float, begin: np.ndarray | float, end: np.ndarray | float
) -> np.ndarray:
    inside = np.broadcast_to(_between(voltage, dt, begin, end), voltage.shape)
    count = inside.sum(-1)
    total = np.where(inside, voltage, 0).sum(-1, dtype=float)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _spikes(voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Trace of each spike, its first sample above -20 mV, and the first one below again: (spike,).

    A spike that the trace cuts off ends with it.
    """
    row, up = np.nonzero(crossings(voltage))
    falls = np.zeros(voltage.shape, bool)
    falls[:, 1:] = (voltage[:, :-1] > LEVEL) & (voltage[:, 1:] <= LEVEL)
    steps = voltage.shape[1]
    next_fall = np.minimum.accumulate(np.where(falls, np.arange(steps), steps)[:, ::-1], -1)
    return row, up, next_fall[:, ::-1][row, up]


def _greatest(
    voltage: np.ndarray, row: np.ndarray, first: np.ndarray, last: np.ndarray
) -> np.ndarray:
    """Greatest value from `first` and before `last` of each row: (spike,)."""
    steps = voltage.shape[1]
    if len(row) == 0:
        return np.empty(0)
    padded = np.append(voltage.ravel(), -np.inf)  # so that the last place may be the end
    places = np.stack([row * steps + first, row * steps + last], 1).ravel()
    return np.maximum.reduceat(padded, places)[::2]


def _last(where: np.ndarray) -> np.ndarray:
    """Last place that is true in each row; -1 where none is."""
    return np.where(where.any(-1), where.shape[-1] - 1 - where[:, ::-1].argmax(-1), -1)


def _crossed(voltage: np.ndarray, before: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Where between a sample and the next one the line through both meets a level, in samples."""
    row = np.arange(len(voltage))
    low, high = voltage[row, before].astype(float), voltage[row, before + 1]
    return before + (level - low) / (high - low)
