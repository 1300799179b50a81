"""The loss around one trained network of every model: maps of a plane, and slices along lines."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from hnnlib.plotting import models, style
from hnnlib.plotting.loss_landscape.shared import datasets, mains

__all__ = ["maps", "slices"]

_COLOURS = "magma_r"
_LEVELS = 9
_LINES = 4  # slices a panel; more cover each other
_TOP = 98  # percent of all points of a row that the colours resolve


def maps(store: xr.Dataset, scheme: str = "filter") -> Figure:
    """Loss in a plane through a trained network of every model: a row a data set, one colour scale
    a row, a cross where the network stands.

    Args:
        store: the study's result store.
        scheme: ``filter`` for filter-normalised random directions, ``pca`` for the principal
            directions that all models share.
    """
    name = f"map_{scheme}"
    rows = [(title, mains(part)) for title, part in datasets(store)]
    columns = max(len(row) for _, row in rows)
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 0.35 + 7.2 / columns * len(rows)))
        axes = fig.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
        for line, (title, row) in zip(axes, rows, strict=True):
            every = np.concatenate([cell[name].values.ravel() for cell in row.values()])
            low, high = np.nanmin(every), np.nanpercentile(every, _TOP)
            norm = PowerNorm(0.5, max(0.0, low), max(high, low + 1e-9))
            for ax, (model, cell) in zip(line, row.items(), strict=False):
                image = _map(ax, cell[name], norm)
                ax.set_title(models.label(model))
            for ax in line[len(row) :]:
                ax.set_visible(False)
            line[0].set_ylabel(title.replace(", ", ",\n"), fontsize=8)
            ticks = [float(f"{tick:.2g}") for tick in norm.inverse([0.1, 0.4, 0.7, 1.0])]
            bar = fig.colorbar(
                image, ax=list(line), extend="max", pad=0.01, aspect=11, shrink=0.85, ticks=ticks
            )
            bar.ax.set_yticklabels([f"{tick:g}" for tick in ticks])
            bar.set_label("loss (nat)")
            bar.ax.grid(False)
    return fig


def _map(ax: Axes, values: xr.DataArray, norm: PowerNorm):
    """One map with contour lines; returns what a colour bar needs."""
    # data sets may have grids of their own, which a store joins
    values = values.dropna("first", how="all").dropna("second", how="all")
    x, y = values["second"].values, values["first"].values
    image = ax.pcolormesh(
        x, y, values.values, norm=norm, cmap=_COLOURS, shading="nearest", rasterized=True
    )
    levels = norm.inverse(np.linspace(0, 1, _LEVELS + 2)[1:-1])
    ax.contour(x, y, values.values, levels=levels, colors="white", linewidths=0.4, alpha=0.6)
    ax.plot(0, 0, "+", color=style.INK, markersize=6)
    ax.set_aspect("equal")
    ax.grid(False)
    ax.set_xticks([-1, 0, 1])
    ax.set_yticks([-1, 0, 1])
    return image


def slices(store: xr.Dataset) -> Figure:
    """Loss of the first seed along its first random lines: a row a data set, a panel a model."""
    rows = [(title, mains(part)) for title, part in datasets(store)]
    columns = max(len(row) for _, row in rows)
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 0.5 + 1.6 * len(rows)))
        axes = fig.subplots(len(rows), columns, squeeze=False, sharex=True, sharey="row")
        for line, (title, row) in zip(axes, rows, strict=True):
            for ax, (model, cell) in zip(line, row.items(), strict=False):
                ax.set_title(models.label(model))
                colour = models.look(model)["color"]
                for values in cell["line"].isel(seed=0, direction=slice(_LINES)).values:
                    ax.plot(cell["place"].values, values, color=colour, linewidth=0.9, alpha=0.8)
            for ax in line[len(row) :]:
                ax.set_visible(False)
            line[0].set_ylabel(title.replace(", ", ",\n") + "\nloss (nat)", fontsize=8)
            line[0].set_ylim(bottom=0)
        fig.supxlabel("step along the direction (norms of the weights)", fontsize=8.5)
    return fig
