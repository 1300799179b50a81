"""Without noise: accuracy, rates and correlations when tau and threshold change at test time."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from hnnlib.analysis import cells
from hnnlib.analysis.manifold import OPERATING
from hnnlib.analysis.summaries import most_common, spread
from hnnlib.plotting import grid, marks, style, words
from hnnlib.plotting.noise_correlations.words import (
    CONDITIONS,
    REGIMES,
    STATISTICS,
    networks,
    noise,
)

__all__ = ["correlation_by_regime", "regime_maps"]

_NOISE = {"clean": "o", "passed": "s", "failed": "X"}
_ORDER = ("seed", "tau", "threshold")
_ACROSS = {"accuracy": "accuracy (%)", "rate": "firing rate of the last layer"}


@style.context()
def regime_maps(store: xr.Dataset, variant: str = "paper") -> Figure | None:
    """Maps over tau and threshold: regime, accuracy, rate, mean correlation; a block a network.

    Numbers are means over seeds, the regime is the one that most seeds are in. A cross marks the
    neuron that the networks were trained with. None where there is no grid.
    """
    found = _cells(store, variant)
    if not found:
        return None
    fig, blocks = grid.blocks([title for title, _ in found], 2, 2.1, 4)
    for axes, (_, cell) in zip(blocks, found, strict=True):
        regimes = most_common(cell["grid_regime"].transpose(*_ORDER).values)
        levels = Normalize(-0.5, len(REGIMES) - 0.5)
        axes[0].set_title("regime")
        regimes = np.where(regimes < 0, np.nan, regimes)
        _image(axes[0], cell, regimes, ListedColormap(list(REGIMES.values())), levels)
        correlation = cell["grid_statistics"].sel(statistic="mean")
        maps = (
            ("accuracy (%)", 100 * cell["grid_accuracy"], "viridis", Normalize()),
            ("spikes a neuron and step", cell["grid_rate"], "magma", Normalize()),
            (
                "mean correlation",
                correlation.where(cell["grid_output_rate"] > 0),
                style.DIVERGING,
                CenteredNorm(),
            ),
        )
        for ax, (title, values, colours, norm) in zip(axes[1:], maps, strict=True):
            ax.set_title(title)
            means = spread(values.transpose(*_ORDER).values).middle
            image = _image(ax, cell, means, colours, norm)
            ax.get_figure(root=False).colorbar(image, ax=ax, shrink=0.9)
        for ax in axes:
            ax.set_ylabel(words.TAU)
            ax.set_xlabel(words.THRESHOLD)
    handles = [marks.handle(n, marker="s", color=c, markersize=8) for n, c in REGIMES.items()]
    grid.legend(fig, [*handles, marks.handle("as trained", marker="x", color=style.INK)])
    return fig


def _cells(store: xr.Dataset, variant: str) -> list[tuple[str, xr.Dataset]]:
    """Cells of the arm ``regime`` that were run, cut to their own grid."""
    found = []
    for title, part in networks(store):
        cell = cells.one(part, arm="regime", variant=variant)
        if cell is not None and "grid_accuracy" in cell:
            known = cell["grid_accuracy"].notnull().any("seed")
            cell = cell.isel(tau=known.any("threshold").values, threshold=known.any("tau").values)
            if cell["grid_accuracy"].size:  # not all diverged
                found.append((title, cell))
    return found


def _image(
    ax: Axes, cell: xr.Dataset, values: np.ndarray, colours: str | Colormap, norm: Normalize
) -> AxesImage:
    """Draw numbers (tau, threshold); what isn't known stays grey."""
    ax.set_facecolor("#dddddd")
    image = ax.imshow(values, cmap=colours, norm=norm, aspect="auto", origin="lower")
    taus, thresholds = cell["tau"].values, cell["threshold"].values
    every = 1 if len(thresholds) <= 5 else 3
    places = range(0, len(thresholds), every)
    ax.set_xticks(places, [f"{thresholds[k]:.3g}" for k in places])
    ax.set_yticks(range(len(taus)), [f"{tau:.3g}" for tau in taus])
    # networks are trained with tau = 2 and a threshold of 1
    trained = np.abs(thresholds - 1).argmin(), np.abs(taus - 2).argmin()
    ax.plot(*trained, "x", color="white", markersize=7, markeredgewidth=2.6)
    ax.plot(*trained, "x", color=style.INK, markersize=6, markeredgewidth=1.2)
    ax.grid(visible=False)
    return image


@style.context()
def correlation_by_regime(
    store: xr.Dataset, statistics: tuple[str, ...] = ("mean", "count"), variant: str = "paper"
) -> Figure | None:
    """Correlation against accuracy and against the rate of the last spiking layer, by regime.

    Dots are points of the grid, one a seed; large black markers are the records of Algorithm 1
    (means over seeds): clean, noisy and right, noisy and wrong. If noise took a network where the
    grid does, they would lie among its dots. None where there is no grid.
    """
    found = _cells(store, variant)
    if not found:
        return None
    panels = [(statistic, across) for statistic in statistics for across in _ACROSS]
    titles = [title for title, _ in found]
    fig, blocks = grid.blocks(titles, len(_ACROSS), 2.0, len(panels), room=0.8, sharey="row")
    for axes, (_, cell) in zip(blocks, found, strict=True):
        same = {key: cell[key].item() for key in ("network", "dataset")}
        record = noise(cells.select(store, **same), "corrected", variant)
        for ax, (statistic, across) in zip(axes, panels, strict=True):
            _scatter(ax, cell, statistic, across)
            if record is not None and across == "rate":
                _records(ax, record, statistic)
            ax.set_xlabel(_ACROSS[across])
            ax.set_ylabel(f"correlations: {STATISTICS[statistic]}" if across == "accuracy" else "")
    handles = [marks.handle(n, marker="o", color=c) for n, c in REGIMES.items()]
    handles += [
        marks.handle(CONDITIONS[name]["label"], marker=marker, color=style.INK)
        for name, marker in _NOISE.items()
    ]
    grid.legend(fig, handles)
    return fig


def _scatter(ax: Axes, cell: xr.Dataset, statistic: str, across: str) -> None:
    values = cell["grid_statistics"].sel(statistic=statistic).transpose(*_ORDER).values
    output = cell["grid_output_rate"].transpose(*_ORDER).values
    x = output if across == "rate" else 100 * cell["grid_accuracy"].transpose(*_ORDER).values
    regime = cell["grid_regime"].transpose(*_ORDER).values
    for k, colour in enumerate(REGIMES.values()):
        where = (regime == k) & (output > 0)
        look = {"markersize": 3, "alpha": 0.6, "zorder": 4 if k == OPERATING else 3}
        ax.plot(x[where], values[where], "o", color=colour, markeredgewidth=0, **look)


def _records(ax: Axes, record: xr.Dataset, statistic: str) -> None:
    """Means over seeds of the last layer that this network has."""
    last = record["layer"].values[record["layer_units"].notnull().values][-1]
    for condition, marker in _NOISE.items():
        rate = record["layer_rate"].sel(layer=last, condition=condition)
        point = (spread(part.values).middle for part in (rate, record[f"{statistic}_{condition}"]))
        ax.plot(*point, marker, color=style.INK, markeredgecolor="white", zorder=5)
