"""Spikes whose time differs, for every construction."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.plotting import grid, style
from hnnlib.plotting.spike_equivalence.words import ARMS, EXACT

__all__ = ["mismatches"]


@style.context()
def mismatches(store: xr.Dataset) -> Figure | None:
    """Left: spikes that differ by construction, all cells together; right: share of networks with
    any, by the most spikes.
    """
    random = cells.select(store, source="random")
    there = [name for name in ARMS if (random["construction"] == name).any()]
    if not there:
        return None
    fig, ((left, right),) = grid.panels(1, 2, 3.4, 0.7, width_ratios=(1.15, 1))
    markers = dict(zip(ARMS, "o^sDvPX*<>h", strict=True))
    for row, name in enumerate(there):
        some = cells.select(random, construction=name)
        total, compared = (int(some[k].sum()) for k in ("mismatches", "spikes_compared"))
        colour = style.CODINGS["duplicate" if name in EXACT else "gaussian"]
        left.barh(row, max(total, 0.6), color=colour, height=0.6)
        left.text(max(total, 0.6) * 1.3, row, f"{total:,}", va="center", fontsize=style.SMALL)
        by = [
            (int(limit), float(part["trials_that_differ"].sum() / part["trials"].sum()))
            for (limit,), part in cells.parts(some, "spike_limit")
        ]
        x, y = zip(*sorted(by), strict=True)
        look = {"marker": markers[name], "markersize": 4, "linewidth": 0.9}
        if any(y):
            right.plot(x, 100 * np.array(y), label=ARMS[name], **look)
    grid.names(left, [ARMS[name] for name in there])
    left.set_xscale("log")
    left.set_xlim(0.5, left.get_xlim()[1] * 12)
    left.set_xlabel("spikes that differ")
    right.set_xscale("log", base=2)
    ticks = np.unique(random["spike_limit"].values.astype(int))
    right.set_xticks(ticks, [str(k) for k in ticks])
    right.set_xlabel("most spikes, N_s")
    right.set_ylabel("networks that differ (%)")
    grid.legend(fig, grid.labels([right]))
    return fig
