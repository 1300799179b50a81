"""What failing changes: under every protocol, and layer by layer."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hnnlib.plotting import cells, marks, style
from hnnlib.plotting.noise_correlations.words import (
    CONDITIONS,
    PROTOCOLS,
    STATISTICS,
    VARIANTS,
    networks,
    stretch,
)

__all__ = ["changes", "layers"]

_APART = 0.24


def changes(store: xr.Dataset, statistics: tuple[str, ...] = tuple(STATISTICS)) -> Figure:
    """Failed minus clean for every protocol: a row of panels a network, a column a statistic.

    Marker and colour say the variant; bars are 95 % intervals over seeds.
    """
    with style.context():
        found = [(t, _protocols(part), part) for t, part in networks(store)]
        tallest = [0.7 + 0.36 * len(names) for _, names, _ in found]
        fig = Figure(figsize=(style.WIDTH + 1, 0.6 + sum(tallest)))
        axes = fig.subplots(
            len(found), len(statistics), squeeze=False, sharey="row", height_ratios=tallest
        )
        for line, (title, names, part) in zip(axes, found, strict=True):
            for ax, statistic in zip(line, statistics, strict=True):
                head = f"{title}\n" if ax is line[0] else "\n"
                ax.set_title(head + STATISTICS[statistic], fontsize=8.5)
                _panel(ax, part, names, f"{statistic}_change")
            line[0].set_yticks(range(len(names)), [PROTOCOLS.get(n, n) for n in names])
            line[0].set_ylim(len(names) - 0.4, -0.6)
        for ax in axes[-1]:
            ax.set_xlabel("wrong − clean")
        handles = [marks.handle(**look) for look in VARIANTS.values()]
        fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


def _protocols(part: xr.Dataset) -> list[str]:
    run = set(cells.select(part, arm="noise")["protocol"].values.astype(str))
    return [name for name in PROTOCOLS if name in run]


def _panel(ax: Axes, part: xr.Dataset, names: list[str], variable: str) -> None:
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    drawn = []
    for place, protocol in enumerate(names):
        for number, (variant, look) in enumerate(VARIANTS.items()):
            cell = cells.one(part, arm="noise", protocol=protocol, variant=variant)
            values = None if cell is None else cell[variable].values
            if values is None or np.isnan(values).all():
                continue
            drawn.append(values)
            shown = {"color": look["color"], "marker": look["marker"]}
            marks.row(ax, place + _APART * (number - 1), values, shown)
    reach = np.concatenate(drawn) if drawn else np.array([])
    stretch(ax, "x", reach)
    ax.grid(axis="y", visible=False)


def layers(
    store: xr.Dataset, protocol: str = "corrected", statistics: tuple[str, ...] = ("mean", "count")
) -> Figure:
    """Statistics of every layer of neurons, from input to output, clean and failed.

    A row of panels a network; columns are statistics, of the paper's variant and of pairs that both
    change.
    """
    shown = ("paper", "offdiag_active")
    columns = [(variant, statistic) for variant in shown for statistic in statistics]
    with style.context():
        found = list(networks(store))
        fig = Figure(figsize=(style.WIDTH + 1, 0.7 + 2.2 * len(found)))
        axes = fig.subplots(len(found), len(columns), squeeze=False)
        for line, (title, part) in zip(axes, found, strict=True):
            for ax, (variant, statistic) in zip(line, columns, strict=True):
                head = f"{title}\n" if ax is line[0] else "\n"
                words = f"{STATISTICS[statistic]}\n{VARIANTS[variant]['label']}"
                ax.set_title(head + words, fontsize=8)
                ax.xaxis.set_major_locator(MaxNLocator(integer=True))
                cell = cells.one(part, arm="noise", protocol=protocol, variant=variant)
                if cell is not None:
                    _depth(ax, cell, statistic)
        for ax in axes[-1]:
            ax.set_xlabel("layer, from the input")
        handles = [
            marks.handle(CONDITIONS[c]["label"], color=CONDITIONS[c]["color"], linestyle="-")
            for c in ("clean", "failed")
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=2)
    return fig


def _depth(ax: Axes, cell: xr.Dataset, statistic: str) -> None:
    mine = cell["layer"].values[cell["layer_units"].notnull().values]
    table = cell["layer_statistics"].sel(statistic=statistic, layer=mine)
    x = np.arange(1, len(mine) + 1)
    for condition in ("clean", "failed"):
        values = table.sel(condition=condition).transpose("seed", "layer")
        colour = CONDITIONS[condition]["color"]
        ax.plot(x, values.mean("seed"), color=colour, marker=".", linewidth=1.0)
        ax.fill_between(
            x, values.min("seed"), values.max("seed"), color=colour, alpha=0.2, linewidth=0
        )
