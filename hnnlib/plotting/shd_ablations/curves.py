"""Learning curves: loss and validation accuracy by epoch."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hnnlib.plotting import marks, style
from hnnlib.plotting.models import label, look
from hnnlib.plotting.shd_ablations.panels import panels

__all__ = ["learning_curves"]


def learning_curves(store: xr.Dataset) -> Figure:
    """Training loss and validation accuracy by epoch, main models; a row for each data set.

    Lines are means over seeds, bands reach from the lowest to the highest seed, dots are the epochs
    that validation chose.
    """
    with style.context():
        found = list(panels(store))
        fig = Figure(figsize=(style.WIDTH, 0.5 + 2.3 * len(found)))
        axes = fig.subplots(len(found), 2, squeeze=False)
        models: dict[str, None] = {}
        for (left, right), panel in zip(axes, found, strict=True):
            left.set_title(panel.data)
            for model in panel.core:
                models[model] = None
                cell = panel.find(model)
                _curve(left, cell["train_loss"], model)
                _curve(right, 100 * cell["validation_curve"], model)
                best = cell["best_epoch"].values + 1, 100 * cell["validation_accuracy"].values
                right.plot(*best, ".", color=look(model)["color"], markersize=5, zorder=4)
            left.set_ylabel("training loss (nat)")
            left.set_ylim(bottom=0)
            right.set_ylabel("validation accuracy (%)")
            for ax in (left, right):
                ax.set_xlabel("epoch")
                ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        lines = [_line(model) for model in models]
        chosen = marks.handle("chosen epoch", marker=".")
        fig.legend(handles=[*lines, chosen], loc="outside lower center", ncols=len(models) + 1)
        return fig


def _curve(ax: Axes, curve: xr.DataArray, model: str) -> None:
    """Mean and range over seeds; epochs that no seed reached are left out."""
    curve = curve.isel(epoch=np.isfinite(curve).any("seed").values)
    if not curve.sizes["epoch"]:
        return
    epochs, colour = curve["epoch"].values + 1, look(model)["color"]
    band = {"color": colour, "alpha": 0.12, "linewidth": 0}
    ax.fill_between(epochs, curve.min("seed"), curve.max("seed"), **band)
    ax.plot(epochs, curve.mean("seed"), color=colour)


def _line(model: str):
    return marks.handle(label(model), color=look(model)["color"], linestyle="-")
