"""Two surrogate derivatives: where the tails of one still wake a network and those of the other
don't.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.summaries import spread
from hnnlib.plotting import grid, style, words
from hnnlib.plotting.operational_manifold.surfaces import Surface, surfaces

__all__ = ["surrogates"]

_LOOKS = {
    "main": {"label": "arctangent", "color": "#0072B2", "marker": "o", "linestyle": "-"},
    "sigmoid": {"label": "sigmoid", "color": "#D55E00", "marker": "D", "linestyle": "--"},
}


@style.context()
def surrogates(store: xr.Dataset) -> Figure:
    """Accuracy along the threshold, a block for each pair of surfaces, a panel for the smallest and
    the largest tau that both have; bars from the lowest to the highest seed.
    """
    main = {(s.network, s.dataset): s for s in surfaces(store, "main")}
    pairs = [(main[s.network, s.dataset], s) for s in surfaces(store, "sigmoid")]
    drawn: list[Axes] = []
    fig, blocks = grid.blocks([atan.title for atan, _ in pairs], 2, 2.1, sharey=True)
    for axes, (atan, sigmoid) in zip(blocks, pairs, strict=True):
        shared = [t for t in sigmoid.tau if np.isclose(atan.tau, t).any()]
        for ax, tau in zip(axes, (shared[0], shared[-1]) if shared else (), strict=False):
            ax.set_title(f"tau = {tau:.4g}")
            for surface in (atan, sigmoid):
                _line(ax, surface, tau)
            ax.set_xlabel(words.THRESHOLD)
            ax.set_ylim(0, 102)
        axes[0].set_ylabel(words.ACCURACY)
        drawn += axes
    grid.legend(fig, grid.labels(drawn))
    return fig


def _line(ax: Axes, surface: Surface, tau: float) -> None:
    place = int(np.flatnonzero(np.isclose(surface.tau, tau))[0])
    found = spread(100 * surface.grid("grid_accuracy")[:, place])
    known = np.isfinite(found.middle)
    look, x = _LOOKS[surface.arm], surface.threshold[known]
    ax.plot(x, found.middle[known], **look)
    ax.vlines(x, found.low[known], found.high[known], color=look["color"], linewidth=1)
