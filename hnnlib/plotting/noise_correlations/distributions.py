"""How the entries of average correlation matrices are distributed."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.plotting import cells, marks, style
from hnnlib.plotting.noise_correlations.words import CONDITIONS, VARIANTS, networks

__all__ = ["distributions"]


def distributions(store: xr.Dataset, protocol: str = "corrected") -> Figure:
    """Share of entries by correlation: a row a network, a column a variant, a line a condition.

    Lines are means over seeds, bands reach from the lowest to the highest.
    """
    with style.context():
        found = list(networks(store))
        fig = Figure(figsize=(style.WIDTH, 0.6 + 2.0 * len(found)))
        axes = fig.subplots(len(found), len(VARIANTS), squeeze=False, sharex=True, sharey="row")
        for line, (title, part) in zip(axes, found, strict=True):
            for ax, variant in zip(line, VARIANTS, strict=True):
                cell = cells.one(part, arm="noise", protocol=protocol, variant=variant)
                name = VARIANTS[variant]["label"]
                ax.set_title(f"{title}:\n{name}" if ax is line[0] else f"\n{name}")
                _panel(ax, cell)
            line[0].set_ylabel("share of entries")
        for ax in axes[-1]:
            ax.set_xlabel("average correlation")
        handles = [
            marks.handle(look["label"], color=look["color"], linestyle="-")
            for look in CONDITIONS.values()
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


def _panel(ax: Axes, cell: xr.Dataset | None) -> None:
    ax.set_yscale("log")
    if cell is None:
        ax.text(0.5, 0.5, "not run", transform=ax.transAxes, ha="center", color=style.MUTED)
        return
    for condition, look in CONDITIONS.items():
        entries = cell["entries"].sel(condition=condition).dropna("seed", how="all")
        if not entries.sizes["seed"]:
            continue
        mean, low, high = (entries.reduce(f, "seed") for f in (np.mean, np.min, np.max))
        # an empty bin has no place on a logarithmic axis
        shown = {"color": look["color"], "drawstyle": "steps-mid", "linewidth": 1.1}
        ax.plot(entries["bin"], mean.where(mean > 0), **shown)
        ax.fill_between(
            entries["bin"],
            low.where(low > 0),
            high.where(low > 0),
            step="mid",
            alpha=0.2,
            color=look["color"],
            linewidth=0,
        )
