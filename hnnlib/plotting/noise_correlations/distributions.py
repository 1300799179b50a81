"""How the entries of average correlation matrices are distributed."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.summaries import Spread, positive, spread
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.noise_correlations.words import (
    CONDITIONS,
    VARIANTS,
    conditions,
    networks,
    noise,
)

__all__ = ["distributions"]


@style.context()
def distributions(store: xr.Dataset, protocol: str = "corrected") -> Figure:
    """Share of entries by correlation: a block a network, a panel a variant, a line a condition.

    Lines are means over seeds, bands reach from the lowest to the highest.
    """
    found = list(networks(store))
    titles = [title for title, _ in found]
    fig, blocks = grid.blocks(titles, len(VARIANTS), 2.0, sharex=True, sharey=True)
    for axes, (_, part) in zip(blocks, found, strict=True):
        for ax, (variant, look) in zip(axes, VARIANTS.items(), strict=True):
            before, _, after = look["label"].rpartition(" ")
            ax.set_title(f"{before}\n{after}")
            ax.set_xlabel("average correlation")
            _panel(ax, noise(part, protocol, variant))
        axes[0].set_ylabel("share of entries\n(logarithmic)")
    grid.legend(fig, conditions(list(CONDITIONS)))
    return fig


def _panel(ax: Axes, cell: xr.Dataset | None) -> None:
    ax.set_yscale("log")
    if cell is None:
        grid.remark(ax, "not run")
        return
    for condition, look in CONDITIONS.items():
        entries = cell["entries"].sel(condition=condition).transpose("seed", "bin")
        found = spread(entries.values)
        # an empty bin has no place on a logarithmic axis
        shown = Spread(*(positive(part) for part in (found.middle, found.low, found.high)))
        marks.band(ax, entries["bin"].values, shown, look | {"linewidth": 1.1}, "mid", 0.2)
