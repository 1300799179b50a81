"""Heat maps over tau and threshold with the borders of regimes (the paper's Figs 1 and 2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from hnnlib.analysis.manifold import REGIMES
from hnnlib.plotting import grid, marks, style, words
from hnnlib.plotting.operational_manifold.surfaces import Surface, surfaces

__all__ = ["control", "maps"]

_COLOURS, _NOTHING = "cividis", "#000000"
_MOST_LABELS = 5
_LETTERS = {number: name[0] for number, name in enumerate(REGIMES)} | {
    REGIMES.index("saturated"): "x"
}
_FAILED = "×"


@style.context()
def maps(store: xr.Dataset, what: str = "accuracy") -> Figure:
    """A panel for every surface of the paper's grid, mean over seeds.

    Args:
        what: ``accuracy`` (percent) or ``spikes`` (per image, logarithmic colours).
    """
    found = list(surfaces(store, "main"))
    titles = [s.title for s in found]
    if what == "accuracy":
        return _accuracies(found, titles)
    values = [s.mean("grid_spikes") for s in found]
    return _panels(found, titles, values, _logarithmic(values), "spikes per image")


@style.context()
def control(store: xr.Dataset) -> Figure | None:
    """Accuracy of the networks without spikes beside that of the spiking ones, if there are any."""
    pairs = []
    spiking = {(s.network, s.dataset): s for s in surfaces(store, "main")}
    for other in surfaces(store, "control"):
        pairs += [spiking[other.network, other.dataset], other]
    if not pairs:
        return None
    return _accuracies(pairs, [f"{s.title}: {s.neuron}" for s in pairs])


def _accuracies(found: Sequence[Surface], titles: Sequence[str]) -> Figure:
    values = [100 * s.mean("grid_accuracy") for s in found]
    return _panels(found, titles, values, Normalize(0, 100), words.ACCURACY)


def _logarithmic(values: Sequence[np.ndarray]) -> LogNorm:
    known = np.concatenate([v[np.isfinite(v) & (v > 0)] for v in values] or [np.array([])])
    most = known.max() if known.size else 10.0
    return LogNorm(max(known.min(), most / 1e4) if known.size else 1.0, most)


def _panels(
    found: Sequence[Surface],
    titles: Sequence[str],
    values: Sequence[np.ndarray],
    norm: Normalize,
    label: str,
) -> Figure:
    fig, axes = grid.flow(len(found), max(1, min(2, len(found))), 2.5, room=0.8)
    for ax, surface, title, numbers in zip(axes, found, titles, values, strict=True):
        ax.set_title(title)
        _map(ax, surface, numbers, norm)
    where = {"location": "top", "shrink": 0.7, "aspect": 40}
    bar = fig.colorbar(ScalarMappable(norm, _COLOURS), ax=axes, label=label, **where)
    bar.outline.set_visible(False)
    _legend(fig, found, values, isinstance(norm, LogNorm))
    return fig


def _legend(
    fig: Figure, found: Sequence[Surface], values: Sequence[np.ndarray], spikes: bool
) -> None:
    """What the letters of regimes mean, and what is black, where there is any."""
    there = {int(regime) for surface in found for regime in np.unique(surface.regimes())}
    handles = [
        marks.handle(f"{REGIMES[k]}", marker=f"${_LETTERS[k]}$", color=style.INK)
        for k in sorted(there - {-1})
    ]
    if -1 in there:
        handles.append(marks.handle("diverged", marker="x", color=style.INK))
    black = {"marker": "s", "color": _NOTHING, "markersize": 8}
    if any(np.isnan(v).any() for v in values):
        handles.append(marks.handle("no result", **black))
    elif spikes and any((v == 0).any() for v in values):
        handles.append(marks.handle("no spike", **black))
    grid.legend(fig, handles, len(handles))


def _map(ax: Axes, surface: Surface, values: np.ndarray, norm: Normalize) -> None:
    regimes = surface.regimes()
    colours = ScalarMappable(norm, _COLOURS).get_cmap().with_extremes(bad=_NOTHING)
    unknown = ~(values > 0) if isinstance(norm, LogNorm) else np.isnan(values)
    shown = np.ma.masked_where(unknown, values)
    ax.imshow(shown, origin="lower", aspect="auto", cmap=colours, norm=norm)
    for (row, column), regime in np.ndenumerate(regimes):
        name = _LETTERS.get(int(regime), _FAILED)
        shade = norm(values[row, column]) if values[row, column] > 0 else 0.0
        colour = "black" if not np.ma.is_masked(shade) and shade > 0.55 else "white"
        ax.text(column, row, name, ha="center", va="center", color=colour, fontsize=style.SMALL)
    _borders(ax, regimes)
    ax.grid(False)
    _ticks(ax.xaxis, surface.threshold)
    _ticks(ax.yaxis, surface.tau)
    gain = surface.neuron == "rectified"
    ax.set_xlabel("threshold of the rectifier" if gain else words.THRESHOLD)
    ax.set_ylabel("1 / gain" if gain else words.TAU)


def _borders(ax: Axes, regimes: np.ndarray) -> None:
    """A line wherever two neighbours are in different regimes."""
    look = {"color": "white", "linewidth": 1.8, "capstyle": "round"}
    rows, columns = np.nonzero(regimes[:, 1:] != regimes[:, :-1])
    ax.vlines(columns + 0.5, rows - 0.5, rows + 0.5, **look)
    rows, columns = np.nonzero(regimes[1:] != regimes[:-1])
    ax.hlines(rows + 0.5, columns - 0.5, columns + 0.5, **look)


def _ticks(axis: Axis, values: np.ndarray) -> None:
    every = -(-len(values) // _MOST_LABELS)
    places = range(0, len(values), every)
    axis.set_ticks(list(places), [f"{values[place]:.3g}" for place in places])
