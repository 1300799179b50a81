"""Two surrogate derivatives: where the tails of one still wake a network and those of the other
don't.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import style
from hnnlib.plotting.operational_manifold.surfaces import Surface, surfaces

__all__ = ["surrogates"]

_LOOKS = {
    "main": {"label": "arctangent", "color": "#0072B2", "marker": "o", "linestyle": "-"},
    "sigmoid": {"label": "sigmoid", "color": "#D55E00", "marker": "D", "linestyle": "--"},
}


def surrogates(store: xr.Dataset) -> Figure:
    """Accuracy along the threshold, a row for each pair of surfaces, a panel for the smallest and
    the largest tau that both have; bars from the lowest to the highest seed.
    """
    main = {(s.network, s.dataset): s for s in surfaces(store, "main")}
    pairs = [(main[s.network, s.dataset], s) for s in surfaces(store, "sigmoid")]
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 0.8 + 2.2 * max(1, len(pairs))))
        axes = fig.subplots(max(1, len(pairs)), 2, squeeze=False, sharey=True)
        for row, (atan, sigmoid) in zip(axes, pairs, strict=False):
            shared = [t for t in sigmoid.tau if np.isclose(atan.tau, t).any()]
            for ax, tau in zip(row, (shared[0], shared[-1]) if shared else (), strict=False):
                ax.set_title(f"{atan.title}, tau = {tau:.4g}")
                for surface in (atan, sigmoid):
                    _line(ax, surface, tau)
                ax.set_xlabel("threshold V_th")
                ax.set_ylim(0, 102)
            row[0].set_ylabel("test accuracy (%)")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=2)
    return fig


def _line(ax, surface: Surface, tau: float) -> None:
    place = int(np.flatnonzero(np.isclose(surface.tau, tau))[0])
    values = 100 * surface.grid("grid_accuracy")[:, place]
    known = np.isfinite(values).any(0)
    middle = 100 * surface.mean("grid_accuracy")[place]
    look = _LOOKS[surface.arm]
    ax.plot(surface.threshold[known], middle[known], **look)
    low, high = np.nanmin(values[:, known], 0), np.nanmax(values[:, known], 0)
    ax.vlines(surface.threshold[known], low, high, color=look["color"], linewidth=1)
