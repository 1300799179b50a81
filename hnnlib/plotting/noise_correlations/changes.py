"""What failing changes: under every protocol, and layer by layer."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hnnlib.analysis import cells
from hnnlib.analysis.summaries import spread
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.noise_correlations.words import (
    CONDITIONS,
    MOST,
    PROTOCOLS,
    STATISTICS,
    VARIANTS,
    conditions,
    networks,
    noise,
)

__all__ = ["changes", "layers"]

_APART = 0.24
_ENDS = ("clean", "failed")


@style.context()
def changes(store: xr.Dataset, statistics: tuple[str, ...] = tuple(STATISTICS)) -> Figure:
    """Failed minus clean for every protocol: a block of panels a network, a panel a statistic.

    Marker and colour say the variant; bars are 95 % intervals over seeds.
    """
    found = [(title, _protocols(part), part) for title, part in networks(store)]
    heights = [0.85 + 0.3 * len(names) for _, names, _ in found]
    titles = [title for title, *_ in found]
    fig, blocks = grid.blocks(titles, 3, heights, len(statistics), room=0.6, sharey=True)
    for axes, (_, names, part) in zip(blocks, found, strict=True):
        for ax, statistic in zip(axes, statistics, strict=True):
            ax.set_title(STATISTICS[statistic])
            _panel(ax, part, names, f"{statistic}_change")
        grid.names(axes[0], [PROTOCOLS[name] for name in names])
        for ax in axes[::3]:
            ax.set_ylabel("protocol")
    grid.legend(fig, [marks.handle(**look) for look in VARIANTS.values()])
    return fig


def _protocols(part: xr.Dataset) -> list[str]:
    run = set(cells.select(part, arm="noise")["protocol"].values.astype(str))
    return [name for name in PROTOCOLS if name in run]


def _panel(ax: Axes, part: xr.Dataset, names: list[str], variable: str) -> None:
    grid.zero(ax)
    drawn = []
    for place, protocol in enumerate(names):
        for number, (variant, look) in enumerate(VARIANTS.items()):
            cell = noise(part, protocol, variant)
            if cell is not None and cell[variable].notnull().any():
                drawn.append(cell[variable].values)
                shown = {"color": look["color"], "marker": look["marker"]}
                marks.row(ax, place + _APART * (number - 1), drawn[-1], shown)
    ax.set_xlabel("wrong − clean")
    grid.stretch(ax, "x", drawn, MOST)
    ax.grid(axis="y", visible=False)


@style.context()
def layers(
    store: xr.Dataset, protocol: str = "corrected", statistics: tuple[str, ...] = ("mean", "count")
) -> Figure:
    """Statistics of every layer of neurons, from input to output, clean and failed.

    A block of panels a network; rows are statistics, columns the paper's variant and pairs that
    both change.
    """
    shown = ("paper", "offdiag_active")
    panels = [(statistic, variant) for statistic in statistics for variant in shown]
    found = list(networks(store))
    fig, blocks = grid.blocks([title for title, _ in found], len(shown), 1.8, len(panels))
    for axes, (_, part) in zip(blocks, found, strict=True):
        for ax, (statistic, variant) in zip(axes, panels, strict=True):
            ax.set_title(VARIANTS[variant]["label"])
            ax.set_ylabel(STATISTICS[statistic])
            ax.set_xlabel("layer, from the input")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            cell = noise(part, protocol, variant)
            if cell is not None:
                _depth(ax, cell, statistic)
    grid.legend(fig, conditions(_ENDS))
    return fig


def _depth(ax: Axes, cell: xr.Dataset, statistic: str) -> None:
    mine = cell["layer"].values[cell["layer_units"].notnull().values]
    table = cell["layer_statistics"].sel(statistic=statistic, layer=mine)
    for condition in _ENDS:
        values = table.sel(condition=condition).transpose("seed", "layer").values
        look = CONDITIONS[condition] | {"marker": ".", "linewidth": 1.0}
        marks.band(ax, np.arange(1, len(mine) + 1), spread(values), look, shade=0.2)
