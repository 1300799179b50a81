"""What is stored of a trained operator: errors of the potential, three ways, and of spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from hnnlib.analysis import electrophysiology
from hnnlib.networks.operator import TraceOperator
from hnnlib.studies.neural_operator.cells import Cell
from hnnlib.studies.neural_operator.recordings import Recorded, counts, mixtures, numbers
from hnnlib.training import measurement, scoring
from hnnlib.training.examples import Parts
from hnnlib.training.loop import Fit
from hnnlib.training.traces import CountedSpikes, RelativeLoss, Traces
from hnnlib.variables import Variable, of_cell

__all__ = ["AMPLITUDES", "Tests", "Truth", "fi_distance"]

AMPLITUDES = np.linspace(-0.11, 0.28, 14)[1:]
"""nA of F-I curves."""
_CEILING = -50.0  # mV, at which a trace that never fires is cut
_AT_ONCE = 200  # traces; bounds the memory
_SMALL = 1e-6  # beside a denominator, as in the public code
_EXAMPLES = (0.5, 0.9, 1.0)  # quantiles of the error whose traces are kept
_BAND = (5, 50, 95)
_FEATURES = {
    "steady": "steady state potential",
    "count": "spike count",
    "width": "width of the first spike",
    "amplitude": "mean amplitude of spikes",
}
_SCORES = {
    "accuracy": ("share of traces with the true number of spikes", "1"),
    "raw_error": ("relative L2 error of the potential, resting offset included", "%"),
    "centred_error": ("relative L2 error of the potential, by its distance from rest", "%"),
    "centred_median": ("median relative L2 error of the potential, by its distance from rest", "%"),
    "skill": ("1 - raw error by that of the true trace cut at -50 mV", "1"),
    "sodium_skill": ("1 - raw error by that of the same cell without sodium", "1"),
    "missed": ("share of firing traces that do not fire", "1"),
    "false": ("share of silent traces that fire", "1"),
    **{f"{name}_error": (f"mean relative error, {text}", "%") for name, text in _FEATURES.items()},
    **{
        f"{name}_median": (f"median relative error, {text}", "%")
        for name, text in _FEATURES.items()
    },
}


@dataclass(frozen=True, eq=False)
class Truth:
    """What true traces say, once for all operators.

    Attributes:
        voltage: (trace, sample) mV.
        rest: (trace,) mV.
        without: (trace, sample) mV of the same cells without sodium.
        step: ms between samples, and of onset and duration of the pulse.
    """

    voltage: np.ndarray
    rest: np.ndarray
    without: np.ndarray
    step: tuple[float, float, float]

    def of(self, some: np.ndarray) -> Truth:
        """Some of the traces."""
        return Truth(self.voltage[some], self.rest[some], self.without[some], self.step)

    def scores(self, predicted: np.ndarray) -> dict[str, float]:
        """Scores of one operator's traces (trace, sample) in mV."""
        whole, away = _norm(self.voltage), _norm(predicted - self.voltage)
        raw, centred = away / whole, away / _norm(self.voltage - self.rest[:, None])
        silent = _norm(np.maximum(self.voltage - _CEILING, 0)) / whole
        sodium = _norm(self.voltage - self.without) / whole
        true, ours = self.features, self.features_of(predicted)
        fires, fired = true["count"] > 0, ours["count"] > 0
        found = {
            "accuracy": (true["count"] == ours["count"]).mean(),
            "raw_error": 100 * raw.mean(),
            "centred_error": 100 * centred.mean(),
            "centred_median": 100 * np.median(centred),
            "skill": 1 - raw.mean() / silent.mean(),
            "sodium_skill": 1 - raw.mean() / sodium.mean(),
            "missed": _mean(~fired[fires]),
            "false": _mean(fired[~fires]),
        }
        for name in _FEATURES:
            some = np.isfinite(ours[name]) & np.isfinite(true[name])
            some &= (fires & fired) | (name != "count")
            errors = 100 * np.abs(ours[name] - true[name]) / (np.abs(true[name]) + _SMALL)
            found[f"{name}_error"] = _mean(errors[some])
            found[f"{name}_median"] = np.median(errors[some]) if some.any() else np.nan
        return found

    def each(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Raw error in percent, and predicted minus true number of spikes, trace by trace."""
        raw = 100 * _norm(predicted - self.voltage) / _norm(self.voltage)
        return raw, self.features_of(predicted)["count"] - self.features["count"]

    @cached_property
    def features(self) -> dict[str, np.ndarray]:
        """Of the true traces, (trace,) each."""
        return self.features_of(self.voltage)

    def features_of(self, voltage: np.ndarray) -> dict[str, np.ndarray]:
        """Of other traces of the same steps."""
        dt, begin, pulse = self.step
        end = begin + pulse
        return {
            "steady": electrophysiology.steady_state_voltage(voltage, dt, end),
            "count": electrophysiology.spike_count(voltage),
            "width": electrophysiology.first_width(voltage, dt, end),
            "amplitude": electrophysiology.mean_amplitude(voltage, dt),
            "sag": electrophysiology.sag(voltage, dt, begin, end),
        }


def _norm(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(values, dtype=np.float64).sum(-1))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def fi_distance(curves: np.ndarray, true: np.ndarray) -> float:
    """Median over curves (curve, amplitude) of the mean distance from the median true curve."""
    return float(np.median(np.abs(curves - np.median(true, 0)).mean(1)))


class Tests:
    """Measures trained operators on what no training saw.

    Args:
        recorded: the traces.
        seeds: of the operators; each has a test part of its own.
    """

    def __init__(self, recorded: Recorded, seeds: Sequence[int]) -> None:
        self.recorded, chosen = recorded, recorded.settings
        own = [recorded.split(seed, Cell()).test for seed in seeds]
        self.rows = np.unique(np.concatenate([*own, recorded.held_out]))
        step = chosen.dt, chosen.onset, chosen.pulse
        self.truth = Truth(
            recorded.truth[self.rows],
            recorded.data.rest[recorded.data.cell[self.rows]],
            recorded.without_sodium(self.rows),
            step,
        )
        self.true_counts = counts(chosen, recorded.cells.cells, AMPLITUDES)

    def measure(
        self, cell: Cell, network: TraceOperator, examples: Traces, parts: Parts, fit: Fit
    ) -> xr.Dataset:
        """Everything that is stored of one operator."""
        labels = asdict(cell) | {"dataset": self.recorded.data.name}
        measured = measurement.trained(cell.name, labels, network, fit)
        measured["train_loss"].attrs["units"] = "1"
        held_out = torch.from_numpy(self.recorded.held_out).to(parts.test)
        groups = {
            "test": ("unseen amplitudes", parts.test),
            "held_out": ("held-out cells", held_out.expand(len(network.seeds), -1)),
        }
        found: dict[str, Variable] = {}
        for group, (text, rows) in groups.items():
            predicted = _predict(network, examples.inputs(rows))
            truth = [self.truth.of(np.searchsorted(self.rows, some.cpu().numpy())) for some in rows]
            each = [one.scores(v) for one, v in zip(truth, predicted, strict=True)]
            for name, (what, unit) in _SCORES.items():
                values = [score[name] for score in each]
                key = name if (group, name) in _PLAIN else f"{group}_{name}"
                found[key] = _per_seed(values, fit, f"{what}, {text}", unit)
            if group == "test":
                found |= self._silent(truth, predicted, fit)
                found |= self._examples(truth[0], predicted[0])
        found |= self._trained(network, examples, parts, fit)
        found |= self._latent(cell, network, fit)
        curves = {
            "validation_curve": (fit.validation_curve, "share of exact spike counts, validation"),
            "validation_loss": (fit.validation_loss, "mean relative error, validation"),
        }
        for name, (values, text) in curves.items():
            found[name] = of_cell(("seed", "epoch"), values.cpu().numpy().T, text)
        return measured.assign(found).assign_coords(
            quantile=np.array(_EXAMPLES), band=np.array(_BAND), amplitude=AMPLITUDES
        )

    def _trained(
        self, network: TraceOperator, examples: Traces, parts: Parts, fit: Fit
    ) -> dict[str, Variable]:
        """What was learned, and from how much."""
        rows, task = parts.train[:, : scoring.TRAIN_ROWS], CountedSpikes(RelativeLoss())
        exact = scoring.evaluate(network, examples, rows, batch=_AT_ONCE, task=task).metric.cpu()
        chosen = fit.validation_curve.gather(0, fit.best_epoch.clamp(min=0)[None])[0].cpu()
        passes = fit.train_loss.isfinite().sum(0).cpu()
        return {
            "train_accuracy": _per_seed(exact, fit, "share of exact spike counts, training part"),
            "validation_accuracy": _per_seed(
                chosen, fit, "share of exact spike counts at the chosen epoch, validation part"
            ),
            "multiply_accumulates": of_cell(
                (), network.products(), "products with graded inputs per example"
            ),
            "train_examples": of_cell((), parts.train.shape[1], "training traces"),
            "train_cells": of_cell(
                (),
                len(np.unique(self.recorded.data.cell[parts.train[0].cpu()])),
                "cells in the training part",
            ),
            "passes": _per_seed(passes, fit, "passes over the training part"),
        }

    def _silent(
        self, truth: Sequence[Truth], predicted: np.ndarray, fit: Fit
    ) -> dict[str, Variable]:
        """Errors on true traces without spikes: of the potential, and of the sag."""
        raw, sags = [], []
        for one, v in zip(truth, predicted, strict=True):
            still = one.of(one.features["count"] == 0)
            some = v[one.features["count"] == 0]
            raw.append(100 * _mean(_norm(some - still.voltage) / _norm(still.voltage)))
            true = still.features["sag"]
            sags.append(100 * _norm(still.features_of(some)["sag"] - true) / _norm(true))
        return {
            "silent_error": _per_seed(raw, fit, "relative L2 error, traces without spikes", "%"),
            "sag_error": _per_seed(sags, fit, "relative L2 error of sags, same traces", "%"),
        }

    def _examples(self, truth: Truth, predicted: np.ndarray) -> dict[str, Variable]:
        """Of the first seed: traces at quantiles of the error, and errors of all traces."""
        raw, away = truth.each(predicted)
        order = np.argsort(raw)
        places = [order[round(q * (len(order) - 1))] for q in _EXAMPLES]
        shown = ("quantile", "sample")
        return {
            "sample": np.arange(truth.voltage.shape[1]) * truth.step[0],
            "example_truth": of_cell(
                shown, truth.voltage[places], "true traces at quantiles of the raw error", "mV"
            ),
            "example_predicted": of_cell(
                shown, predicted[places].astype(np.float32), "what the first seed predicts", "mV"
            ),
            "trace_error": of_cell(
                ("trace",), raw.astype(np.float32), "raw error of each test trace, first seed", "%"
            ),
            "trace_count_error": of_cell(
                ("trace",), away.astype(np.float32), "spikes too many, each test trace, first seed"
            ),
        }

    def _latent(self, cell: Cell, network: TraceOperator, fit: Fit) -> dict[str, Variable]:
        """F-I curves of features between those of pairs of training cells."""
        known, told = self.recorded.features(), []
        for seed in network.seeds:
            pairs, share = mixtures(self.recorded.settings, seed)
            mixed = share * known[pairs[:, 0]] + (1 - share) * known[pairs[:, 1]]
            every = np.tile(AMPLITUDES, len(mixed))
            repeated = mixed.repeat(len(AMPLITUDES), 0)
            told.append(numbers(self.recorded, cell, repeated, every))
        given = torch.from_numpy(np.array(told, np.float32)).to(fit.train_loss.device)
        curves = [
            electrophysiology.spike_count(voltage).reshape(-1, len(AMPLITUDES))
            for voltage in _predict(network, given)
        ]
        bands = np.percentile(curves, _BAND, axis=1).transpose(1, 2, 0)
        middle = np.median(self.true_counts, 0)[:, None]
        inside = (bands[..., 0] <= middle.T) & (middle.T <= bands[..., 2])
        away = [fi_distance(one, self.true_counts) for one in curves]
        return {
            "fi_band": of_cell(
                ("seed", "amplitude", "band"), bands, "spikes of features between cells, quantiles"
            ),
            "band_coverage": _per_seed(
                inside.mean(1), fit, "share of amplitudes at which that band has the cells' median"
            ),
            "fi_distance": _per_seed(
                away, fit, "median distance of such F-I curves from the cells' median", "spikes"
            ),
        }


_PLAIN = {("test", name) for name in _SCORES if name != "accuracy"}
"""Scores on unseen amplitudes bear no group's name, but for the accuracy."""


@torch.no_grad()
def _predict(network: TraceOperator, given: Tensor) -> np.ndarray:
    """Potentials (member, trace, sample) in mV for numbers (member, trace, number)."""
    network.eval()
    found = [network(some).outputs.cpu().numpy() for some in given.split(_AT_ONCE, dim=1)]
    return 1e3 * np.concatenate(found, 1)


def _per_seed(values: Sequence[float], fit: Fit, text: str, units: str = "1") -> Variable:
    """Values (seed,), NaN for members that diverged."""
    known = np.where(fit.diverged.cpu(), np.nan, np.asarray(values, dtype=float))
    return of_cell(("seed",), known, text, units)
