"""What a surface of accuracy and spikes over neuron constants says: regimes, efficiency, Pareto
front, and numbers that claims can be tested on.

A surface is an array (tau, threshold): one trained network a point. Accuracies are shares,
spikes are those of all layers for an image, without an encoder's. Points without a result are NaN.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "DEGRADED",
    "FLOOR",
    "OPERATING",
    "REGIMES",
    "SATURATED",
    "SILENT",
    "efficiency",
    "front",
    "interaction",
    "knee",
    "most_efficient",
    "regimes",
    "roughness",
    "sharpest_fall",
    "spikes_of",
]

SILENT, DEGRADED, OPERATING, SATURATED = range(4)
REGIMES = ("silent", "degraded", "operating", "saturated")

FLOOR = 0.05
"""Accuracy above chance below which an efficient network is of no use."""
_CLOSE, _CHANCE, _BUSY, _ALWAYS = 0.02, 0.01, 0.5, 0.99
_IMAGES = 10_000  # test images that the paper's spikes are summed over


def regimes(
    accuracy: np.ndarray,
    rate: np.ndarray,
    output_spikes: np.ndarray,
    chance: float = 0.1,
    top_answer_share: np.ndarray | float = np.nan,
) -> np.ndarray:
    """Regime of every point of a surface, see ``REGIMES``; -1 where there is no result.

    Saturated: a mean rate of at least one half, whatever it answers. Silent: no output spike, an
    accuracy of at most chance + 1 point, or the same answer to 99 % of the examples, whatever
    accuracy that gives: the share of its class may lie above chance. Operating: within 2 points of
    the surface's best. Degraded: the rest.

    Args:
        accuracy: (..., tau, threshold), one surface or several: that on validation, since a regime
            is chosen.
        rate: spikes for each unit and step, all layers together; as ``accuracy``.
        output_spikes: number or rate of the last spiking layer; as ``accuracy``.
        chance: accuracy of guessing.
        top_answer_share: of the most frequent answer; NaN where it is not known.
    """
    known = np.where(np.isnan(accuracy), -np.inf, accuracy)
    best = known.max((-2, -1), keepdims=True)
    found = np.full(accuracy.shape, DEGRADED, np.int8)
    found[accuracy >= best - _CLOSE] = OPERATING
    constant = top_answer_share >= _ALWAYS
    found[(output_spikes == 0) | (accuracy <= chance + _CHANCE) | constant] = SILENT
    found[rate >= _BUSY] = SATURATED
    found[np.isnan(accuracy)] = -1
    return found


def efficiency(accuracy: np.ndarray, spikes: np.ndarray) -> np.ndarray:
    """Accuracy in percent for each million spikes on 10,000 images (Mazurek et al., eq. 8).

    The paper does not print the spikes; this unit is the one that makes sense of its numbers. A
    silent network would be infinitely efficient and has none.
    """
    millions = spikes * _IMAGES / 1e6
    return np.divide(
        100 * accuracy, millions, out=np.full(np.shape(spikes), np.nan), where=spikes > 0
    )


def spikes_of(accuracy: float, efficiency: float) -> float:
    """Spikes for an image that an accuracy (share) and its efficiency say, see ``efficiency``."""
    return 100 * accuracy / efficiency * 1e6 / _IMAGES


def most_efficient(
    accuracy: np.ndarray, spikes: np.ndarray, chance: float = 0.1
) -> tuple[int, ...] | None:
    """The most efficient point at or above chance + 5 points; None where there is none."""
    useful = np.where(accuracy >= chance + FLOOR, efficiency(accuracy, spikes), np.nan)
    if np.isnan(useful).all():
        return None
    return tuple(int(k) for k in np.unravel_index(np.nanargmax(useful), useful.shape))


def front(accuracy: np.ndarray, spikes: np.ndarray, chance: float = 0.1) -> np.ndarray:
    """Whether a point is on the Pareto front: no other has more accuracy and no more spikes, or
    fewer spikes and no less accuracy. Points below chance + 5 points don't take part.
    """
    use = (accuracy >= chance + FLOOR) & (spikes > 0)
    found = np.zeros(accuracy.shape, bool)
    places = np.argwhere(use)
    order = sorted(map(tuple, places), key=lambda place: (spikes[place], -accuracy[place]))
    best = -np.inf
    for place in order:
        if accuracy[place] > best:
            found[place], best = True, accuracy[place]
    return found


def knee(accuracy: np.ndarray, spikes: np.ndarray, chance: float = 0.1) -> tuple[int, ...] | None:
    """The front's point farthest above the line between its ends, over the logarithm of spikes;
    None where the front has no two points.
    """
    places = [tuple(place) for place in np.argwhere(front(accuracy, spikes, chance))]
    if len(places) < 2:
        return None
    places.sort(key=lambda place: spikes[place])
    x = np.log10([spikes[place] for place in places])
    y = np.array([accuracy[place] for place in places])
    line = y[0] + (y[-1] - y[0]) * (x - x[0]) / (x[-1] - x[0])
    return places[int(np.argmax(y - line))]


def roughness(surface: np.ndarray) -> float:
    """Mean absolute difference between neighbours."""
    steps = np.concatenate([np.abs(np.diff(surface, axis=axis)).ravel() for axis in (0, 1)])
    return float(np.nanmean(steps)) if np.isfinite(steps).any() else float("nan")


def sharpest_fall(surface: np.ndarray) -> float:
    """Largest fall from one threshold to the next, mean over tau; NaN where no two are known."""
    falls = np.maximum(-np.diff(surface, axis=1), 0)
    falls = falls[np.isfinite(falls).all(1)]
    return float(falls.max(1).mean()) if falls.size else float("nan")


def interaction(surface: np.ndarray) -> float:
    """Share of a surface's variance that no sum of a function of tau and a function of threshold
    explains (two-way analysis of variance); NaN for a flat surface.
    """
    mean = np.nanmean(surface)
    additive = np.nanmean(surface, 1, keepdims=True) + np.nanmean(surface, 0) - mean
    total = np.nansum((surface - mean) ** 2)
    return float(np.nansum((surface - additive) ** 2) / total) if total > 0 else float("nan")
