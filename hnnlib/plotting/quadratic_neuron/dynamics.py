"""What the neuron does by itself: maps with cobwebs, impulse responses, densities by step."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.plotting import grid, style
from hnnlib.plotting.quadratic_neuron.looks import READINGS, label

__all__ = ["cobwebs", "moments", "responses"]

_CASES = (("euler", 0.25), ("euler", 3.0), ("product", 0.25), ("product", 1.0))
_U2, _STEPS = 0.5, 12
_STARTS = (0.45, 0.75)


@style.context()
def cobwebs() -> Figure:
    """Maps with their fixed points, and paths of the potential without input from two starts."""
    fig, axes = grid.flow(len(_CASES), 2, 2.4)
    for ax, (reading, a) in zip(axes, _CASES, strict=True):
        ax.set_title(label(reading, a))
        u = np.linspace(-0.7, 1.15, 200)
        ax.plot(u, u, color=style.MUTED, linewidth=0.8, label="no change")
        ax.plot(u, _map(reading, a, u), color=style.INK, label="f(u)")
        for start, look in zip(_STARTS, READINGS.values(), strict=True):
            path = _path(reading, a, start)
            web = np.repeat(path, 2)
            line = {"linewidth": 1, "color": look["color"], "label": f"from {start:g}"}
            ax.plot(web[:-1], np.concatenate([[start], web[2:]]), **line)
        _fixed_points(ax, reading, a)
        ax.axvline(1, color=style.INK, linewidth=0.8, linestyle=":", label="threshold")
        ax.set(xlim=(-0.7, 1.15), ylim=(-0.7, 1.15), xlabel="u", ylabel="u one step later")
    grid.legend(fig, grid.labels(axes))
    return fig


@style.context()
def responses() -> Figure:
    """The potential after one small input, step by step."""
    fig, axes = grid.flow(len(_CASES), 2, 1.5, sharex=True)
    for ax, (reading, a) in zip(axes, _CASES, strict=True):
        ax.set_title(label(reading, a))
        path = _path(reading, a, 0.2)
        ax.plot(range(len(path)), path, **READINGS[reading])
        ax.axhline(0, color=style.MUTED, linewidth=0.8)
        ax.set(xlabel="step after an input of 0.2", ylabel="u")
    return fig


@style.context()
def moments(store: xr.Dataset, sigma: float = 0.5) -> Figure | None:
    """Density of the potential at each step after a reset, drawn without and with resets since,
    and the normal one that the moments predict; None where the store lacks them.

    Args:
        sigma: of the input.
    """
    exact = {"arm": "exact", "neuron": "qif", "reading": "euler", "sigma": sigma}
    shown = [
        (a, reset, cell)
        for a, reset in ((0.25, "off"), (0.25, "on"), (1.0, "on"))
        if (cell := cells.one(store, leak=a, **exact)) is not None
    ]
    if not shown:
        return None
    fig, axes = grid.panels(store.sizes["step"], len(shown), 1.25, sharex=True, sharey=True)
    for column, (a, reset, cell) in zip(axes.T, shown, strict=True):
        again = "with resets" if reset == "on" else "no reset"
        column[0].set_title(f"a = {a:g}, {again}")
        for ax, step in zip(column, store["step"].values, strict=True):
            _density(ax, cell.sel(step=step), reset)
        column[-1].set_xlabel("u")
    for ax, step in zip(axes[:, 0], store["step"].values, strict=True):
        ax.set_ylabel(f"step {step}")
    grid.legend(fig, [*grid.labels(axes[0, :1])])
    return fig


def _density(ax: Axes, cell: xr.Dataset, reset: str) -> None:
    u, width = cell["potential"].values, float(cell["half_width"])
    ax.axvspan(1 - width, 1 + width, color="#e4ecf2", linewidth=0, label="window")
    drawn = {"color": style.MUTED, "label": "drawn", "drawstyle": "steps-mid", "linewidth": 1}
    ax.plot(u, cell["density"].sel(reset=reset).values, **drawn)
    mean, variance = float(cell["mean_predicted"]), float(cell["variance_predicted"])
    normal = np.exp(-((u - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    ax.plot(u, normal, color=READINGS["euler"]["color"], label="predicted", linewidth=1)
    ax.axvline(1, color=style.INK, linewidth=0.8, linestyle=":", label="threshold")
    ax.set_xlim(-2, 2.5)


def _map(reading: str, a: float, u: np.ndarray | float) -> np.ndarray | float:
    """f with u1 = 0, see ``hnnlib.neurons.quadratic``: figures load no torch."""
    return a * u * (u - _U2) + (u if reading == "euler" else 0)


def _path(reading: str, a: float, start: float) -> np.ndarray:
    """Potentials without input, until one reaches the threshold."""
    path = [start]
    while len(path) <= _STEPS and path[-1] < 1:
        path.append(_map(reading, a, path[-1]))
    return np.array(path)


def _fixed_points(ax: Axes, reading: str, a: float) -> None:
    """Filled where a small distance shrinks from step to step, open where it grows."""
    second = _U2 if reading == "euler" else _U2 + 1 / a
    for point in (0.0, second):
        slope = a * (2 * point - _U2) + (1 if reading == "euler" else 0)
        fill = style.INK if abs(slope) < 1 else "white"
        if point < 1.15:
            dot = {"color": style.INK, "markerfacecolor": fill, "zorder": 4}
            ax.plot(point, point, "o", **dot)
