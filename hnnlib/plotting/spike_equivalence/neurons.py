"""Neurons that are needed, and the paper's bounds on them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.equivalence import bounds, squarefree
from hnnlib.plotting import grid, style

__all__ = ["neurons"]

_SHOWN = 64


@style.context()
def neurons(store: xr.Dataset) -> Figure:
    """Neurons needed for each one against the most spikes: left all, right over N_s.

    Lines are the formulas, markers the networks that were built.
    """
    n = np.arange(1, _SHOWN + 1)
    q = np.array([squarefree(k) for k in n])
    first, second = np.array([bounds(k) for k in n]).T
    fig, ((left, right),) = grid.panels(1, 2, 2.6, 0.6)
    looks = {
        "first bound": (first, {"color": style.MUTED, "linestyle": "--"}),
        "second bound, from N_s = 8": (second, {"color": style.INK, "linestyle": ":"}),
    }
    for ax, scale in ((left, n), (right, 1)):
        for label, (bound, look) in looks.items():
            ax.plot(n, bound * scale, label=label, linewidth=1.2, **look)
        ax.plot(n, q / n * scale, color=style.CODINGS["gaussian"], linewidth=0.8, alpha=0.6)
        bad = q >= second * n
        wrong = {"color": style.CODINGS["gaussian"], "markersize": 9, "markerfacecolor": "none"}
        ax.plot(n[bad], (q / n * scale)[bad], "o", label="second bound violated", **wrong)
        for name, label, colour in (
            ("forward", "multi to single, built", style.CODINGS["duplicate"]),
            ("backward", "single to multi, built", style.CODINGS["gaussian"]),
        ):
            some = cells.select(store, construction=name, source="random", kernel="step", depth="1")
            x = some["spike_limit"].values.astype(int)
            y = some["alpha"].values * (x if scale is n else 1)
            ax.plot(x, y, "D" if name == "backward" else "s", color=colour, label=label)
        ax.set_xlabel("most spikes of a neuron, N_s")
        ax.set_xscale("log", base=2)
        ax.set_xticks(2 ** np.arange(7), [str(2**k) for k in range(7)])
    left.set_yscale("log", base=2)
    left.set_yticks(2 ** np.arange(7), [str(2**k) for k in range(7)])
    left.set_ylabel("neurons needed for each")
    right.set_ylabel("the same over N_s")
    right.axhline(6 / np.pi**2, color=style.MUTED, linewidth=0.8)
    right.text(1, 6 / np.pi**2 + 0.005, "6 / π²", va="bottom", fontsize=style.SMALL)
    grid.legend(fig, grid.labels([left]))
    return fig
