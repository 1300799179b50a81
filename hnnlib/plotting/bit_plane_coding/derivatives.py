"""The code and the derivatives that stand for that of its encoder."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.plotting import grid, style
from hnnlib.plotting.bit_plane_coding.words import DERIVATIVES

__all__ = ["planes", "together"]

_SHOWN = (3, 7)
"""Planes whose derivatives are drawn: a low bit and the highest."""


def _slopes(store: xr.Dataset) -> dict[str, np.ndarray]:
    """dB_k/dX of each derivative, (plane, x), not rescaled."""
    found = {d: cells.one(store, arm="encoder", derivative=d, rescale="off") for d in DERIVATIVES}
    return {d: one["slope"].values for d, one in found.items() if one is not None}


@style.context()
def planes(store: xr.Dataset) -> Figure:
    """All eight planes over X, and below them every derivative of a low and of the highest bit."""
    x, wave = store["x"].values, _slopes(store)
    shown = [name for name in wave if name != "blocked"]
    fig, axes = grid.panels(1 + len(shown), 2, (1.6, *[0.85] * len(shown)), 0.5, sharex="col")
    integers = np.arange(256)
    for column, plane in enumerate(_SHOWN):
        period = 2.0 ** (plane + 2) if plane < 7 else 255.0
        top = axes[0, column]
        for k in range(8):
            bit = (integers >> k) & 1
            high = {"color": "#D55E00" if k == plane else style.MUTED, "linewidth": 1.0}
            top.step(integers, k + 0.75 * bit, where="mid", **high)
        top.set_yticks(range(8), [str(k) for k in range(8)] if column == 0 else [""] * 8)
        top.set_title(f"X up to {period:g}: plane {plane}")
        top.set_xlim(0, period)
        for row, name in enumerate(shown, start=1):
            ax, (words, look) = axes[row, column], DERIVATIVES[name]
            ax.plot(x, wave[name][plane], color=look["color"], linewidth=1.1)
            ax.axhline(0, color=style.INK, linewidth=0.6)
            if column == 0:
                ax.text(0.0, 1.0, words, transform=ax.transAxes, va="bottom", fontsize=style.SMALL)
    fig.supylabel("derivatives dB_k / dX, and planes k above them", fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel("X = 255 x")
    return fig


@style.context()
def together(store: xr.Dataset) -> Figure:
    """Derivative of encoder and decoder together over X, and what hidden blocks read."""
    x, wave = store["x"].values, _slopes(store)
    shown = [name for name in wave if name not in ("blocked", "sigsine", "tanhsine")]
    fig, axes = grid.panels(2, 1, (2.4, 1.5), 0.9, sharex=True)
    above, below = axes[:, 0]
    for name in shown:
        words, look = DERIVATIVES[name]
        total = (2.0 ** np.arange(8)) @ wave[name]
        style_of = {"color": look["color"], "linewidth": 1.0, "label": words}
        above.plot(x, total, **style_of | ({"linestyle": "--"} if name == "neighbour" else {}))
    above.set_yscale("symlog", linthresh=2)
    above.set_yticks([-100, -10, 0, 1, 10, 100], ["−100", "−10", "0", "1", "10", "100"])
    above.set_ylabel("d decoded / dx")
    read = {"spiking": "serial", "fusion": "fusion"}
    for (branches, words), dashes in zip(read.items(), ("-", "--"), strict=True):
        some = cells.select(store, branches=branches, derivative="fourier_half", rescale="on")
        some = cells.select(some, arm="main").isel(block=slice(1, None))
        if some.sizes["cell"] and some.sizes["block"]:
            share = 100 * some["encoder_values"].mean(("cell", "block")).values
            look = {"color": style.KINDS["spiking" if branches == "spiking" else "hybrid"]}
            label = f"values that hidden blocks read, {words}"
            below.step(
                255 * store["value"], share, where="mid", linestyle=dashes, label=label, **look
            )
    below.set_yscale("log")
    below.set_ylabel("share of values (%)")
    below.set_xlabel("X = 255 x")
    grid.legend(fig, grid.labels([above, below]), columns=2)
    return fig
