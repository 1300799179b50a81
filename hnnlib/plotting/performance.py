"""Figures of the benchmark: ratio to the fastest peer by density and size, time of a population.

They take the summaries that ``python -m benchmarks`` writes into its results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from hnnlib.plotting import grid, style
from hnnlib.plotting.words import signed

__all__ = ["LABELS", "density", "population", "sizes"]

LABELS = {
    "steps": "time steps T",
    "hidden": "hidden units N",
    "batch": "examples in a batch",
    "density": "input elements that are spikes (%)",
}
_PERCENT = (0.5, 1, 2, 5, 10, 20, 50, 100)
_PEERS = {"color": style.MUTED, "marker": "s", "linestyle": "none", "markerfacecolor": "none"}


@style.context()
def density(curves: Sequence[Mapping]) -> Figure:
    """Ratio to a peer's time against the density of the input, and where it crosses 1.

    Args:
        curves: of the axis ``density``, one a task.
    """
    fig, ((ax,),) = grid.panels(1, 1, 3.0)
    for curve in curves:
        _line(ax, curve, scale=100)
    # the higher crossing is written above the line, the lower one below it
    known = (curve for curve in curves if curve["break_even"] is not None)
    for place, curve in enumerate(sorted(known, key=lambda curve: -curve["break_even"])):
        _crossing(ax, curve, above=place == 0)
    _ratio_axis([ax])
    ax.set_xlabel(LABELS["density"])
    ax.xaxis.set_major_locator(FixedLocator(_PERCENT))
    grid.legend(fig, grid.labels([ax]))
    return fig


@style.context()
def sizes(curves: Sequence[Mapping]) -> Figure:
    """Ratio to a peer's time against each size of the network and its data: a panel an axis.

    Args:
        curves: of axes other than ``density``.
    """
    names = list(dict.fromkeys(curve["axis"] for curve in curves))
    fig, (axes,) = grid.panels(1, len(names), 2.4, sharey=True)
    for ax, name in zip(axes, names, strict=True):
        for curve in curves:
            if curve["axis"] == name:
                _line(ax, curve)
        ax.set_xlabel(LABELS[name])
    _ratio_axis(axes)
    for ax in axes:
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=8))
    grid.legend(fig, grid.labels(axes))
    return fig


@style.context()
def population(rows: Sequence[Mapping]) -> Figure:
    """Time of a training step and network against the size of the population.

    Args:
        rows: of the benchmark's table: populations of hnnlib, and peers, which train one network.
    """
    ours = sorted(
        (row for row in rows if row["library"] == "hnnlib" and row["each"]),
        key=lambda row: row["members"],
    )
    peers = [row for row in rows if row["library"] != "hnnlib" and row["each"]]
    members = [row["members"] for row in ours]
    fig, ((ax,),) = grid.panels(1, 1, 2.6)
    ax.set_xscale("log", base=2)
    ax.plot(members, [1000 * row["each"] for row in ours], label="hnnlib", **style.TASKS["mlp"])
    if peers:
        best = min(peers, key=lambda row: row["each"])
        ax.axhline(1000 * best["each"], color=style.MUTED, linestyle="--", linewidth=1)
        label = "one network in another library; dashed: the fastest"
        ax.plot([1] * len(peers), [1000 * row["each"] for row in peers], label=label, **_PEERS)
    ax.set_ylim(0, 1.1 * max((1000 * row["each"] for row in [*ours, *peers]), default=1))
    ax.xaxis.set_major_locator(FixedLocator(members))
    ax.xaxis.set_major_formatter(FuncFormatter(signed))
    ax.set_xlabel("networks trained together")
    ax.set_ylabel("ms a step and network")
    grid.legend(fig, grid.labels([ax]))
    return fig


def _line(ax: Axes, curve: Mapping, scale: float = 1) -> None:
    """One curve: medians, and bars for the quartiles over rounds."""
    points = [at for at in curve["points"] if at["ratio"]]
    middle = [at["ratio"]["median"] for at in points]
    bars = [
        [at["ratio"]["median"] - at["ratio"]["low"] for at in points],
        [at["ratio"]["high"] - at["ratio"]["median"] for at in points],
    ]
    x = [scale * at["value"] for at in points]
    label = f"{curve['task']}, beside {curve['peer']}"
    ax.errorbar(x, middle, bars, label=label, zorder=3, **style.TASKS[curve["task"]])


def _crossing(ax: Axes, curve: Mapping, above: bool) -> None:
    """Mark a break-even and write its density."""
    place, colour = 100 * curve["break_even"], style.TASKS[curve["task"]]["color"]
    ax.plot([place], [1], "x", color=colour, markersize=8, zorder=4)
    offset, side = ((4, 5), "left") if above else ((-4, -12), "right")
    ax.annotate(
        f"{place:.0f} %", (place, 1), offset, textcoords="offset points", ha=side, color=colour
    )


def _ratio_axis(panels: Sequence[Axes]) -> None:
    """Logarithmic axes with plain numbers and a line at 1; panels share their ratios."""
    for ax in panels:
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.axhline(1, color=style.INK, linewidth=1, zorder=2)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_locator(NullLocator())
            axis.set_minor_formatter(NullFormatter())
            axis.set_major_formatter(FuncFormatter(signed))
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7), numticks=12))
    low, high = panels[0].get_ylim()
    panels[0].set_ylim(min(low, 0.7), max(high, 1.5))
    panels[0].set_ylabel("time of the peer / time of hnnlib\n(above 1: hnnlib is faster)")
