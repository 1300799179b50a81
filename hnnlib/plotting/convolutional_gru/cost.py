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
_MATCHES = {"channels": "^", "parameters": "o", "products": "D", "neurons": "v"}
"""What SpikGRU has as many of as CS-GRU, and its marker."""


@style.context()
def cost(store: xr.Dataset) -> Figure:
    """A block for each data set, a panel for each way to count.

    A line joins SpikGRU's of equal channels, parameters, products and neurons; hollow, but for
    parameters. Graded cells are lines at their accuracy.
    """
    found = list(panels(store))
    titles = [panel.title for panel in found]
    fig, blocks = grid.blocks(titles, len(_COUNTS), 2.0, sharey=True)
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
    handles = [marks.handle(label(m), **_of(m, silent)) for m, silent in there.items()]
    others = {m for panel in found for m, _ in _matched(panel) if m != "parameters"}
    handles += [
        marks.handle(f"{label('spik_gru')} of equal {m}", **_hollow(m))
        for m in _MATCHES
        if m in others
    ]
    grid.legend(fig, handles)
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
    matched = _matched(panel)
    if len(matched) > 1:
        places = np.array([[_amount(c, count), _accuracy(panel, c).mean] for _, c in matched])
        ax.plot(*places.T, color=look("spik_gru")["color"], linewidth=0.8, alpha=0.6, zorder=1)
        for match, cell in matched:
            if match != "parameters":
                _mark(ax, panel, cell, count, _hollow(match))


def _matched(panel: Panel) -> list[tuple[str, xr.Dataset]]:
    """SpikGRU's of all sizes that were trained, the smallest first."""
    found = [(m, cells.one(panel.store, model="spik_gru", match=m, init="coded")) for m in _MATCHES]
    return [(m, cell) for m, cell in found if cell is not None]


def _hollow(match: str) -> dict[str, object]:
    own = {"marker": _MATCHES[match], "markerfacecolor": "white", "markersize": 4.5}
    return look("spik_gru") | own


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
