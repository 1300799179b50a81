"""Accuracy against spikes, counted in three ways."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hnnlib.analysis import cells
from hnnlib.analysis.statistics import Mean, mean_interval
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.convolutional_gru.panels import Panel, label, line, look, panels

__all__ = ["cost"]

_COUNTS = {
    "spikes": "spikes a sample",
    "spikes_per_neuron_step": "spikes a neuron and step",
    "synaptic_operations": "synaptic operations",
}
_MATCHES = ("channels", "parameters", "products", "neurons")


@style.context()
def cost(store: xr.Dataset) -> Figure:
    """A block for each data set, a panel for each way to count.

    A line joins SpikGRU's of equal channels, parameters, products, neurons, the last three hollow
    but for parameters. Graded cells are dotted lines at their accuracy.
    """
    found = list(panels(store))
    titles = [panel.title for panel in found]
    fig, blocks = grid.blocks(titles, len(_COUNTS), 2.0, room=0.5, sharey=True)
    for axes, panel in zip(blocks, found, strict=True):
        axes[0].set_ylabel(f"accuracy,\n{panel.measure} (%)")
        for ax, count in zip(axes, _COUNTS, strict=True):
            _panel(ax, panel, count)
            ax.set_xlabel(_COUNTS[count])
            grid.logarithmic(ax.xaxis, form=_short)
            low, high = ax.get_xlim()
            if high < 6 * low:  # ticks of a decade would touch each other
                ax.xaxis.set_major_locator(MaxNLocator(3))
    there = {m: _silent(panel.find(m)) for panel in found for m in panel.models}
    grid.legend(fig, [marks.handle(label(m), **_of(m, silent)) for m, silent in there.items()])
    return fig


def _of(model: str, graded: bool) -> dict[str, object]:
    """Look of a legend's entry: a graded cell is a line."""
    return look(model) | (line(model) | {"marker": ""} if graded else {})


def _panel(ax: Axes, panel: Panel, count: str) -> None:
    ax.set_xscale("log")
    for model in panel.models:
        cell = panel.find(model)
        if _silent(cell):
            ax.axhline(_accuracy(panel, cell).mean, linewidth=1, **line(model))
        else:
            _mark(ax, panel, cell, count, look(model))
    found = [cells.one(panel.store, model="spik_gru", match=m, init="coded") for m in _MATCHES]
    matched = [cell for cell in found if cell is not None]
    if len(matched) > 1:
        places = np.array([[_amount(c, count), _accuracy(panel, c).mean] for c in matched])
        ax.plot(*places.T, color=look("spik_gru")["color"], linewidth=0.8, alpha=0.6, zorder=1)
        hollow = look("spik_gru") | {"markerfacecolor": "white", "markersize": 4}
        word = {"fontsize": 7, "xytext": (3, 3), "textcoords": "offset points"}
        for cell, place in zip(matched, places, strict=True):
            if cell["match"] != "parameters":
                _mark(ax, panel, cell, count, hollow)
                ax.annotate(str(cell["match"].item()), place, **word)


def _silent(cell: xr.Dataset) -> bool:
    """Whether no unit of a cell spikes."""
    return float(cell["spikes"].max()) == 0


def _amount(cell: xr.Dataset, count: str) -> float:
    return float(cell[count].mean())


def _accuracy(panel: Panel, cell: xr.Dataset) -> Mean:
    return mean_interval(cells.accuracy(cell, panel.accuracy))


def _mark(ax: Axes, panel: Panel, cell: xr.Dataset, count: str, shape: dict) -> None:
    found = _accuracy(panel, cell)
    ax.errorbar(_amount(cell, count), found.mean, marks.bar(found), capsize=0, **shape)


def _short(value: float, _position: int | None = None) -> str:
    """``20k`` for 20,000."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
