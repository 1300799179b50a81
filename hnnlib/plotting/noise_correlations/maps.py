"""Without noise: accuracy, rates and correlations when tau and threshold change at test time."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from hnnlib.plotting import cells, marks, style
from hnnlib.plotting.noise_correlations.words import REGIMES, STATISTICS, networks

__all__ = ["correlation_by_regime", "regime_maps"]

_NOISE = {"clean": "o", "passed": "s", "failed": "X"}
_OPERATING = list(REGIMES).index("operating")


def regime_maps(store: xr.Dataset, variant: str = "paper") -> Figure:
    """Maps over tau and threshold: regime, accuracy, rate, mean correlation; a row a network.

    Numbers are means over seeds, the regime is the one that most seeds are in. A cross marks the
    neuron that the networks were trained with.
    """
    found = _cells(store, variant)
    with style.context():
        fig = Figure(figsize=(style.WIDTH + 1, 0.5 + 2.3 * max(len(found), 1)))
        axes = fig.subplots(max(len(found), 1), 4, squeeze=False)
        for line, (title, cell) in zip(axes, found, strict=False):
            _regimes(line[0], cell)
            line[0].set_title(f"{title}\nregime")
            mean = cell["grid_statistics"].sel(statistic="mean")
            maps = (
                ("accuracy (%)", 100 * cell["grid_accuracy"], "viridis"),
                ("spikes a neuron, step", cell["grid_rate"], "magma"),
                ("mean correlation", mean.where(cell["grid_output_rate"] > 0), "cividis"),
            )
            for ax, (words, values, colours) in zip(line[1:], maps, strict=True):
                ax.set_title(f"\n{words}")
                image = _image(ax, cell, values.mean("seed").transpose("tau", "threshold"), colours)
                fig.colorbar(image, ax=ax, shrink=0.8)
            line[0].set_ylabel("tau (steps)")
        for ax in axes[-1]:
            ax.set_xlabel("threshold")
        handles = [marks.handle(n, marker="s", color=c, markersize=8) for n, c in REGIMES.items()]
        fig.legend(handles=handles, loc="outside lower center", ncols=4)
    return fig


def _cells(store: xr.Dataset, variant: str) -> list[tuple[str, xr.Dataset]]:
    """Cells of the arm ``regime`` that were run, cut to their own grid."""
    found = []
    for title, part in networks(store):
        cell = cells.one(part, arm="regime", variant=variant)
        if cell is not None and "grid_accuracy" in cell:
            known = cell["grid_accuracy"].notnull().any("seed")
            cell = cell.isel(tau=known.any("threshold").values, threshold=known.any("tau").values)
            found.append((title, cell))
    return found


def _regimes(ax: Axes, cell: xr.Dataset) -> None:
    names = list(REGIMES)
    regime = cell["grid_regime"].transpose("seed", "tau", "threshold").values
    counts = np.stack([(regime == k).sum(0) for k in range(len(names))])
    _image(ax, cell, counts.argmax(0), ListedColormap(list(REGIMES.values())), len(names))


def _image(ax: Axes, cell: xr.Dataset, values, colours, levels: int | None = None):
    limits = {} if levels is None else {"vmin": -0.5, "vmax": levels - 0.5}
    image = ax.imshow(values, cmap=colours, aspect="auto", origin="lower", **limits)
    taus, thresholds = cell["tau"].values, cell["threshold"].values
    every = 1 if len(thresholds) <= 6 else 2
    places = range(0, len(thresholds), every)
    ax.set_xticks(places, [f"{thresholds[k]:.3g}" for k in places], rotation=60, fontsize=7)
    ax.set_yticks(range(len(taus)), [f"{tau:.3g}" for tau in taus], fontsize=7)
    # networks are trained with tau = 2 and a threshold of 1
    trained = np.abs(thresholds - 1).argmin(), np.abs(taus - 2).argmin()
    ax.plot(*trained, "x", color="white", markersize=7, markeredgewidth=2.6)
    ax.plot(*trained, "x", color=style.INK, markersize=6, markeredgewidth=1.2)
    ax.grid(visible=False)
    return image


def correlation_by_regime(
    store: xr.Dataset, statistics: tuple[str, ...] = ("mean", "count"), variant: str = "paper"
) -> Figure:
    """Correlation against accuracy and against the rate of the last spiking layer, by regime.

    Dots are points of the grid, one a seed; large black markers are the records of Algorithm 1
    (means over seeds): clean, noisy and right, noisy and wrong. If noise took a network where the
    grid does, they would lie among its dots.
    """
    found = _cells(store, variant)
    columns = [(s, x) for s in statistics for x in ("accuracy", "rate")]
    with style.context():
        fig = Figure(figsize=(style.WIDTH + 1, 0.7 + 2.2 * max(len(found), 1)))
        axes = fig.subplots(max(len(found), 1), len(columns), squeeze=False)
        for line, (title, cell) in zip(axes, found, strict=False):
            noise = cells.one(
                store,
                network=cell["network"].item(),
                dataset=cell["dataset"].item(),
                arm="noise",
                protocol="corrected",
                variant=variant,
            )
            for ax, (statistic, across) in zip(line, columns, strict=True):
                _scatter(ax, cell, statistic, across)
                if noise is not None and across == "rate":
                    _records(ax, noise, statistic)
                head = f"{title}\n" if ax is line[0] else "\n"
                ax.set_title(head + STATISTICS[statistic], fontsize=8.5)
        labels = {"accuracy": "accuracy (%)", "rate": "rate of the last layer"}
        for ax, (_, across) in zip(axes[-1], columns, strict=True):
            ax.set_xlabel(labels[across])
        handles = [marks.handle(n, marker="o", color=c) for n, c in REGIMES.items()]
        handles += [
            marks.handle(words, marker=_NOISE[name], color=style.INK)
            for name, words in zip(_NOISE, ("clean", "noisy, right", "noisy, wrong"), strict=True)
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=4)
    return fig


def _scatter(ax: Axes, cell: xr.Dataset, statistic: str, across: str) -> None:
    order = ("seed", "tau", "threshold")
    values = cell["grid_statistics"].sel(statistic=statistic).transpose(*order).values
    output = cell["grid_output_rate"].transpose(*order).values
    x = output if across == "rate" else 100 * cell["grid_accuracy"].transpose(*order).values
    regime = cell["grid_regime"].transpose(*order).values
    for k, colour in enumerate(REGIMES.values()):
        where = (regime == k) & (output > 0)
        look = {"markersize": 3, "alpha": 0.6, "zorder": 4 if k == _OPERATING else 3}
        ax.plot(x[where], values[where], "o", color=colour, markeredgewidth=0, **look)


def _records(ax: Axes, noise: xr.Dataset, statistic: str) -> None:
    last = _penultimate(noise, statistic)
    for condition, marker in _NOISE.items():
        rate = noise["layer_rate"].sel(layer=last, condition=condition).mean("seed")
        value = noise[f"{statistic}_{condition}"].mean("seed")
        ax.plot(rate, value, marker, color=style.INK, markeredgecolor="white", zorder=5)


def _penultimate(noise: xr.Dataset, statistic: str) -> str:
    """The last layer that this network has."""
    mine = noise["layer"].values[noise["layer_units"].notnull().values]
    return str(mine[-1])
