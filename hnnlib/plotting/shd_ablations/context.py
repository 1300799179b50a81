"""Published accuracies on SHD, and ours, kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import marks, style
from hnnlib.plotting.models import label, look
from hnnlib.plotting.shd_ablations.panels import Panel, panels

__all__ = ["context"]


class Anchor(Protocol):
    """A published accuracy in percent."""

    label: str
    value: float
    spread: float | None
    note: str


def context(store: xr.Dataset, anchors: Sequence[Anchor]) -> Figure:
    """Published accuracies on SHD above, ours below, each under a title that says which data.

    Ours is the accuracy on the whole test part, as published ones are. Where our data are SHD's
    official files the panels share their axis; elsewhere ours are grey and the title says why they
    can't be compared.
    """
    with style.context():
        ours = next(panels(store))
        counts = (max(len(anchors), 1), max(len(ours.models), 1))
        heights = [0.55 + 0.19 * count for count in counts]
        fig = Figure(figsize=(style.WIDTH, sum(heights) + 0.3))
        above, below = fig.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": heights})
        _published(above, anchors)
        _ours(below, ours)
        below.set_xlabel("accuracy, whole test part (%)")
        return fig


def _published(ax: Axes, anchors: Sequence[Anchor]) -> None:
    ax.set_title("published, official SHD")
    _remark(ax, "most chose the epoch by the test part")
    best_first = sorted(anchors, key=lambda one: -one.value)
    for y, one in enumerate(best_first):
        mark = {"color": style.INK, "marker": "|", "markersize": 7, "elinewidth": 1}
        ax.errorbar(one.value, y, xerr=one.spread, **mark)
    labels = [f"{one.label} ({one.note})" if one.note else one.label for one in best_first]
    _lines(ax, labels)


def _ours(ax: Axes, panel: Panel) -> None:
    comparable = panel.dataset == "shd" and panel.official
    ax.set_title(f"here: {panel.data}")
    if not comparable:
        ax.set_facecolor("#f4f4f4")
        _remark(ax, "other data than above")
    order = sorted(
        panel.models, key=lambda m: -mean_interval(panel.values(m, "test_accuracy")).mean
    )
    for y, model in enumerate(order):
        marks.row(ax, y, panel.values(model, "test_accuracy"), look(model), apart=0.27)
    _lines(ax, [label(model) for model in order])


def _lines(ax: Axes, labels: Sequence[str]) -> None:
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def _remark(ax: Axes, words: str) -> None:
    """Write something small at the right of the panel's title."""
    look = {"fontsize": 7.5, "color": style.MUTED, "weight": "normal", "style": "italic"}
    ax.set_title(words, loc="right", **look)
