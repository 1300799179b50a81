"""What answers cost by each method."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.plotting import grid, style
from hnnlib.plotting.words import signed

__all__ = ["PRINTED", "seconds"]

_METHODS = {
    "neuron": "NEURON, one after another",
    "serial": "own solver, one after another",
    "batched": "own solver, many at once",
    "operator": "operator, one after another",
    "operator_batched": "operator, many at once",
}
PRINTED = {"neuron": 36_200.0, "operator": 157.0, "operator_batched": 8.59}
"""Seconds of the paper's appendix E: other traces, of larger cells and 515 ms, on one GPU."""


@style.context()
def seconds(store: xr.Dataset) -> Figure | None:
    """Seconds that 10,000 traces take, every round of each method, and the paper's."""
    cell = cells.one(store, arm="speed")
    if cell is None:
        return None
    fig, ((ax,),) = grid.panels(1, 1, 2.0)
    for row, method in enumerate(_METHODS):
        taken = cell["seconds"].sel({"method": method}).values
        taken = taken[np.isfinite(taken)]
        ours = {"color": style.INK, "marker": "o", "linestyle": "none", "label": "this run"}
        ax.plot(taken, np.full(len(taken), row), **ours)
        if len(taken):
            look = {"fontsize": style.SMALL, "va": "bottom", "ha": "center"}
            ax.text(np.median(taken), row - 0.12, signed(float(f"{np.median(taken):.2g}")), **look)
        if method in PRINTED:
            paper = {"color": style.MUTED, "marker": "D", "markerfacecolor": "none"}
            ax.plot(PRINTED[method], row, **paper, linestyle="none", label="paper, other hardware")
    grid.names(ax, list(_METHODS.values()))
    ax.set_xscale("log")
    grid.logarithmic(ax.xaxis)
    ax.set_xlabel("seconds for 10,000 traces")
    grid.legend(fig, grid.labels([ax]))
    return fig
