"""Numbers that sum up a surface, for every cell and seed of a store: claims are tested on them.

Validation chooses what is chosen: regimes, the Pareto front, its knee, the most efficient point.
Accuracies that are told of a chosen point are those on the test part, and so are all spikes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from hnnlib.analysis import manifold
from hnnlib.analysis.curves import held
from hnnlib.variables import Variable, variable

__all__ = ["summarise"]

_MODEST = 0.03
"""Accuracy that an efficient network may lose against the best one."""

_Summary = dict[str, tuple]  # value, what it is, its units if it has any


@dataclass(frozen=True)
class _Surface:
    """One surface at one seed; arrays (tau, threshold), axes cut to those that it has."""

    accuracy: np.ndarray
    validation: np.ndarray
    train: np.ndarray
    operations: np.ndarray
    spikes: np.ndarray
    regimes: np.ndarray
    tau: np.ndarray
    threshold: np.ndarray
    chance: float

    @classmethod
    def of(cls, store: xr.Dataset) -> _Surface:
        """The surface of a store without dimensions ``cell`` and ``seed``."""
        tau, threshold = store["tau_value"].values, store["threshold_value"].values
        inside = np.isfinite(tau), np.isfinite(threshold)

        def cut(name: str) -> np.ndarray:
            return store[name].values[np.ix_(*inside)]

        accuracy, spikes = cut("grid_accuracy"), cut("grid_spikes")
        spiking, chance = str(store["neuron"].values) == "spiking", float(store["guessing"])
        last = np.isfinite(store["layer_spikes"].values).any((0, 1)).sum() - 1
        output = np.ones_like(accuracy)
        if spiking and last >= 0:
            output = store["layer_spikes"].values[..., last][np.ix_(*inside)]
        validation, rate, top = cut("grid_validation"), cut("grid_rate"), np.nan
        if "grid_top_answer_share" in store:  # older stores lack it
            top = cut("grid_top_answer_share")
        regimes = manifold.regimes(validation, rate, output, chance, top)
        return cls(
            accuracy,
            validation,
            cut("grid_train"),
            cut("grid_synaptic_operations"),
            spikes,
            regimes,
            tau[inside[0]],
            threshold[inside[1]],
            chance,
        )


def summarise(store: xr.Dataset) -> xr.Dataset:
    """The store with regime, efficiency and Pareto front of every point, and for every surface
    what it is at its best, at its most efficient and at the knee of the front, and how it falls.
    """
    ran = store["diverged"].notnull().transpose("cell", "seed").values
    surfaces = {(c, s): _Surface.of(store.isel(cell=c, seed=s)) for c, s in np.argwhere(ran)}
    maps = {name: np.full(store["grid_accuracy"].shape, np.nan) for name in _GRIDS}
    for place, one in surfaces.items():
        part = *place, *map(slice, one.accuracy.shape)
        maps["grid_regime"][part] = one.regimes
        maps["grid_front"][part] = manifold.front(one.validation, one.spikes, one.chance)
        maps["grid_efficiency"][part] = manifold.efficiency(one.accuracy, one.spikes)
    dims = ("cell", "seed", "tau", "threshold")
    found = {name: variable(dims, maps[name], *words) for name, words in _GRIDS.items()}
    summaries = {place: _summary(one) for place, one in surfaces.items()}
    if "grid_curve" in store:  # older stores lack it
        found |= _curves(store, surfaces)
    for name, (_, *words) in next(iter(summaries.values())).items():
        values = np.full(ran.shape, np.nan)
        for place, summary in summaries.items():
            values[place] = summary[name][0]
        found[name] = variable(("cell", "seed"), values, *words)
    return store.assign(found)


def _curves(store: xr.Dataset, surfaces: dict[tuple[int, int], _Surface]) -> dict[str, Variable]:
    """How training came to rest: at the point of best validation, and all over the grid."""
    whole = store["grid_curve"].transpose("cell", "seed", "tau", "threshold", "epoch").values
    best, mean = np.full((2, *whole.shape[:2], whole.shape[-1]), np.nan)
    for place, one in surfaces.items():
        point = _largest(one.validation)
        best[place] = np.nan if point is None else whole[(*place, *point)]
        curves = held(whole[place][tuple(map(slice, one.accuracy.shape))])
        mean[place][: curves.shape[-1]] = np.nanmean(curves, (0, 1))
    dims = ("cell", "seed", "epoch")
    return {
        "validation_curve": variable(
            dims, best, "validation accuracy by epoch at the point of best validation"
        ),
        "surface_curve": variable(
            dims, mean, "mean validation accuracy of all points of the grid by epoch"
        ),
    }


_GRIDS = {
    "grid_regime": (f"regime: place in {', '.join(manifold.REGIMES)}; -1 diverged", "1"),
    "grid_front": ("1 on the Pareto front of validation accuracy and spikes", "1"),
    "grid_efficiency": ("test accuracy by spikes on 10,000 images", "percent per million"),
}


def _summary(one: _Surface) -> _Summary:
    shares = {
        f"share_{name}": ((one.regimes == code).mean(), f"share of the grid that is {name}")
        for code, name in enumerate(manifold.REGIMES)
    }
    return _optimum(one) | shares | _efficient(one) | _shape(one)


def _optimum(one: _Surface) -> _Summary:
    """The point that validation chooses."""
    place = _largest(one.validation)
    edge = place and any(k in (0, n - 1) for k, n in zip(place, one.accuracy.shape, strict=True))

    def at(values: np.ndarray) -> float:
        return values[place] if place else np.nan

    return {
        "test_accuracy": (at(one.accuracy), "test accuracy at the point of best validation"),
        "validation_accuracy": (at(one.validation), "best validation accuracy of the grid"),
        "train_accuracy": (
            at(one.train),
            "its accuracy on the first 5,000 training images",
        ),
        "spikes": (at(one.spikes), "spikes per image of that point, encoder left out"),
        "synaptic_operations": (at(one.operations), "synaptic operations of that point"),
        "best_tau": (
            one.tau[place[0]] if place else np.nan,
            "membrane time constant of that point",
            "time steps",
        ),
        "best_threshold": (one.threshold[place[1]] if place else np.nan, "threshold of that point"),
        "best_on_edge": (
            np.nan if place is None else float(edge),
            "1 where that point lies on the edge of the grid",
        ),
    }


def _efficient(one: _Surface) -> _Summary:
    """The most efficient point above the floor, the knee, and what modest losses save."""
    accuracy, spikes = one.accuracy, one.spikes
    efficiency = manifold.efficiency(accuracy, spikes)
    place = manifold.most_efficient(one.validation, spikes, one.chance)
    validation = np.where(spikes > 0, one.validation, np.nan)
    best, saving = _largest(validation), np.nan
    if best is not None:
        saving = spikes[best] / spikes[validation >= validation[best] - _MODEST].min()
    found = {
        "efficiency": (
            efficiency[place] if place else np.nan,
            "efficiency at the point that is most efficient on validation, above chance + 5 points",
            "percent per million",
        ),
        "saving": (
            saving,
            "spikes at the point of best validation by the fewest within 3 points of it",
        ),
    }
    knee = manifold.knee(one.validation, spikes, one.chance)
    for name, where in (("efficient", place), ("knee", knee)):
        what = "of the most efficient point" if name == "efficient" else "of the front's knee"
        found |= {
            f"{name}_accuracy": (accuracy[where] if where else np.nan, f"test accuracy {what}"),
            f"{name}_spikes": (spikes[where] if where else np.nan, f"spikes per image {what}"),
            f"{name}_tau": (
                one.tau[where[0]] if where else np.nan,
                f"membrane time constant {what}",
                "time steps",
            ),
            f"{name}_threshold": (
                one.threshold[where[1]] if where else np.nan,
                f"threshold {what}",
            ),
        }
    return found


def _shape(one: _Surface) -> _Summary:
    """How the surface falls, and how the lowest threshold compares."""
    accuracy, spikes = one.accuracy, one.spikes
    # validation chooses both points: the best of a grid's test accuracies would flatter the grid
    best, low = _largest(one.validation), _largest(one.validation[:, 0])
    elsewhere = _mean(spikes[:, 1:])

    def where(regime: int) -> float:
        return _mean(spikes[one.regimes == regime])

    return {
        "roughness": (manifold.roughness(accuracy), "mean accuracy step between neighbours"),
        "interaction": (
            manifold.interaction(accuracy),
            "share of the accuracy's variance that no sum over the axes explains",
        ),
        "sharpest_loss": (
            manifold.sharpest_fall(accuracy),
            "largest loss of accuracy from one threshold to the next, mean over tau",
        ),
        "sharpest_silencing": (
            manifold.sharpest_fall(np.log10(np.maximum(spikes, 1e-3))),
            "the same of the decimal logarithm of spikes",
        ),
        "silent_spikes": (
            _over(where(manifold.SILENT), where(manifold.OPERATING)),
            "spikes of silent points by those of operating points",
        ),
        "low_threshold_loss": (
            accuracy[best] - accuracy[low[0], 0] if low else np.nan,
            "test accuracy at the point of best validation, less that at the "
            "best of the lowest threshold",
        ),
        "low_threshold_spikes": (
            _over(_mean(spikes[:, 0]), elsewhere),
            "spikes at the lowest threshold by those elsewhere",
        ),
    }


def _largest(values: np.ndarray) -> tuple[int, ...] | None:
    """Place of the largest number; None where there is none."""
    if not np.isfinite(values).any():
        return None
    return tuple(int(k) for k in np.unravel_index(np.nanargmax(values), values.shape))


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _over(left: float, right: float) -> float:
    return left / right if right > 0 else float("nan")
