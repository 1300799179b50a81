"""How many times rougher one model is than another, seed by seed, by every measure."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.summaries import geometric_interval, ratio
from hnnlib.plotting import grid, marks, models, style
from hnnlib.plotting.loss_landscape.shared import MEASURES, datasets, mains

__all__ = ["ratios"]

_PAIRS = (("snn", "hybrid"), ("hybrid", "nsn"), ("n2n_block", "hybrid"), ("rnn", "hybrid"))
_REACH = 40  # of the axis, up and down; intervals may run beyond it
_LOOKS = ({"color": style.INK, "marker": "v"}, *map(style.coding, style.CODINGS))


@style.context()
def ratios(store: xr.Dataset) -> Figure | None:
    """Ratio of one model's roughness or sharpness to another's: a panel a pair, a line a measure,
    a colour and marker a data set; geometric mean, 95 % interval, seeds as small dots.
    None where the models of no pair were run.
    """
    parts = [(title, mains(part)) for title, part in datasets(store)]
    there = {model for _, row in parts for model in row}
    pairs = [pair for pair in _PAIRS if there.issuperset(pair)]
    if not pairs:
        return None
    height = 0.5 + 0.27 * len(MEASURES)
    fig, axes = grid.flow(len(pairs), 2, height, room=0.5, sharey=True)
    for ax, (left, right) in zip(axes, pairs, strict=True):
        for place, ((_, row), look) in enumerate(zip(parts, _LOOKS, strict=False)):
            if left in row and right in row:
                shift = 0.34 * (place - (len(parts) - 1) / 2) / max(1, len(parts) - 1)
                _lines(ax, row[left], row[right], look, shift)
        _axis(ax, f"{models.label(left)} / {models.label(right)}")
    grid.names(axes[0], list(MEASURES.values()))
    shown = zip(parts, _LOOKS, strict=False)
    grid.legend(fig, [marks.handle(title, **look) for (title, _), look in shown])
    return fig


def _lines(
    ax: Axes, left: xr.Dataset, right: xr.Dataset, look: dict[str, str], shift: float
) -> None:
    for row, name in enumerate(MEASURES):
        values = ratio(left[name].values, right[name].values) if name in left else np.array([])
        if np.isfinite(values).any():
            marks.row(ax, row + shift, values, look, middle=geometric_interval)


def _axis(ax: Axes, title: str) -> None:
    ax.set_title(title)
    ax.set_xscale("log")
    ax.set_xlim(1 / _REACH, _REACH)
    ax.axvline(1, color=style.INK, linewidth=0.8, zorder=1)
    grid.logarithmic(ax.xaxis)
