"""Validation accuracy by epoch, with the epochs that validation chose."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hnnlib.plotting import cells, style
from hnnlib.plotting.coding_comparison.rows import SERIES, main, rows
from hnnlib.plotting.marks import handle

__all__ = ["validation_curves"]


def validation_curves(store: xr.Dataset, family: str) -> Figure:
    """Validation accuracy by epoch: a panel for each row of a family, a line for each coding.

    Lines are means over seeds, bands reach from the lowest to the highest seed, dots are the
    epochs at which validation accuracy was best, seed by seed.
    """
    part = cells.select(store, family=family)
    found = rows(part)
    with style.context():
        columns = 2 if len(found) <= 4 else 3
        lines = -(-max(len(found), 1) // columns)
        fig = Figure(figsize=(style.WIDTH, 0.7 + 1.9 * lines))
        axes = fig.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        for ax, row in zip(axes.flat, found, strict=False):
            ax.set_title(row.short)
            for series in SERIES:
                if how := series.at(row.kind):
                    _curve(ax, cells.one(part, **main(row, how)), series.look)
        _trim(axes, len(found))
        fig.supylabel("validation accuracy (%)", fontsize=8.5)
        handles = [handle(series.label, **series.look | {"marker": ""}) for series in SERIES]
        handles.append(handle("epoch chosen by validation", marker="o"))
        fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


def _curve(ax: Axes, cell: xr.Dataset | None, look: dict) -> None:
    """One cell's curve; the epochs that no seed reached are left out."""
    if cell is None:
        return
    curve = 100 * cell["validation_curve"]
    curve = curve.isel(epoch=np.isfinite(curve).any("seed").values)
    if not curve.sizes["epoch"]:
        return
    epochs, colour = curve["epoch"].values, look["color"]
    ax.fill_between(epochs, curve.min("seed"), curve.max("seed"), color=colour, alpha=0.15, lw=0)
    ax.plot(epochs, curve.mean("seed"), **look | {"marker": ""})
    best = 100 * cell["validation_accuracy"].values
    ax.plot(cell["best_epoch"].values, best, ".", color=colour, markersize=4)


def _trim(axes: np.ndarray, used: int) -> None:
    """Take away panels that no row uses, and label the epochs where a panel has none below."""
    for place, ax in enumerate(axes.flat):
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        if place + axes.shape[1] >= used:
            ax.tick_params(labelbottom=True)
        if place >= used:
            ax.remove()
    for ax in axes[-1]:
        ax.set_xlabel("epoch")
