"""Smoothness against accuracy, run by run."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.summaries import positive, within_models
from hnnlib.plotting import grid, models, style, words
from hnnlib.plotting.loss_landscape.shared import MEASURES, datasets, mains

__all__ = ["across_runs"]

_SHOWN = ("roughness", "relative_roughness", "sam_rise", "epsilon_sharpness")


@style.context()
def across_runs(store: xr.Dataset, measures: tuple[str, ...] = _SHOWN) -> Figure:
    """Test accuracy against measures of smoothness: a dot a run, colour and marker a model, a block
    a data set. Above each panel Spearman's correlation within models, models' means taken out.
    """
    parts = [(title, mains(part)) for title, part in datasets(store)]
    titles = [title for title, _ in parts]
    fig, blocks = grid.blocks(titles, 2, 2.0, len(measures), sharey=True)
    for axes, (_, row) in zip(blocks, parts, strict=True):
        for ax, name in zip(axes, measures, strict=True):
            _panel(ax, row, name)
        for ax in axes[::2]:
            ax.set_ylabel(words.ACCURACY)
    grid.legend(fig, models.handles([model for _, row in parts for model in row]))
    return fig


def _panel(ax: Axes, row: dict[str, xr.Dataset], name: str) -> None:
    for model, cell in row.items():
        accuracy = 100 * cell["test_accuracy"].values
        look = models.look(model) | {"linestyle": "", "alpha": 0.8, "markersize": 4.5}
        ax.plot(positive(cell[name].values), accuracy, **look)
    found = within_models(list(row.values()), name)
    ax.set_xscale("log")
    grid.logarithmic(ax.xaxis)
    ax.set_xlabel(MEASURES[name])
    text = f"Spearman {found.rho:+.2f}, p = {found.p:.2g}".replace("-", "−")
    ax.set_title(text, fontsize=style.SMALL, weight="normal")
