"""Roughness by the step it is measured at, and sharpness by radius."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from hnnlib.plotting import models, style
from hnnlib.plotting.loss_landscape.shared import datasets, mains, positive

__all__ = ["by_scale"]

_CURVES = (
    (
        "roughness_by_scale",
        "scale",
        "step (norms of the weights)",
        "mean |second difference| (nat)",
    ),
    ("sam_rise_by_radius", "radius", "radius ρ", "rise up the gradient (nat)"),
    (
        "epsilon_sharpness_by_step",
        "step",
        "radius (norms of the weights)",
        "largest rise (nat)",
    ),
)


def by_scale(store: xr.Dataset) -> Figure:
    """Roughness by step, SAM rise by rho, epsilon-sharpness by radius: a row a data set, a line a
    model, geometric mean over seeds with the range of the seeds as a band.
    """
    parts = list(datasets(store))
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 0.5 + 2.4 * len(parts)))
        axes = fig.subplots(len(parts), len(_CURVES), squeeze=False)
        for line, (title, part) in zip(axes, parts, strict=True):
            for ax, (name, along, xlabel, ylabel) in zip(line, _CURVES, strict=True):
                for model, cell in mains(part).items():
                    _curve(ax, cell[name], along, model)
                _axes(ax, part[along].values)
                ax.set_xlabel(xlabel)
                ax.set_ylabel(ylabel)
            line[0].set_title(title)
            _guides(line[0])
        handles, labels = axes[0][0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=4)
    return fig


def _curve(ax: Axes, values: xr.DataArray, along: str, model: str) -> None:
    known = positive(values.transpose("seed", along).values)
    x = values[along].values
    here = ~np.isnan(known).all(0) & ~np.isnan(x)
    if not here.any():
        return
    logs = np.log(known[:, here])
    look = models.look(model) | {"markersize": 3.5}
    ax.plot(x[here], np.exp(np.nanmean(logs, 0)), label=models.label(model), **look)
    low, high = np.exp(np.nanmin(logs, 0)), np.exp(np.nanmax(logs, 0))
    ax.fill_between(x[here], low, high, color=look["color"], alpha=0.15, linewidth=0)


def _axes(ax: Axes, steps: np.ndarray) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    steps = steps[~np.isnan(steps)]
    ticks = steps[:: max(1, len(steps) // 4)]
    ax.set_xticks(ticks)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(_step))
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
