"""Smoothness against accuracy, run by run."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.statistics import Correlation, rank_correlation
from hnnlib.plotting import models, style
from hnnlib.plotting.loss_landscape.shared import MEASURES, datasets, logarithmic, mains, positive

__all__ = ["across_runs", "correlation"]

_SHOWN = ("roughness", "relative_roughness", "sam_rise", "epsilon_sharpness")


def across_runs(store: xr.Dataset, measures: tuple[str, ...] = _SHOWN) -> Figure:
    """Test accuracy against measures of smoothness: a dot a run, a colour a model, a row a data
    set. Above each panel Spearman's correlation within models, models' means taken out.
    """
    parts = [(title, mains(part)) for title, part in datasets(store)]
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 0.5 + 2.1 * len(parts)))
        axes = fig.subplots(len(parts), len(measures), squeeze=False, sharey="row")
        for line, (title, row) in zip(axes, parts, strict=True):
            for ax, name in zip(line, measures, strict=True):
                _panel(ax, row, name)
            line[0].set_ylabel(title.replace(", ", ",\n") + "\ntest accuracy (%)", fontsize=8)
        handles, labels = axes[0][0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return fig


def correlation(row: dict[str, xr.Dataset], name: str) -> Correlation:
    """Rank correlation of a measure with test accuracy over runs, within models."""
    seeds = [cell.sizes["seed"] for cell in row.values()]
    return rank_correlation(
        np.concatenate([cell[name].values for cell in row.values()]),
        np.concatenate([cell["test_accuracy"].values for cell in row.values()]),
        groups=np.repeat(np.arange(len(row)), seeds),
    )


def _panel(ax: Axes, row: dict[str, xr.Dataset], name: str) -> None:
    for model, cell in row.items():
        accuracy = 100 * cell["test_accuracy"].values
        look = models.look(model) | {"linestyle": "", "alpha": 0.8, "markersize": 4.5}
        ax.plot(positive(cell[name].values), accuracy, label=models.label(model), **look)
    found = correlation(row, name)
    ax.set_xscale("log")
    logarithmic(ax.xaxis)
    ax.set_xlabel(MEASURES[name], fontsize=7.5)
    ax.set_title(
        f"ρ = {found.rho:+.2f}, p = {found.p:.2g}".replace("-", "−"), fontsize=7.5, weight="normal"
    )
