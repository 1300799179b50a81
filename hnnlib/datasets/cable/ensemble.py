"""An ensemble of cells that differ in their conductances, and recordings of them.

It stands for the 60 models of one neuron that the paper fits to recordings: every conductance is
multiplied with exp(spread N(0, 1)), as cells of one evolutionary fit differ, but smoothly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hnnlib.datasets.cable import cell, solver, spikes
from hnnlib.datasets.entry import Source
from hnnlib.datasets.tracedata import FEATURES, TraceData, content
from hnnlib.errors import DataError, nearest
from hnnlib.randomness import numpy_generator

__all__ = ["AMPLITUDES", "Ensemble", "Features", "amplitudes", "build", "measure"]

AMPLITUDES = (-0.11, 0.28)  # nA, the paper's range
_MODE = (0.0, 0.11, 2.0)  # location, scale (nA) and shape of the skew-normal: assumed; half of the
# steps lie below the threshold, and the tail of strong ones is the heavier one
PULSE = solver.Step(pulse=400.0, duration=400.0, dt=0.1)
"""On which features are measured: on short pulses, counts would make all slopes alike."""
TOLERANCE = 1e-3  # nA, of the threshold
ABOVE = (0.01, 0.02, 0.04, 0.12)  # nA above the threshold at which rates are measured
_LOCAL = 3  # of them make the slope
_DIGITS = 9  # of random factors: logarithms of two processors may differ beyond


@dataclass(frozen=True, eq=False)
class Features:
    """What a current clamp says of each cell: (cell,) float64.

    rheobase:  I_thr, nA.
    slope:     s_thr, Hz/nA: of the line through the rates a little above I_thr.
    ahp_depth: mV below rest of the least potential between spikes, on average.
    rest:      mV.
    rate:      (cell, point) Hz at I_thr + ABOVE.
    """

    rheobase: np.ndarray
    slope: np.ndarray
    ahp_depth: np.ndarray
    rest: np.ndarray
    rate: np.ndarray


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Cells with their features."""

    cells: solver.Cells
    features: Features

    def respond(
        self,
        cell: np.ndarray,
        amplitude: np.ndarray,
        onset: np.ndarray,
        step: solver.Step,
        threads: int = 1,
    ) -> TraceData:
        """Responses of chosen cells to chosen amplitudes (nA) from chosen times (ms)."""
        columns = {
            "voltage": solver.run(self.cells, cell, amplitude, onset, step, threads=threads)[:, 0],
            "amplitude": amplitude.astype(np.float32),
            "cell": cell.astype(np.int64),
            "onset": onset.astype(np.float32),
            **{name: getattr(self.features, name).astype(np.float32) for name in FEATURES},
        }
        return TraceData(
            name="cable",
            **columns,
            pulse=step.pulse,
            dt=step.dt,
            source=_source(self.cells.family, content(*columns.values())),
        )


def build(
    number: int, channels: str = "golomb", spread: float = 0.08, seed: int = 0, threads: int = 1
) -> Ensemble:
    """An ensemble; the first cells of a larger one are those of a smaller one."""
    cells = draw(number, channels, spread, seed)
    return Ensemble(cells, measure(cells, threads))


def draw(number: int, channels: str, spread: float, seed: int) -> solver.Cells:
    """Cells whose features were not measured."""
    if channels not in cell.FAMILIES:
        raise DataError(f"There are no channels {channels!r}: {nearest(channels, cell.FAMILIES)}")
    draws = [
        numpy_generator(seed, "cable", "cell", k).standard_normal(len(cell.CURRENTS))
        for k in range(number)
    ]
    factors = np.exp(spread * np.array(draws)).round(_DIGITS)
    return solver.Cells(cell.FAMILIES[channels], factors)


def amplitudes(number: int, generator: np.random.Generator) -> np.ndarray:
    """Skew-normal amplitudes within AMPLITUDES, nA (Azzalini 1985): (number,) float32."""
    location, scale, shape = _MODE
    delta = shape / np.sqrt(1 + shape**2)
    half, other = generator.standard_normal((2, 2 * number + 10))
    drawn = location + scale * (delta * np.abs(half) + np.sqrt(1 - delta**2) * other)
    low, high = AMPLITUDES
    return drawn[(drawn > low) & (drawn < high)][:number].astype(np.float32)


def measure(cells: solver.Cells, threads: int = 1, pulse: solver.Step = PULSE) -> Features:
    """Features of every cell, by bisection and a few pulses above the threshold."""
    every = np.arange(len(cells))

    def response(amplitude: np.ndarray) -> np.ndarray:
        return solver.run(cells, every, amplitude, 0.0, pulse, threads=threads)[:, 0]

    def fires(amplitude: np.ndarray) -> np.ndarray:
        return spikes.crossings(response(amplitude)).any(-1)

    rheobase, rest = _thresholds(fires, len(cells)), cells.resting[0][0]
    responses = [response(rheobase + more) for more in ABOVE]
    rate = np.stack([spikes.rates(found, pulse.dt) for found in responses], 1)
    near = np.array(ABOVE[:_LOCAL]) - np.mean(ABOVE[:_LOCAL])
    return Features(
        rheobase=rheobase,
        slope=rate[:, :_LOCAL] @ near / (near @ near),
        ahp_depth=rest - _troughs(responses[_LOCAL - 1]),
        rest=rest,
        rate=rate,
    )


def _thresholds(fires: Callable[[np.ndarray], np.ndarray], number: int) -> np.ndarray:
    """Least amplitudes (cell,) at which cells fire, from above to within TOLERANCE; NaN where the
    strongest amplitude elicits no spike.

    Args:
        fires: tells which cells fire at amplitudes (cell,) of their own.
    """
    low, high = np.zeros(number), np.full(number, AMPLITUDES[1])
    able = fires(high)
    while (high - low).max() > TOLERANCE:
        middle = (low + high) / 2
        fired = fires(middle)
        low, high = np.where(fired, low, middle), np.where(fired, middle, high)
    return np.where(able, high, np.nan)


def _troughs(voltage: np.ndarray) -> np.ndarray:
    """Mean of the least potentials between spikes, mV; NaN below two spikes."""
    risen = spikes.crossings(voltage)
    found = np.full(len(voltage), np.nan)
    for row, times in enumerate(map(np.flatnonzero, risen)):
        if len(times) > 1:
            found[row] = np.minimum.reduceat(voltage[row], times)[:-1].mean()
    return found


def _source(family: cell.Family, sha256: str) -> Source:
    return Source(
        official=True,
        note="potentials of a simulated cable with published channels, not the paper's models",
        sha256=sha256,
        licence="the project's own",
        citation=f"channels after {family.source}",
        origin="generated",
    )
