"""Validation accuracy by epoch, with the epochs that validation chose."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.summaries import spread
from hnnlib.plotting import grid, style
from hnnlib.plotting.coding_comparison.rows import SERIES, main, rows
from hnnlib.plotting.marks import band, handle

__all__ = ["validation_curves"]


@style.context()
def validation_curves(store: xr.Dataset, family: str) -> Figure:
    """Validation accuracy by epoch: a panel for each row of a family, a line for each coding.

    Lines are means over seeds, bands reach from the lowest to the highest seed, dots are the
    epochs at which validation accuracy was best, seed by seed.
    """
    part = cells.select(store, family=family)
    found = rows(part)
    fig, axes = grid.flow(len(found), 2, 1.7, room=0.9, sharex=True, sharey=True)
    for ax, row in zip(axes, found, strict=True):
        ax.set_title(row.short)
        for series in SERIES:
            if how := series.at(row.kind):
                _curve(ax, cells.one(part, **main(row, how)), series.look)
    for ax in axes[-2:]:
        grid.epochs(ax)
    fig.supylabel("validation accuracy (%)", fontsize=9)
    handles = [handle(series.label, **series.look | {"marker": ""}) for series in SERIES]
    grid.legend(fig, [*handles, handle("epoch chosen by validation", marker="o")])
    return fig


def _curve(ax: Axes, cell: xr.Dataset | None, look: dict[str, str]) -> None:
    """One cell's curve; the epochs that no seed reached are left out."""
    if cell is None:
        return
    curve = 100 * cell["validation_curve"].transpose("seed", "epoch")
    band(ax, cell["epoch"].values + 1, spread(curve.values), look | {"marker": ""})
    best = cell["best_epoch"].values + 1, 100 * cell["validation_accuracy"].values
    ax.plot(*best, ".", color=look["color"], markersize=4)
