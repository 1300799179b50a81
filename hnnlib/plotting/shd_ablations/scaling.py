"""Accuracy against training data, hidden units, and the share of spiking units."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from hnnlib.plotting import marks, style
from hnnlib.plotting.models import label, look
from hnnlib.plotting.shd_ablations.panels import CORE, Panel, levels, panels

__all__ = ["amount", "ratio"]

_DODGE = 0.03  # between models at one place, as a share of an octave or of the axis


def amount(store: xr.Dataset) -> Figure:
    """Accuracy against training examples (left) and hidden units (right), by model.

    Small dots are seeds, markers their means, bars 95 % intervals; models stand a little apart so
    that they don't cover each other.
    """
    with style.context():
        found = list(panels(store))
        fig = Figure(figsize=(style.WIDTH, 0.5 + 2.5 * len(found)))
        axes = fig.subplots(len(found), 2, squeeze=False, sharey="row")
        for (left, right), panel in zip(axes, found, strict=True):
            left.set_title(panel.title)
            _amounts(left, panel, "fraction", "train_examples")
            _amounts(right, panel, "size", "units")
            left.set_xlabel("training examples")
            right.set_xlabel("hidden units")
            left.set_ylabel("accuracy (%)")
        shown = [model for model in CORE if any(model in panel.core for panel in found)]
        handles = [marks.handle(label(model), linestyle="-", **look(model)) for model in shown]
        fig.legend(handles=handles, loc="outside lower center", ncols=len(shown))
        return fig


def ratio(store: xr.Dataset) -> Figure:
    """Accuracy (left) and spikes (right) against the share of spiking units.

    The ends are the SNN and the NSN, the middle is the hybrid of the main comparison.
    """
    with style.context():
        found = list(panels(store))
        fig = Figure(figsize=(style.WIDTH, 0.2 + 2.4 * len(found)))
        axes = fig.subplots(len(found), 2, squeeze=False)
        for (left, right), panel in zip(axes, found, strict=True):
            left.set_title(panel.title)
            points = _ratios(panel)
            shares = [share for share, _ in points]
            colours = [look(_model(share))["color"] for share in shares]
            accuracy = [100 * cell[panel.accuracy].values for _, cell in points]
            spikes = [cell["spikes"].values for _, cell in points]
            for ax, values in ((left, accuracy), (right, spikes)):
                marks.curve(ax, shares, values, {"color": style.MUTED}, colours)
                marks.shares(ax)
            left.set_ylabel("accuracy (%)")
            right.set_ylabel("spikes per example")
            right.set_ylim(bottom=0)
        return fig


def _amounts(ax: Axes, panel: Panel, coordinate: str, across: str) -> None:
    """One line a model along the levels of an arm."""
    ax.set_xscale("log", base=2)
    ticks: set[float] = set()
    for place, model in enumerate(panel.core):
        found = [panel.find(model, **{coordinate: level}) for level in levels(panel, coordinate)]
        there = sorted((float(cell[across]), i) for i, cell in enumerate(found) if cell is not None)
        x = np.array([value for value, _ in there])
        ticks |= set(x)
        shift = 2 ** (_DODGE * (place - (len(panel.core) - 1) / 2))
        values = [100 * found[i][panel.accuracy].values for _, i in there]
        marks.curve(ax, x * shift, values, look(model))
    ax.xaxis.set_major_locator(FixedLocator(sorted(_apart(ticks))))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", " ")))
    if len(ticks) == 1:
        words = {"fontsize": 7.5, "color": style.MUTED, "style": "italic"}
        ax.text(0.02, 0.03, "other amounts not run", transform=ax.transAxes, **words)
    if ticks:
        ax.set_xlim(min(ticks) / 1.25, max(ticks) * 1.25)


def _ratios(panel: Panel) -> list[tuple[float, xr.Dataset]]:
    """Cells by share of spiking units: the NSN has none, the SNN nothing else."""
    found = [(0.0, panel.find("nsn")), (1.0, panel.find("snn"))]
    found += [(float(r), panel.find("hybrid", ratio=r)) for r in levels(panel, "ratio")]
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
