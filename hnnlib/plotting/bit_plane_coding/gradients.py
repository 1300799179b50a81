"""Gradients that reach each block."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.summaries import geometric_spread
from hnnlib.plotting import grid, style
from hnnlib.plotting.bit_plane_coding.words import BRANCHES, DERIVATIVES, label

__all__ = ["gradients"]

_TIMES = {"gradient_start": "before training", "gradient_end": "behind the best epoch"}


@style.context()
def gradients(store: xr.Dataset, dataset: str) -> Figure:
    """Norm of the loss's gradient by the weights of each block: a row a kind of network, a column a
    time. A derivative of 0 lets none through and has no mark.
    """
    part = cells.select(store, dataset=dataset, arm="main")
    fig, axes = grid.panels(2, 2, 1.8, 1.1, sharex=True, sharey="row")
    for row, branches in zip(axes, ("spiking", "fusion"), strict=True):
        some = cells.select(part, branches=branches)
        for ax, (name, title) in zip(row, _TIMES.items(), strict=True):
            for place in range(some.sizes["cell"]):
                cell = some.isel(cell=place)
                derivative, rescale = (cell[k].item() for k in ("derivative", "rescale"))
                look = DERIVATIVES[derivative][1] | {"label": label(derivative, rescale)}
                look |= {"linestyle": "--" if rescale == "on" else "-", "markersize": 4}
                values = cell[name].transpose("seed", "block").values
                values = values[:, np.isfinite(values).all(0)]
                x = np.arange(1, values.shape[1] + 1)
                ax.plot(x, geometric_spread(values).middle, **look)
            ax.set_title(f"{BRANCHES[branches]}, {title}")
            ax.set_yscale("log")
            ax.set_xticks(np.arange(1, store.sizes["block"] + 1))
        row[0].set_ylabel("norm of the gradient")
    for ax in axes[-1]:
        ax.set_xlabel("block, from the input")
    grid.legend(fig, grid.labels(axes.flat), columns=2)
    return fig
