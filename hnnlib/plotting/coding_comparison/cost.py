"""Accuracy against what it costs: to train, and in spikes."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import grid, style, words
from hnnlib.plotting.marks import bar, handle

__all__ = ["cost"]

_COSTS = {
    "train_flop": "training (operations)",
    "spikes": "spikes per image",
    "synaptic_operations": "synaptic operations per image",
    "multiply_accumulates": "multiply-accumulates per image",
}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@style.context()
def cost(store: xr.Dataset, costs: tuple[str, ...] = ("train_flop", "spikes")) -> Figure:
    """Test accuracy against cost: a row of panels for each family, a column for each cost.

    Colour says the kind of network, the marker its coding. A network that has none of a cost
    (an artificial one makes no spikes) is a dotted line at its accuracy.
    """
    groups = list(cells.parts(store, "family", "dataset"))
    titles = [words.on(*which) for which, _ in groups]
    fig, blocks = grid.blocks(titles, len(costs), 2.2, room=0.8, sharey=True)
    without = False
    for line, (_, part) in zip(blocks, groups, strict=True):
        line[0].set_ylabel(words.ACCURACY)
        for ax, variable in zip(line, costs, strict=True):
            without |= _panel(ax, cells.select(part, arm="main"), variable)
            ax.set_xlabel(_COSTS.get(variable, variable))
    handles = [handle(kind, marker="o", color=colour) for kind, colour in style.KINDS.items()]
    if without:
        handles.append(handle("no spikes", linestyle=":"))
    codings = [handle(f"{words.name(c)} coding", marker=mark) for c, mark in style.MARKERS.items()]
    grid.legend(fig, handles + codings)
    return fig


def _panel(ax: Axes, store: xr.Dataset, variable: str) -> bool:
    """Draw one family against one cost; returns whether some network has none of it."""
    ax.set_xscale("log")
    without = False
    for i in range(store.sizes["cell"]):
        cell = store.isel(cell=i)
        found = mean_interval(cells.accuracy(cell))
        kind = style.kind(int(cell["spiking_layers"]), int(cell["artificial_layers"]))
        look = {"color": style.KINDS[kind], "linewidth": 1}
        spent = mean_interval(np.atleast_1d(cell[variable].values)).mean
        if found.n and spent > 0:
            marker = style.MARKERS[str(cell["coding"].item())]
            ax.errorbar(spent, found.mean, bar(found), marker=marker, capsize=0, **look)
        elif found.n:
            ax.axhline(found.mean, linestyle=":", **look)
            without = True
    grid.logarithmic(ax.xaxis, form=_amount)
    return without


def _amount(value: float, _position: int | None = None) -> str:
    """``2000``, and ``2·10¹³`` from a hundred thousand on."""
    if value < 1e5:
        return f"{value:g}"
    power = int(np.floor(np.log10(value) + 1e-9))
    return f"{value / 10**power:.0f}·10{str(power).translate(_RAISED)}"
