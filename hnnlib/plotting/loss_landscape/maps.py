"""The loss around one trained network of every model: maps of a plane, and slices along lines."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from hnnlib.plotting import grid, models, style
from hnnlib.plotting.loss_landscape.shared import datasets, mains

__all__ = ["maps", "slices"]

_COLOURS = "magma_r"
_LEVELS = 9
_LINES = 4  # slices a panel; more cover each other
_TOP = 98  # percent of all points that the colours resolve
_COLUMNS = 3
_STEP = {
    "filter": "step along direction {} (norms of the weights)",
    "pca": "component {} (length 1)",
}


@style.context()
def maps(store: xr.Dataset, scheme: str = "filter") -> Figure:
    """Loss in a plane through a trained network of every model, a cross where the network stands.

    In random directions one colour scale a data set shows which model's loss is steeper. Principal
    directions are shorter than the networks are apart: every map has a scale of its own there,
    or most would be of one colour.

    Args:
        store: the study's result store.
        scheme: ``filter`` for filter-normalised random directions, ``pca`` for the principal
            directions that all models share.
    """
    name, own = f"map_{scheme}", scheme == "pca"
    found = [(title, mains(part)) for title, part in datasets(store)]
    most = max(len(row) for _, row in found)
    columns, height = min(_COLUMNS, most), 2.4 if own else 1.9
    titles = [title for title, _ in found]
    fig, blocks = grid.blocks(titles, columns, height, most, room=0, sharex=True, sharey=True)
    for axes, (_, row) in zip(blocks, found, strict=True):
        shared = _norm([cell[name].values for cell in row.values()])
        for ax, (model, cell) in zip(axes, row.items(), strict=False):
            ax.set_title(models.label(model))
            norm = _norm([cell[name].values]) if own else shared
            image = _map(ax, cell[name], norm)
            if own:
                _bar(image, [ax], norm, "bottom", (0.1, 0.9))
        for ax in axes[len(row) :]:
            ax.remove()
        if not own:
            _bar(image, axes[: len(row)], norm, "right", (0.1, 0.4, 0.7, 1.0))
        part = axes[0].get_figure(root=False)
        part.supxlabel(_STEP[scheme].format(1), fontsize=style.SMALL)
        part.supylabel(_STEP[scheme].format(2).replace(" (", "\n("), fontsize=style.SMALL)
    return fig


def _norm(values: list[np.ndarray]) -> PowerNorm:
    """Colours that resolve all but the highest losses of some maps."""
    every = np.concatenate([np.ravel(part) for part in values])
    if not np.isfinite(every).any():  # all diverged
        return PowerNorm(0.5, 0, 1)
    low, high = np.nanmin(every), np.nanpercentile(every, _TOP)
    return PowerNorm(0.5, max(0.0, low), max(high, low + 1e-9))


def _bar(
    image: QuadMesh, axes: list[Axes], norm: PowerNorm, where: str, at: tuple[float, ...]
) -> None:
    """A colour bar with ticks at some shares of its length."""
    ticks = [float(f"{tick:.3g}") for tick in norm.inverse(at)]
    bar = (
        axes[0]
        .get_figure(root=False)
        .colorbar(
            image,
            ax=axes,
            location=where,
            extend="max",
            pad=0.02,
            aspect=13,
            shrink=0.9,
            ticks=ticks,
        )
    )
    bar.set_ticklabels([f"{tick:g}" for tick in ticks])
    bar.set_label("loss (nat)")


def _map(ax: Axes, values: xr.DataArray, norm: PowerNorm) -> QuadMesh:
    """One map with contour lines; returns what a colour bar needs."""
    # data sets may have grids of their own, which a store joins
    if values.notnull().any():
        values = values.dropna("first", how="all").dropna("second", how="all")
    y, x = values["first"].values, values["second"].values
    image = ax.pcolormesh(
        x, y, values.values, norm=norm, cmap=_COLOURS, shading="nearest", rasterized=True
    )
    # on a flat map levels fall together
    levels = np.unique(norm.inverse(np.linspace(0, 1, _LEVELS + 2)[1:-1]))
    ax.contour(x, y, values.values, levels=levels, colors="white", linewidths=0.4, alpha=0.6)
    ax.plot(0, 0, "+", color="white", markersize=7, markeredgewidth=2.4)
    ax.plot(0, 0, "+", color=style.INK, markersize=6)
    ax.set_aspect("equal")
    ax.grid(False)
    ax.set_xticks([-1, 0, 1])
    ax.set_yticks([-1, 0, 1])
    return image


@style.context()
def slices(store: xr.Dataset) -> Figure:
    """Loss of the first seed along its first random lines: a row a data set, a panel a model."""
    found = [(title, mains(part)) for title, part in datasets(store)]
    most = max(len(row) for _, row in found)
    titles = [title for title, _ in found]
    columns = min(_COLUMNS, most)
    fig, blocks = grid.blocks(titles, columns, 1.5, most, room=0.3, sharex=True, sharey=True)
    for axes, (_, row) in zip(blocks, found, strict=True):
        for ax, (model, cell) in zip(axes, row.items(), strict=False):
            ax.set_title(models.label(model))
            colour = models.look(model)["color"]
            for values in cell["line"].isel(seed=0, direction=slice(_LINES)).values:
                ax.plot(cell["place"].values, values, color=colour, linewidth=0.9, alpha=0.8)
        for ax in axes[len(row) :]:
            ax.remove()
        for ax in axes[::columns]:
            ax.set_ylabel("loss (nat)")
        axes[0].set_ylim(bottom=0)
    fig.supxlabel("step along the direction (norms of the weights)", fontsize=9)
    return fig
