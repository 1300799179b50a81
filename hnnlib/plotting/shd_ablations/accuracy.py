"""Accuracy by model: with all seeds, against the hybrid, and by what training knew."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import marks, style
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


def accuracy_by_model(store: xr.Dataset) -> Figure:
    """Left accuracy by model, right paired differences to the hybrid; a row for each data set.

    Dots are seeds, bars 95 % intervals. Within the shaded band, 1.5 pp to either side, a
    difference counts as none.
    """
    with style.context():
        found = list(panels(store))
        fig, axes = _rows(found, right=1.0)
        for (left, right), panel in zip(axes, found, strict=True):
            left.set_title(panel.data)
            right.set_title(f"model − {label(_REFERENCE)}, paired by seed")
            _models(left, panel)
            _band(right)
            for y, model in enumerate(panel.models):
                marks.row(left, y, panel.values(model), look(model), _APART)
                if model != _REFERENCE:
                    apart = panel.difference(model, _REFERENCE)
                    marks.row(right, y, apart, look(model), _APART)
            left.set_xlabel(f"accuracy, {panel.measure} (%)")
            right.set_xlabel("difference (pp)")
        return fig


def seen_and_unseen(store: xr.Dataset) -> Figure | None:
    """What models lose on speakers whom training never had; a row for each data set.

    Left training, seen and unseen accuracy, means over seeds. Right seen minus unseen, with seeds
    and 95 % intervals. None where no data set has such speakers.
    """
    with style.context():
        found = [panel for panel in panels(store) if panel.new_speakers]
        if not found:
            return None
        fig, axes = _rows(found, right=0.8)
        for (left, right), panel in zip(axes, found, strict=True):
            left.set_title(panel.data)
            right.set_title("seen − unseen speakers")
            _models(left, panel)
            right.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
            for y, model in enumerate(panel.models):
                _known(left, y, panel, model)
                seen, unseen = (
                    panel.values(model, f"{who}_accuracy") for who in ("seen", "unseen")
                )
                marks.row(right, y, seen - unseen, look(model), _APART)
            left.set_xlabel("accuracy (%)")
            right.set_xlabel("difference (pp)")
        handles = [marks.handle(text, **mark) for text, mark in _KNOWN.values()]
        fig.legend(handles=handles, loc="outside lower center", ncols=3)
        return fig


def _rows(found: list[Panel], right: float) -> tuple[Figure, np.ndarray]:
    """A figure with two panels a data set, models on a common axis."""
    counts = [max(len(panel.models), 2) for panel in found]
    height = sum(0.85 + 0.24 * count for count in counts) + 0.2
    fig = Figure(figsize=(style.WIDTH, height))
    sizes = {"width_ratios": (1, right), "height_ratios": [0.85 + 0.24 * count for count in counts]}
    axes = fig.subplots(len(found), 2, squeeze=False, sharey="row", gridspec_kw=sizes)
    return fig, axes


def _models(ax: Axes, panel: Panel) -> None:
    """Models along the y axis, the first on top."""
    ax.set_yticks(range(len(panel.models)), [label(model) for model in panel.models])
    ax.set_ylim(len(panel.models) - 0.4, -0.6)


def _band(ax: Axes) -> None:
    """A line at zero and the band in which differences count as none."""
    ax.axvspan(-marks.MARGIN, marks.MARGIN, zorder=0, **marks.BAND)
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=1)


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
