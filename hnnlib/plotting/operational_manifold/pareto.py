"""Accuracy against spikes: all points of the grids, the Pareto front, the paper's points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis import manifold
from hnnlib.plotting import grid, style, words
from hnnlib.plotting.operational_manifold.surfaces import Surface, surfaces

__all__ = ["pareto", "printed"]

_COLOURS = {"mlp": "#0072B2", "cnn": "#D55E00"}
_RING = {"markerfacecolor": "none", "color": style.INK, "linestyle": "none"}

Printed = tuple[str, str, str, float, float]
"""Data set, network, label, spikes per image, accuracy in percent."""


def printed(table: Any, defaults: Mapping[str, Any]) -> list[Printed]:
    """The paper's efficient points; their spikes follow from accuracy by efficiency.

    Args:
        table: the paper's Table I, with columns ``accuracy`` and ``efficiency``.
        defaults: of the paper's selectors.
    """
    found = {(e.row, e.column): e for e in table.entries(defaults)}
    points = []
    for row in table.rows:
        entry, efficiency = found[row.label, "accuracy"], found[row.label, "efficiency"].value
        spikes = manifold.spikes_of(entry.value / 100, efficiency)
        where = entry.select["paper_dataset"], entry.select["network"]
        points.append((*where, f"paper: {row.label}", spikes, entry.value))
    return points


@style.context()
def pareto(store: xr.Dataset, points: Sequence[Printed] = ()) -> Figure:
    """A panel for every surface of the paper's grid: dots are points, means over seeds; the line
    is the front, the ring its knee, the square the most efficient point, as validation has them.

    Args:
        points: the paper's, see ``printed``, drawn as crosses in the panel of their network and
            data set.
    """
    found = list(surfaces(store, "main"))
    fig, axes = grid.flow(len(found), max(1, min(2, len(found))), 2.5, sharey=True)
    for ax, surface in zip(axes, found, strict=True):
        _panel(ax, surface)
        _paper(ax, surface, points)
    for ax in axes[::2]:
        ax.set_ylabel(words.ACCURACY)
    grid.legend(fig, grid.labels(axes))
    return fig


def _panel(ax: Axes, surface: Surface) -> None:
    accuracy, spikes = surface.mean("grid_accuracy"), surface.mean("grid_spikes")
    chosen, chance = surface.mean("grid_validation"), float(surface.cell["guessing"])
    colour = _COLOURS.get(surface.network, style.MUTED)

    def draw(where: object, form: str, label: str, **look: object) -> None:
        order = np.argsort(spikes[where], axis=None)
        x, y = (np.ravel(values[where])[order] for values in (spikes, 100 * accuracy))
        ax.plot(x, y, form, label=label, **look)

    ax.set_title(surface.title)
    dots = {"color": colour, "alpha": 0.4, "markersize": 4, "markeredgewidth": 0}
    draw(np.isfinite(accuracy) & (spikes > 0), "o", "point of the grid", **dots)
    front = manifold.front(chosen, spikes, chance)
    draw(front, "-", "Pareto front", color=colour)
    knee = manifold.knee(chosen, spikes, chance)
    if knee is not None:
        draw(knee, "o", "knee", markersize=10, **_RING)
    best = manifold.most_efficient(chosen, spikes, chance)
    if best is not None:
        draw(best, "s", "most efficient above the floor", markersize=7, **_RING)
    ax.axhline(100 * (chance + manifold.FLOOR), color=style.MUTED, linewidth=0.8, linestyle=":")
    ax.set_xscale("log")
    grid.logarithmic(ax.xaxis)
    ax.set_ylim(0, 102)
    ax.set_xlabel("spikes per image")


def _paper(ax: Axes, surface: Surface, points: Sequence[Printed]) -> None:
    look = {"textcoords": "offset points", "fontsize": style.SMALL, "color": style.INK}
    for dataset, network, label, spikes, accuracy in points:
        if (dataset, network) == (surface.dataset, surface.network):
            ax.plot(spikes, accuracy, "x", color=style.INK, markersize=6, linestyle="none")
            right = spikes > np.sqrt(np.prod(ax.get_xlim()))
            side = {"xytext": (-4, -9), "ha": "right"} if right else {"xytext": (4, -9)}
            ax.annotate(label, (spikes, accuracy), **side, **look)
            grid.logarithmic(ax.xaxis)
