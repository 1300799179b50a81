"""Learning curves, and the taps that training ends with."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis.summaries import spread
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.delays.panels import LINES, look, panels

__all__ = ["curves", "taps"]

_SHOWN = ("none", "delay", "gain_norm", "norm")


@style.context()
def curves(store: xr.Dataset) -> Figure:
    """Validation accuracy by epoch; a panel for each data set and size. Bands reach from the lowest
    to the highest seed.
    """
    found = list(panels(store))
    fig, blocks = grid.blocks([panel.title for panel in found], 2, 2.1, room=0.7)
    for axes, panel in zip(blocks, found, strict=True):
        for ax in axes[len(panel.sizes) :]:
            ax.remove()
        for ax, size in zip(axes, panel.sizes, strict=False):
            ax.set_title(panel.units(size))
            for line in _SHOWN:
                cell = panel.find(size, line)
                if cell is not None:
                    curve = 100 * cell["validation_curve"].transpose("seed", "epoch")
                    style_of = {k: v for k, v in look(line).items() if k != "marker"}
                    marks.band(ax, cell["epoch"].values + 1, spread(curve), style_of, shade=0.12)
            grid.epochs(ax)
            ax.set_ylabel("validation accuracy (%)")
    grid.legend(fig, [marks.handle(LINES[n][0], **{"linestyle": "-"} | look(n)) for n in _SHOWN], 2)
    return fig


@style.context()
def taps(store: xr.Dataset) -> Figure | None:
    """Taps by lag in both layers: mean over units and seeds, band from the first to the last decile
    of units; the public line and the normalised one, smallest size.
    """
    found = [
        (panel, size, line)
        for panel in panels(store)
        for size in panel.sizes[:1]
        for line in ("delay", "norm")
        if (cell := panel.find(size, line)) is not None and cell["taps"].notnull().any()
    ]
    if not found:
        return None
    titles = [f"{p.title}, {p.units(size)}: {LINES[line][0]}" for p, size, line in found]
    fig, blocks = grid.blocks(titles, 2, 1.6, room=0.1, sharey=True)
    for axes, (panel, size, line) in zip(blocks, found, strict=True):
        cell = panel.find(size, line)
        for ax, layer in zip(axes, (1, 2), strict=True):
            own = cell.sel(layer=layer)
            lag, colour = own["lag"].values, look(line)["color"]
            low, middle, high = (
                np.nanmean(own[name].values, 0) for name in ("taps_low", "taps", "taps_high")
            )
            ax.plot(lag, middle, color=colour)
            ax.fill_between(lag, low, high, color=colour, alpha=0.15, linewidth=0)
            ax.axhline(0, color=style.INK, linewidth=0.8)
            ax.set_title(f"hidden layer {layer}")
            ax.set_xlabel("lag (steps)")
        axes[0].set_ylabel("tap")
    return fig
