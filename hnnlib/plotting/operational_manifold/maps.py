"""Heat maps over tau and threshold with the borders of regimes (the paper's Figs 1 and 2)."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from hnnlib.plotting import style
from hnnlib.plotting.operational_manifold.surfaces import Surface, surfaces

__all__ = ["control", "maps"]

_MOST_LABELS = 5
_LETTERS = dict(enumerate("sdox"))  # of regimes


def maps(store: xr.Dataset, what: str = "accuracy") -> Figure:
    """A panel for every surface of the paper's grid, mean over seeds.

    Args:
        what: ``accuracy`` (percent) or ``spikes`` (per image, logarithmic colours).
    """
    found = list(surfaces(store, "main"))
    values = [
        100 * s.mean("grid_accuracy") if what == "accuracy" else s.mean("grid_spikes")
        for s in found
    ]
    norm = Normalize(0, 100) if what == "accuracy" else _logarithmic(values)
    label = "test accuracy (%)" if what == "accuracy" else "spikes per image"
    return _panels(found, [s.title for s in found], values, norm, label)


def control(store: xr.Dataset) -> Figure:
    """Accuracy of the networks without spikes beside that of the spiking ones."""
    pairs = []
    spiking = {(s.network, s.dataset): s for s in surfaces(store, "main")}
    for other in surfaces(store, "control"):
        pairs += [spiking[other.network, other.dataset], other]
    titles = [f"{s.title}: {s.neuron}" for s in pairs]
    values = [100 * s.mean("grid_accuracy") for s in pairs]
    return _panels(pairs, titles, values, Normalize(0, 100), "test accuracy (%)")


def _logarithmic(values: list[np.ndarray]) -> LogNorm:
    known = np.concatenate([v[np.isfinite(v) & (v > 0)] for v in values] or [np.array([])])
    most = known.max() if known.size else 10.0
    return LogNorm(max(known.min(), most / 1e4) if known.size else 1.0, most)


def _panels(found: list[Surface], titles, values, norm, label: str) -> Figure:
    columns = max(1, min(2, len(found)))
    rows = max(1, -(-len(found) // columns))
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 0.6 + 2.7 * rows))
        axes = fig.subplots(rows, columns, squeeze=False)
        for ax, surface, title, numbers in zip(axes.flat, found, titles, values, strict=False):
            ax.set_title(title)
            _map(ax, surface, numbers, norm)
        for ax in axes.flat[len(found) :]:
            ax.remove()
        bar = fig.colorbar(ScalarMappable(norm, "cividis"), ax=axes.ravel().tolist(), label=label)
        bar.outline.set_visible(False)
    return fig


def _map(ax: Axes, surface: Surface, values: np.ndarray, norm: Normalize) -> None:
    regimes = surface.regimes()
    colours = ScalarMappable(norm, "cividis").get_cmap().with_extremes(bad="#000000")
    ax.imshow(
        np.ma.masked_where(
            ~(values > 0) if isinstance(norm, LogNorm) else np.isnan(values), values
        ),
        origin="lower",
        aspect="auto",
        cmap=colours,
        norm=norm,
    )
    for (row, column), regime in np.ndenumerate(regimes):
        name = _LETTERS[int(regime)] if regime >= 0 else "×"
        shade = norm(values[row, column]) if values[row, column] > 0 else 0.0
        colour = "black" if not np.ma.is_masked(shade) and shade > 0.55 else "white"
        ax.text(column, row, name, ha="center", va="center", color=colour, fontsize=7)
    _borders(ax, regimes)
    ax.grid(False)
    _ticks(ax.xaxis, surface.threshold)
    _ticks(ax.yaxis, surface.tau)
    gain = surface.neuron == "rectified"
    ax.set_xlabel("threshold of the rectifier" if gain else "threshold V_th")
    ax.set_ylabel("1 / gain" if gain else "tau (steps)")


def _borders(ax: Axes, regimes: np.ndarray) -> None:
    """A line wherever two neighbours are in different regimes."""
    rows, columns = regimes.shape
    look = {"color": "white", "linewidth": 1.8, "solid_capstyle": "round"}
    for row in range(rows):
        for column in range(columns):
            if column + 1 < columns and regimes[row, column] != regimes[row, column + 1]:
                ax.plot([column + 0.5] * 2, [row - 0.5, row + 0.5], **look)
            if row + 1 < rows and regimes[row, column] != regimes[row + 1, column]:
                ax.plot([column - 0.5, column + 0.5], [row + 0.5] * 2, **look)


def _ticks(axis, values: np.ndarray) -> None:
    every = -(-len(values) // _MOST_LABELS)
    places = range(0, len(values), every)
    axis.set_ticks(list(places), [f"{values[place]:.3g}" for place in places])
