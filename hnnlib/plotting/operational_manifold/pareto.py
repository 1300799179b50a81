"""Accuracy against spikes: all points of the grids, the Pareto front, the paper's points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis import manifold
from hnnlib.plotting import style
from hnnlib.plotting.operational_manifold.surfaces import Surface, surfaces

__all__ = ["pareto", "printed"]

_COLOURS = {"mlp": "#0072B2", "cnn": "#D55E00"}
_PAPER = "#1a1a1a"

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
        spikes = entry.value / efficiency * 1e6 / 10_000
        where = entry.select["paper_dataset"], entry.select["network"]
        points.append((*where, f"paper: {row.label}", spikes, entry.value))
    return points


def pareto(store: xr.Dataset, points: Sequence[Printed] = ()) -> Figure:
    """A panel for every surface of the paper's grid: dots are points, means over seeds; the line
    is the front, the ring its knee, the square the most efficient point.

    Args:
        points: the paper's, see ``printed``, drawn as crosses in the panel of their network and
            data set.
    """
    found = list(surfaces(store, "main"))
    columns = max(1, min(2, len(found)))
    rows = max(1, -(-len(found) // columns))
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 0.8 + 2.6 * rows))
        axes = fig.subplots(rows, columns, squeeze=False)
        for ax, surface in zip(axes.flat, found, strict=False):
            _panel(ax, surface, points)
        for ax in axes.flat[len(found) :]:
            ax.remove()
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=4)
    return fig


def _panel(ax: Axes, surface: Surface, points: Sequence[Printed]) -> None:
    accuracy, spikes = surface.mean("grid_accuracy"), surface.mean("grid_spikes")
    chance = float(surface.cell["guessing"])
    colour = _COLOURS.get(surface.network, style.MUTED)
    alive = np.isfinite(accuracy) & (spikes > 0)
    ax.set_title(surface.title)
    ax.plot(
        spikes[alive],
        100 * accuracy[alive],
        "o",
        color=colour,
        alpha=0.4,
        markersize=4,
        markeredgewidth=0,
        label="point of the grid",
    )
    front = manifold.front(accuracy, spikes, chance)
    order = np.argsort(spikes[front])
    ax.plot(
        spikes[front][order], 100 * accuracy[front][order], "-", color=colour, label="Pareto front"
    )
    useful = np.where(
        accuracy >= chance + manifold.FLOOR, manifold.efficiency(accuracy, spikes), np.nan
    )
    knee = manifold.knee(accuracy, spikes, chance)
    if knee is not None:
        ax.plot(
            spikes[knee],
            100 * accuracy[knee],
            "o",
            markerfacecolor="none",
            color=style.INK,
            markersize=10,
            linestyle="none",
            label="knee",
        )
    if np.isfinite(useful).any():
        place = np.unravel_index(np.nanargmax(useful), useful.shape)
        ax.plot(
            spikes[place],
            100 * accuracy[place],
            "s",
            markerfacecolor="none",
            color=style.INK,
            markersize=7,
            linestyle="none",
            label="most efficient above the floor",
        )
    _paper(ax, surface, points)
    ax.axhline(100 * (chance + manifold.FLOOR), color=style.MUTED, linewidth=0.8, linestyle=":")
    ax.set_xscale("log")
    ax.set_ylim(0, 102)
    ax.set_xlabel("spikes per image")
    ax.set_ylabel("test accuracy (%)")


def _paper(ax: Axes, surface: Surface, points: Sequence[Printed]) -> None:
    for dataset, network, label, spikes, accuracy in points:
        if (dataset, network) == (surface.dataset, surface.network):
            ax.plot(spikes, accuracy, "x", color=_PAPER, markersize=6, linestyle="none")
            ax.annotate(
                label,
                (spikes, accuracy),
                xytext=(4, -9),
                textcoords="offset points",
                fontsize=7,
                color=_PAPER,
            )
