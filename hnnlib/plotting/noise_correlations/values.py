"""The statistics of Table IV: clean, under noise, and failed, with the paper's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.plotting import cells, marks, style
from hnnlib.plotting.noise_correlations.words import (
    CONDITIONS,
    STATISTICS,
    VARIANTS,
    networks,
    spread,
    stretch,
)

__all__ = ["values"]

_DODGE = 0.16
_HOLLOW = {"marker": "*", "markersize": 11, "markerfacecolor": "white", "linestyle": "none"}


def values(
    store: xr.Dataset,
    protocol: str = "corrected",
    paper: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Every statistic under every condition: a row a network, a column a statistic.

    Large markers are means over seeds, joined by lines; small ones are seeds, with their 95 %
    intervals over samples.

    Args:
        paper: the paper's numbers by cell (of the variant ``paper``) and variable, such as
            ``kurtosis_clean``; drawn as stars.
    """
    with style.context():
        found = list(networks(store))
        fig = Figure(figsize=(style.WIDTH + 1, 0.8 + 2.1 * len(found)))
        axes = fig.subplots(len(found), len(STATISTICS), squeeze=False, sharex=True)
        starred = False
        for line, (title, part) in zip(axes, found, strict=True):
            for ax, statistic in zip(line, STATISTICS, strict=True):
                head = f"{title}\n" if ax is line[0] else "\n"
                ax.set_title(head + STATISTICS[statistic], fontsize=8.5)
                starred |= _panel(ax, part, statistic, protocol, paper or {})
        for ax in axes[-1]:
            ax.set_xticks(range(len(CONDITIONS)), [c["label"] for c in CONDITIONS.values()])
            ax.tick_params(axis="x", rotation=40)
        handles = [marks.handle(**look) for look in VARIANTS.values()]
        if starred:
            handles.append(marks.handle("the paper’s number (one run)", **_HOLLOW))
        fig.legend(handles=handles, loc="outside lower center", ncols=4)
    return fig


def _panel(
    ax: Axes, part: xr.Dataset, statistic: str, protocol: str, paper: Mapping[str, Mapping]
) -> bool:
    """Draw one statistic of one network; whether a number of the paper is in it."""
    drawn, starred = [], False
    for number, (variant, look) in enumerate(VARIANTS.items()):
        cell = cells.one(part, arm="noise", protocol=protocol, variant=variant)
        if cell is None:
            continue
        x = np.arange(len(CONDITIONS)) + _DODGE * (number - 1)
        table = np.stack([cell[f"{statistic}_{c}"].values for c in CONDITIONS])  # (condition, seed)
        drawn.append(table)
        _seeds(ax, x, cell, statistic, table, look["color"])
        means = [spread(row)[0] for row in table]
        ax.plot(x, means, color=look["color"], marker=look["marker"], linewidth=1.0, zorder=4)
        for place, condition in enumerate(CONDITIONS):
            printed = paper.get(str(cell["cell"].item()), {}).get(f"{statistic}_{condition}")
            if printed is not None:
                ax.plot(x[place], printed, color=style.INK, zorder=5, **_HOLLOW)
                drawn.append(np.array([printed]))
                starred = True
    reach = np.concatenate([np.ravel(table) for table in drawn]) if drawn else np.array([])
    stretch(ax, "y", reach)
    ax.axhline(0, color=style.MUTED, linewidth=0.6, zorder=1)
    return starred


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
    for seed in range(table.shape[1]):
        where = x + 0.03 * (seed - (table.shape[1] - 1) / 2)
        bars = np.nan_to_num([table[:, seed] - low[:, seed], high[:, seed] - table[:, seed]])
        ax.errorbar(
            where,
            table[:, seed],
            bars,
            fmt=".",
            markersize=3,
            color=colour,
            alpha=0.45,
            linewidth=0.8,
            capsize=0,
            zorder=3,
        )
