"""The statistics of Table IV: clean, under noise, and failed, with the paper's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.summaries import spread
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.noise_correlations.words import (
    CONDITIONS,
    MOST,
    STATISTICS,
    VARIANTS,
    networks,
    noise,
)

__all__ = ["values"]

_DODGE = 0.16
_STAR = {"marker": "*", "markersize": 11, "markerfacecolor": "white", "linestyle": "none"}
_STAR |= {"label": "the paper’s number (one run)", "color": style.MUTED}


@style.context()
def values(
    store: xr.Dataset,
    protocol: str = "corrected",
    paper: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Every statistic under every condition: a block a network, a panel a statistic.

    Large markers are means over seeds, joined by lines; small ones are seeds, with their 95 %
    intervals over samples.

    Args:
        paper: the paper's numbers by cell (of the variant ``paper``) and variable, such as
            ``kurtosis_clean``; drawn as stars.
    """
    found = list(networks(store))
    fig, blocks = grid.blocks([title for title, _ in found], 3, 2.0, len(STATISTICS), room=0.7)
    drawn: list[Axes] = []
    for axes, (_, part) in zip(blocks, found, strict=True):
        for ax, statistic in zip(axes, STATISTICS, strict=True):
            _panel(ax, part, statistic, protocol, paper or {})
            ax.set_xticks(range(len(CONDITIONS)), [c["label"] for c in CONDITIONS.values()])
            ax.tick_params(axis="x", rotation=40)
        drawn += axes
    stars = [star for star in grid.labels(drawn) if star.get_label() == _STAR["label"]]
    grid.legend(fig, [marks.handle(**look) for look in VARIANTS.values()] + stars)
    return fig


def _panel(
    ax: Axes, part: xr.Dataset, statistic: str, protocol: str, paper: Mapping[str, Mapping]
) -> None:
    """Draw one statistic of one network, and the paper's numbers for it."""
    drawn = []
    for number, (variant, look) in enumerate(VARIANTS.items()):
        cell = noise(part, protocol, variant)
        if cell is None:
            continue
        x = np.arange(len(CONDITIONS)) + _DODGE * (number - 1)
        table = np.stack([cell[f"{statistic}_{c}"].values for c in CONDITIONS])  # (condition, seed)
        _seeds(ax, x, cell, statistic, table, look["color"])
        shown = {"color": look["color"], "marker": look["marker"], "linewidth": 1.0, "zorder": 4}
        ax.plot(x, spread(table.T).middle, **shown)
        mine = paper.get(str(cell["cell"].item()), {})
        printed = np.array([mine.get(f"{statistic}_{c}", np.nan) for c in CONDITIONS])
        if np.isfinite(printed).any():
            ax.plot(x, printed, zorder=5, **_STAR | {"color": style.INK})
        drawn += [table, printed]
    ax.set_ylabel(STATISTICS[statistic])
    grid.stretch(ax, "y", drawn, MOST)
    ax.axhline(0, color=style.MUTED, linewidth=0.6, zorder=1)


def _seeds(
    ax: Axes, x: np.ndarray, cell: xr.Dataset, statistic: str, table: np.ndarray, colour: str
) -> None:
    """Every seed with its interval over samples."""
    low, high = (
        cell[f"statistic_{end}"]
        .sel(statistic=statistic, condition=list(CONDITIONS))
        .transpose("condition", "seed")
        .values
        for end in ("low", "high")
    )
    look = {"fmt": ".", "markersize": 3, "color": colour, "alpha": 0.45, "linewidth": 0.8}
    for seed in range(table.shape[1]):
        where = x + 0.03 * (seed - (table.shape[1] - 1) / 2)
        bars = np.nan_to_num([table[:, seed] - low[:, seed], high[:, seed] - table[:, seed]])
        bars = np.maximum(bars, 0)  # an interval of constant samples may miss them by a bit
        ax.errorbar(where, table[:, seed], bars, capsize=0, zorder=3, **look)
