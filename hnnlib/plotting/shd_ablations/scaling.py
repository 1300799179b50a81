"""Accuracy against training data, hidden units, and the share of spiking units."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from hnnlib.analysis import cells
from hnnlib.plotting import grid, marks, models, style
from hnnlib.plotting.models import look
from hnnlib.plotting.shd_ablations.panels import Panel, panels, varied

__all__ = ["amount", "ratio"]

_DODGE = 0.03  # between models at one place, as a share of an octave or of the axis
# Coordinate -> the variable that says how much it is, and in words.
_AMOUNTS = {
    "fraction": ("train_examples", "training examples"),
    "size": ("units", "hidden units"),
}


@style.context()
def amount(store: xr.Dataset) -> Figure | None:
    """Accuracy against training examples and hidden units, by model; a block for each data set.

    Small dots are seeds, markers their means, bars 95 % intervals; models stand a little apart so
    that they don't cover each other. Amounts that were run at one level only would repeat the main
    comparison and are left out, and so is the figure where no other is left.
    """
    found, shown = varied(store, _AMOUNTS)
    if not found:
        return None
    titles = [panel.title for panel in found]
    fig, blocks = grid.blocks(titles, len(shown), 2.4, sharey=True)
    for axes, panel in zip(blocks, found, strict=True):
        for ax, key in zip(axes, shown, strict=True):
            _amounts(ax, panel, key, _AMOUNTS[key][0])
            ax.set_xlabel(_AMOUNTS[key][1])
        axes[0].set_ylabel("accuracy (%)")
    grid.legend(fig, models.handles((m for panel in found for m in panel.core), linestyle="-"))
    return fig


@style.context()
def ratio(store: xr.Dataset) -> Figure:
    """Accuracy (left) and spikes (right) against the share of spiking units.

    The ends are the SNN and the NSN, the middle is the hybrid of the main comparison.
    """
    found = list(panels(store))
    fig, blocks = grid.blocks([panel.title for panel in found], 2, 2.2, room=0.1)
    for (left, right), panel in zip(blocks, found, strict=True):
        points = _ratios(panel)
        shares = [share for share, _ in points]
        colours = [look(_model(share))["color"] for share in shares]
        accuracy = [cells.accuracy(cell, panel.accuracy) for _, cell in points]
        spikes = [cell["spikes"].values for _, cell in points]
        for ax, values in ((left, accuracy), (right, spikes)):
            marks.curve(ax, shares, values, {"color": style.MUTED}, colours)
            grid.shares(ax)
        left.set_ylabel("accuracy (%)")
        right.set_ylabel("spikes per example")
        right.set_ylim(bottom=0)
    return fig


def _amounts(ax: Axes, panel: Panel, coordinate: str, across: str) -> None:
    """One line a model along the levels of an arm."""
    ax.set_xscale("log", base=2)
    ticks: set[float] = set()
    for place, model in enumerate(panel.core):
        found = [panel.find(model, **{coordinate: level}) for level in panel.levels(coordinate)]
        there = sorted((float(cell[across]), i) for i, cell in enumerate(found) if cell is not None)
        x = np.array([value for value, _ in there])
        ticks |= set(x)
        shift = 2 ** (_DODGE * (place - (len(panel.core) - 1) / 2))
        values = [cells.accuracy(found[i], panel.accuracy) for _, i in there]
        marks.curve(ax, x * shift, values, look(model))
    ax.xaxis.set_major_locator(FixedLocator(sorted(_apart(ticks))))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", " ")))
    if len(ticks) == 1:
        grid.remark(ax, "other amounts not run")
    if ticks:
        ax.set_xlim(min(ticks) / 1.25, max(ticks) * 1.25)


def _ratios(panel: Panel) -> list[tuple[float, xr.Dataset]]:
    """Cells by share of spiking units: the NSN has none, the SNN nothing else."""
    found = [(0.0, panel.find("nsn")), (1.0, panel.find("snn"))]
    found += [(float(r), panel.find("hybrid", ratio=r)) for r in panel.levels("ratio")]
    return sorted(((s, cell) for s, cell in found if cell is not None), key=lambda one: one[0])


def _model(share: float) -> str:
    return {0.0: "nsn", 1.0: "snn"}.get(share, "hybrid")


def _apart(ticks: set[float]) -> list[float]:
    """Ticks of which no two are so close that their labels touch."""
    kept: list[float] = []
    for tick in sorted(ticks, reverse=True):
        if not kept or kept[-1] / tick > 1.2:
            kept.append(tick)
    return kept
