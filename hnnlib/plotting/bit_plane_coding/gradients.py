"""Gradients that reach each block."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from hnnlib.analysis import cells
from hnnlib.analysis.summaries import geometric_spread
from hnnlib.plotting import grid, style, words
from hnnlib.plotting.bit_plane_coding.words import BRANCHES, DERIVATIVES, label

__all__ = ["gradients"]

_TIMES = {"gradient_start": "before training", "gradient_end": "behind the best epoch"}


@style.context()
def gradients(store: xr.Dataset) -> Figure | None:
    """Norm of the loss's gradient by the weights of each block: a row a kind of network on a data
    set, a column a time; None where nothing has blocks that spike. A derivative of 0 lets none
    through and has no mark.
    """
    main = cells.select(store, arm="main")
    found = [(*kind, part) for kind, part in cells.parts(main, "dataset", "branches")]
    found = [(data, branches, part) for data, branches, part in found if branches != "graded"]
    if not found:
        return None
    fig, axes = grid.panels(len(found), 2, 1.8, 1.1, sharex=True, sharey="row")
    for row, (data, branches, some) in zip(axes, found, strict=True):
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
            ax.set_title(title)
            ax.set_yscale("log")
            ax.xaxis.set_major_locator(MultipleLocator(1))
        row[0].set_ylabel(f"norm of the gradient,\n{words.on(BRANCHES[branches], data)}")
    for ax in axes[-1]:
        ax.set_xlabel("block, from the input")
    grid.legend(fig, grid.labels(axes.flat), columns=2)
    return fig
