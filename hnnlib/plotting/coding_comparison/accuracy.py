"""Test accuracy by row of the paper's tables, with intervals and the paper's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.statistics import Mean, mean_interval
from hnnlib.plotting import grid, style, words
from hnnlib.plotting.coding_comparison.rows import SERIES, main, rows
from hnnlib.plotting.marks import bar, handle

__all__ = ["accuracy_by_row"]

_DODGE = 0.1  # between the lines of one row, so that their bars do not cover each other
_HOLLOW = {"markerfacecolor": "none", "markersize": 9, "markeredgewidth": 1.0, "zorder": 4}
_MARKS = {
    "paper": {"label": "the paper’s number (one run)", "marker": "o"} | _HOLLOW,
    "not run": {"label": "not run", "marker": "x"},
    "failed": {"label": "every seed failed", "marker": "P"},
}


@style.context()
def accuracy_by_row(store: xr.Dataset, paper: Mapping[str, float] | None = None) -> Figure:
    """Test accuracy by row: a panel for each family, a line for each coding and training.

    Args:
        store: the study's result store.
        paper: the paper's accuracy in percent by cell, drawn as a hollow marker. Leave out cells
            whose data are not the paper's: the two numbers must not share an axis then.
    """
    groups = list(cells.parts(store, "family", "dataset"))
    fig, (axes,) = grid.panels(1, len(groups), 3.0, room=1.1)
    marks: set[str] = set()
    for ax, (which, part) in zip(axes, groups, strict=True):
        ax.set_title(words.on(*which))
        marks |= _panel(ax, part, paper or {})
    axes[0].set_ylabel(words.ACCURACY)
    lines = [handle(series.label, **series.look) for series in SERIES]
    special = [handle(**look) for mark, look in _MARKS.items() if mark in marks]
    grid.legend(fig, lines + special)
    return fig


def _panel(ax: Axes, store: xr.Dataset, paper: Mapping[str, float]) -> set[str]:
    """Draw one family; returns the special marks that the legend has to explain."""
    places = dict(enumerate(rows(store)))
    ax.set_xticks(list(places), [row.short for row in places.values()])
    ax.set_xlabel("artificial (A) and\nspiking (S) layers")
    marks: set[str] = set()
    for number, series in enumerate(SERIES):
        points = []
        for place, row in places.items():
            if how := series.at(row.kind):
                x = place + _DODGE * (number - (len(SERIES) - 1) / 2)
                cell = cells.one(store, **main(row, how))
                marks |= _special(ax, x, cell, paper, series.look)
                if cell is not None:
                    points.append((x, mean_interval(cells.accuracy(cell))))
        _line(ax, points, series.look)
    return marks


def _special(
    ax: Axes, x: float, cell: xr.Dataset | None, paper: Mapping[str, float], look: dict
) -> set[str]:
    """Mark a missing or failed cell at the bottom, and the paper's number; returns what it drew."""
    marks: set[str] = set()
    if cell is None or np.isnan(cells.accuracy(cell)).all():
        marks.add("not run" if cell is None else "failed")
        marker = "x" if cell is None else "P"
        ax.plot(x, 0.02, marker, color=look["color"], transform=ax.get_xaxis_transform())
    printed = np.nan if cell is None else paper.get(str(cell["cell"].item()), np.nan)
    if np.isfinite(printed):
        marks.add("paper")
        ax.plot(x, printed, **look | _HOLLOW)
    return marks


def _line(ax: Axes, points: list[tuple[float, Mean]], look: dict) -> None:
    """A line through the means with bars for their intervals."""
    if points:
        x, means = [x for x, _ in points], [found.mean for _, found in points]
        ax.errorbar(x, means, yerr=np.hstack([bar(found) for _, found in points]), zorder=3, **look)
