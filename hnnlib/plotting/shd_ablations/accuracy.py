"""Accuracy by model: with all seeds, against the hybrid, and by what training knew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.models import label, look
from hnnlib.plotting.shd_ablations.panels import Panel, panels

__all__ = ["accuracy_by_model", "seen_and_unseen"]

_REFERENCE = "hybrid"
_APART = 0.27  # seeds below their mean
_KNOWN = {
    "train_accuracy": ("training examples", {"marker": "x", "markersize": 5}),
    "seen_accuracy": ("test, speakers of the training part", {"marker": "o", "markersize": 5.5}),
    "unseen_accuracy": (
        "test, unseen speakers",
        {"marker": "o", "markersize": 5.5, "markerfacecolor": "white"},
    ),
}


@style.context()
def accuracy_by_model(store: xr.Dataset) -> Figure:
    """Left accuracy by model, right paired differences to the hybrid; a block for each data set.

    Dots are seeds, bars 95 % intervals. Within the shaded band, 1.5 pp to either side, a
    difference counts as none.
    """
    found = list(panels(store))
    fig, blocks = _blocks(found)
    for (left, right), panel in zip(blocks, found, strict=True):
        grid.zero(right, band=True)
        for y, model in enumerate(panel.models):
            marks.row(left, y, panel.values(model), look(model), _APART)
            if model != _REFERENCE:
                marks.row(right, y, panel.difference(model, _REFERENCE), look(model), _APART)
        left.set_xlabel(f"accuracy, {panel.measure} (%)")
        right.set_xlabel(f"model − {label(_REFERENCE)}, paired (pp)")
    return fig


@style.context()
def seen_and_unseen(store: xr.Dataset) -> Figure | None:
    """What models lose on speakers whom training never had; a block for each data set.

    Left training, seen and unseen accuracy, means over seeds. Right seen minus unseen, with seeds
    and 95 % intervals. None where no data set has such speakers.
    """
    found = [panel for panel in panels(store) if panel.new_speakers]
    if not found:
        return None
    fig, blocks = _blocks(found)
    for (left, right), panel in zip(blocks, found, strict=True):
        grid.zero(right)
        for y, model in enumerate(panel.models):
            _known(left, y, panel, model)
            marks.row(right, y, panel.speaker_difference(model), look(model), _APART)
        left.set_xlabel("accuracy (%)")
        right.set_xlabel("seen − unseen speakers (pp)")
    grid.legend(fig, [marks.handle(text, **mark) for text, mark in _KNOWN.values()])
    return fig


def _blocks(found: list[Panel]) -> tuple[Figure, Iterator[list[Axes]]]:
    """Two panels a data set, models on a common axis."""
    heights = [0.75 + 0.24 * max(len(panel.models), 2) for panel in found]
    fig, blocks = grid.blocks([panel.data for panel in found], 2, heights, room=0.3, sharey=True)

    def named() -> Iterator[list[Axes]]:
        for axes, panel in zip(blocks, found, strict=True):
            grid.names(axes[0], [label(model) for model in panel.models])
            yield axes

    return fig, named()


def _known(ax: Axes, y: float, panel: Panel, model: str) -> None:
    """Mean accuracies of one model on a line that joins them."""
    means = [mean_interval(panel.values(model, variable)).mean for variable in _KNOWN]
    colour = look(model)["color"]
    if np.isnan(means).all():
        marks.row(ax, y, np.array([np.nan]), look(model))
        return
    ax.plot([min(means), max(means)], [y, y], color=colour, linewidth=1.2, alpha=0.5, zorder=2)
    for mean, (_, mark) in zip(means, _KNOWN.values(), strict=True):
        ax.plot(mean, y, color=colour, linestyle="", zorder=3, **mark)
