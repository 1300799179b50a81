"""Roughness by the step it is measured at, and sharpness by radius."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from hnnlib.analysis.summaries import geometric_spread
from hnnlib.plotting import grid, marks, models, style
from hnnlib.plotting.loss_landscape.shared import datasets, mains

__all__ = ["by_scale"]

# Variable, its dimension, and the labels of both.
_CURVES = (
    ("roughness_by_scale", "scale", "step (norms of the weights)", "|second difference| (nat)"),
    ("sam_rise_by_radius", "radius", "radius ρ", "rise up the gradient (nat)"),
    ("epsilon_sharpness_by_step", "step", "radius (norms of the weights)", "largest rise (nat)"),
)


@style.context()
def by_scale(store: xr.Dataset) -> Figure:
    """Roughness by step, SAM rise by rho, epsilon-sharpness by radius: a block a data set, a line a
    model, geometric mean over seeds with the range of the seeds as a band.
    """
    parts = list(datasets(store))
    fig, blocks = grid.blocks([title for title, _ in parts], 2, 2.2, len(_CURVES), room=0.8)
    shown: dict[str, None] = {}
    for axes, (_, part) in zip(blocks, parts, strict=True):
        for ax, (name, along, xlabel, ylabel) in zip(axes, _CURVES, strict=True):
            for model, cell in mains(part).items():
                shown[model] = None
                found = geometric_spread(cell[name].transpose("seed", along).values)
                look = models.look(model) | {"markersize": 3.5}
                marks.band(ax, part[along].values, found, look)
            _axes(ax, part[along].values)
            ax.set_xlabel(xlabel)
            ax.set_ylabel(ylabel)
        _guides(axes[0])
    grid.legend(fig, models.handles(shown, linestyle="-") + grid.labels([axes[0]]))
    return fig


def _axes(ax: Axes, steps: np.ndarray) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    steps = steps[~np.isnan(steps)]
    ax.set_xticks(steps[:: max(1, len(steps) // 4)])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(_step))
    ax.yaxis.set_major_locator(LogLocator(numticks=5))
    ax.yaxis.set_minor_locator(NullLocator())


def _step(value: float, _place: int) -> str:
    """Steps that are powers of two as fractions, other numbers as they are."""
    inverse = 1 / value
    fraction = inverse > 1.5 and abs(np.log2(inverse) % 1) < 1e-9
    return f"1/{inverse:.0f}" if fraction else f"{value:g}"


def _guides(ax: Axes) -> None:
    """Lines of slope 2 (smooth) and 1 (jumps), through the upper right corner."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    x = np.array([left, right])
    for slope, text, dashes in ((2, "slope 2: smooth", "--"), (1, "slope 1: jumps", ":")):
        y = high * (x / right) ** slope
        ax.plot(x, y, dashes, color=style.MUTED, linewidth=0.9, zorder=1, label=text)
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
