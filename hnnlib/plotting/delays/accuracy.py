"""Accuracy against taps and parameters, and the gain over no line in two parts."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.delays.panels import LINES, Panel, look, panels

__all__ = ["by_parameters", "by_taps", "gain_in_parts"]

_DODGE = 0.06  # between lines at one number of taps, in places
_MATCHED = {"marker": "X", "markersize": 7}
_SHOWN = ("none", "gain", "delay", "gain_rms", "gain_norm", "norm")
_PARTS = {
    "drive": (
        "drive: normalised taps at lag 0 − no line",
        {"color": "#332288", "marker": "v"},
        ("gain_norm", "none"),
    ),
    "delay": (
        "delay, averaging and trained taps: normalised line − lag 0",
        {"color": "#117733", "marker": "o"},
        ("norm", "gain_norm"),
    ),
}


@style.context()
def by_taps(store: xr.Dataset) -> Figure:
    """Accuracy (left) and firing rate (right) against the number of taps; a block for each data
    set and size. A line and its control at lag 0 have one colour, the control is hollow.
    """
    found = [(panel, size) for panel in panels(store) for size in panel.sizes]
    titles = [f"{panel.title}, {panel.units(size)}" for panel, size in found]
    fig, blocks = grid.blocks(titles, 2, 2.1, room=0.7)
    for (left, right), (panel, size) in zip(blocks, found, strict=True):
        orders = sorted({n for line in LINES for n in panel.orders(line, size)} | {0})
        for place, line in enumerate(_SHOWN):
            own = panel.orders(line, size)
            x = [orders.index(n) + _DODGE * (place - 2.5) * (n > 0) for n in own]
            there = [panel.find(size, line, n) for n in own]
            if there:
                accuracy = [100 * cell[panel.accuracy].values for cell in there]
                marks.curve(left, x, accuracy, _points(line))
                marks.curve(right, x, [c["firing_rate"].values for c in there], _points(line))
        for ax, label in ((left, "accuracy (%)"), (right, "spikes of a unit a step")):
            ax.set_xticks(range(len(orders)), map(str, orders))
            ax.set_xlabel("taps n")
            ax.set_ylabel(label)
        right.set_ylim(bottom=0)
    there = set(store["line"].values.astype(str))
    shown = [line for line in _SHOWN if line in there]
    grid.legend(fig, [marks.handle(LINES[line][0], **_points(line)) for line in shown], 3)
    return fig


@style.context()
def gain_in_parts(store: xr.Dataset) -> Figure | None:
    """What a normalised line gains over no line, in two parts that add up: drive and the rest.

    The rest is more than delay: at lag 0 normalised taps add up to 1 whatever they are, so that
    nothing of them is trained there, and a line averages over time as well as it delays.

    Means, 95 % intervals and seeds of the paired differences, by hidden size and data set.
    """
    found = [panel for panel in panels(store) if panel.order]
    if not found:
        return None
    heights = [0.8 + 0.55 * len(panel.sizes) for panel in found]
    fig, blocks = grid.blocks([panel.title for panel in found], 1, heights, room=0.5)
    for (ax,), panel in zip(blocks, found, strict=True):
        for y, size in enumerate(panel.sizes):
            _parts(ax, y, panel, size)
        grid.zero(ax)
        grid.names(ax, [panel.units(size) for size in panel.sizes])
        ax.set_xlabel("paired difference (pp)")
    grid.legend(fig, [marks.handle(text, **mark) for text, mark, _ in _PARTS.values()], 1)
    return fig


@style.context()
def by_parameters(store: xr.Dataset) -> Figure:
    """Accuracy against trained parameters: every line, and networks of equal parameters."""
    found = list(panels(store))
    fig, blocks = grid.blocks([panel.title for panel in found], 1, 2.4, room=1.0)
    shown = set()
    for (ax,), panel in zip(blocks, found, strict=True):
        ax.set_xscale("log")
        for line in LINES:
            for size in panel.sizes:
                for width in ("own", "matched"):
                    cell = panel.find(size, line, width=width)
                    if cell is not None:
                        shown.add(line)
                        filled = {} if width == "own" else _MATCHED
                        values = [100 * cell[panel.accuracy].values]
                        place = [cell["parameters"].item()]
                        marks.curve(ax, place, values, _points(line) | filled)
        grid.logarithmic(ax.xaxis, form=lambda value, _: f"{value:,.0f}".replace(",", " "))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("trained parameters")
        ax.set_ylabel("accuracy (%)")
    entries = [marks.handle(LINES[line][0], **_points(line)) for line in LINES if line in shown]
    if "matched" in store["width"].values:
        entries.append(marks.handle("of equal parameters", **_MATCHED))
    grid.legend(fig, entries)
    return fig


def _points(line: str) -> dict[str, object]:
    """A line's look without dashes; controls at lag 0 are hollow."""
    hollow = {"markerfacecolor": "white"} if "gain" in line else {}
    return {k: v for k, v in look(line).items() if k != "linestyle"} | hollow


def _parts(ax: Axes, y: float, panel: Panel, size: str) -> None:
    for away, (_, mark, lines) in zip((-0.16, 0.16), _PARTS.values(), strict=True):
        values = panel.difference(*(panel.find(size, line) for line in lines))
        if values is not None and np.isfinite(values).any():
            bar = {"height": 0.28, "color": mark["color"], "alpha": 0.2, "zorder": 1}
            ax.barh(y + away, mean_interval(values).mean, **bar)
        marks.row(ax, y + away, values, mark)
