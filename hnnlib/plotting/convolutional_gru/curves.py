"""Learning curves: loss and validation accuracy by epoch."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis.summaries import spread
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.convolutional_gru.panels import label, line, look, panels

__all__ = ["learning_curves"]

_DOT = {"markersize": 3.5, "zorder": 4}


@style.context()
def learning_curves(store: xr.Dataset) -> Figure:
    """Training loss and validation accuracy by epoch, main models; a block for each data set.

    Lines are means over seeds, bands reach from the lowest to the highest seed, small markers are
    the epochs that validation chose.
    """
    found = list(panels(store))
    fig, blocks = grid.blocks([panel.title for panel in found], 2, 2.2, room=0.7)
    for axes, panel in zip(blocks, found, strict=True):
        for model in panel.models:
            cell = panel.find(model)
            epochs = cell["epoch"].values + 1
            shown = (cell["train_loss"], 100 * cell["validation_curve"])
            for ax, curve in zip(axes, shown, strict=True):
                values = spread(curve.transpose("seed", "epoch"))
                marks.band(ax, epochs, values, line(model), shade=0.12)
            best = cell["best_epoch"].values + 1, 100 * cell["validation_accuracy"].values
            axes[1].plot(*best, linestyle="", **look(model) | _DOT)
        for ax, name in zip(axes, ("training loss (nat)", "validation accuracy (%)"), strict=True):
            ax.set_ylabel(name)
            grid.epochs(ax)
        axes[0].set_ylim(bottom=0)
    shown = dict.fromkeys(model for panel in found for model in panel.models)
    lines = [marks.handle(label(m), **look(m) | line(m) | _DOT) for m in shown]
    grid.legend(fig, [*lines, marks.handle("marker: chosen epoch", marker="")])
    return fig
