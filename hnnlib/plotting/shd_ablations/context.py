"""Published accuracies on SHD, and ours, kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.models import label, look
from hnnlib.plotting.shd_ablations.panels import Panel, panels

__all__ = ["context"]


class Anchor(Protocol):
    """A published accuracy in percent."""

    label: str
    value: float
    spread: float | None
    note: str


@style.context()
def context(store: xr.Dataset, anchors: Sequence[Anchor]) -> Figure:
    """Published accuracies on SHD above, ours below, each under a title that says which data.

    Ours is the accuracy on the whole test part, as published ones are. Where our data are SHD's
    official files the panels share their axis; elsewhere ours are grey and the title says why they
    can't be compared.
    """
    ours = next(panels(store))
    counts = (max(len(anchors), 1), max(len(ours.models), 1))
    heights = [0.7 + line * count for line, count in zip((0.3, 0.2), counts, strict=True)]
    fig, ((above,), (below,)) = grid.panels(2, 1, heights, room=0.3, sharex=True)
    _published(above, anchors)
    _ours(below, ours)
    below.set_xlabel("accuracy, whole test part (%)")
    return fig


def _published(ax: Axes, anchors: Sequence[Anchor]) -> None:
    ax.set_title("published, official SHD;\nmost chose the epoch by the test part")
    best_first = sorted(anchors, key=lambda one: -one.value)
    for y, one in enumerate(best_first):
        mark = {"color": style.INK, "marker": "|", "markersize": 7, "elinewidth": 1}
        ax.errorbar(one.value, y, xerr=one.spread, **mark)
    grid.names(ax, [f"{one.label}\n({one.note})" if one.note else one.label for one in best_first])


def _ours(ax: Axes, panel: Panel) -> None:
    title = f"here: {panel.data}"
    if panel.dataset != "shd" or not panel.official:
        ax.set_facecolor("#f4f4f4")
        title += ",\nother data than above"
    ax.set_title(title)
    accuracy = {model: panel.values(model, "test_accuracy") for model in panel.models}
    order = sorted(accuracy, key=lambda model: -mean_interval(accuracy[model]).mean)
    for y, model in enumerate(order):
        marks.row(ax, y, accuracy[model], look(model), apart=0.27)
    grid.names(ax, [label(model) for model in order])
