"""How many times rougher one model is than another, seed by seed, by every measure."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import models, style
from hnnlib.plotting.loss_landscape.shared import MEASURES, datasets, mains, positive

__all__ = ["ratios"]

_PAIRS = (("snn", "hybrid"), ("hybrid", "nsn"), ("n2n_block", "hybrid"), ("rnn", "hybrid"))
_REACH = 40  # of the axis, up and down; intervals may run beyond it
_FAR = 1e4  # a measure that is 0 but for rounding gives meaningless ratios


def ratios(store: xr.Dataset) -> Figure:
    """Ratio of one model's roughness or sharpness to another's: a panel a pair, a line a measure,
    a colour a data set; geometric mean, 95 % interval, seeds as small dots.
    """
    parts = [(title, mains(part)) for title, part in datasets(store)]
    there = {model for _, row in parts for model in row}
    pairs = [pair for pair in _PAIRS if there.issuperset(pair)]
    colours = [style.INK, *style.CODINGS.values()]
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 1.1 + 0.27 * len(MEASURES)))
        axes = fig.subplots(1, len(pairs), squeeze=False, sharey=True)[0]
        for ax, (left, right) in zip(axes, pairs, strict=True):
            for place, (title, row) in enumerate(parts):
                if left in row and right in row:
                    _lines(ax, row[left], row[right], title, colours[place], place, len(parts))
            _axis(ax, f"{models.label(left)} / {models.label(right)}")
        axes[0].set_yticks(range(len(MEASURES)), MEASURES.values())
        axes[0].set_ylim(len(MEASURES) - 0.4, -0.6)
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=2)
    return fig


def _lines(
    ax: Axes, left: xr.Dataset, right: xr.Dataset, title: str, colour: str, place: int, count: int
) -> None:
    look = {"color": colour, "zorder": 3}
    label = title
    for row, name in enumerate(MEASURES):
        if name not in left:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(positive(left[name].values) / positive(right[name].values))
        logs = np.where(np.abs(logs) < np.log(_FAR), logs, np.nan)
        if np.isnan(logs).all():
            continue
        y = row + 0.34 * (place - (count - 1) / 2) / max(1, count - 1)
        found = mean_interval(logs)
        ax.plot(np.exp(logs), np.full(len(logs), y), ".", alpha=0.35, markersize=3.5, **look)
        ax.plot(np.exp([found.low, found.high]), [y, y], linewidth=1.5, **look)
        ax.plot(np.exp(found.mean), y, "o", markersize=4, label=label, **look)
        label = None


def _axis(ax: Axes, title: str) -> None:
    ax.set_title(title)
    ax.set_xscale("log")
    ax.set_xlim(1 / _REACH, _REACH)
    ax.axvline(1, color=style.INK, linewidth=0.8, zorder=1)
    ax.set_xticks([0.1, 1, 10])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
