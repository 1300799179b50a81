"""The neuron as a block diagram, and what an impulse leaves in it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from hnnlib.plotting import grid, style
from hnnlib.plotting.delays.panels import look

__all__ = ["neuron", "response", "starts"]


def starts(order: int) -> dict[str, np.ndarray]:
    """Where taps start, by name of the start: random ones as their mean."""
    lag = np.arange(order)
    return {
        "U(0, 1), its mean": np.full(order, 0.5),
        "all 1": np.ones(order),
        "exp(−i/2)": np.exp(-lag / 2),
        "(n − i)/n": (order - lag) / order,
    }


def response(taps: np.ndarray, alpha: float, steps: int) -> np.ndarray:
    """Potential after an impulse z[0] = 1 without spikes: the leaky sum of (1 - alpha) z and m."""
    drive = np.zeros(steps)
    drive[: len(taps)] = taps[:steps]
    drive[0] += 1 - alpha
    u = np.zeros(steps)
    for t in range(steps):
        u[t] = alpha * (u[t - 1] if t else 0.0) + drive[t]
    return u


@style.context()
def neuron(order: int = 15, alpha: float = 0.66, steps: int = 40) -> Figure:
    """Above the neuron with its line of delays, below its potential after one impulse: without a
    line, and with each start of the taps, as published (left) and normalised (right).
    """
    fig, axes = grid.panels(2, 2, [2.0, 2.2], room=0.6, sharey="row")
    for ax in axes[0]:
        ax.remove()
    _blocks(fig.add_subplot(axes[0, 0].get_gridspec()[0, :]))
    colours = ("#882255", "#CC6677", "#DDAA33", "#117733")
    for ax, normalised in zip(axes[1], (False, True), strict=True):
        for colour, (name, taps) in zip(colours, starts(order).items(), strict=True):
            taps = taps / np.abs(taps).sum() if normalised else taps
            ax.plot(response(taps, alpha, steps), color=colour, label=name)
        ax.plot(response(np.zeros(1), alpha, steps), color=look("none")["color"], label="no line")
        ax.axhline(1, color=style.MUTED, linestyle=":", linewidth=1)
        ax.set_title("taps normalised" if normalised else "taps as published")
        ax.set_xlabel("steps after the impulse")
    axes[1, 0].set_ylabel("potential u")
    grid.legend(fig, grid.labels(axes[1, :1]), 3)
    return fig


def _blocks(ax: Axes) -> None:
    ax.set_axis_off()
    ax.set_xlim(0, 14.6)
    ax.set_ylim(-0.3, 4)

    def box(x: float, y: float, text: str, width: float = 1.1) -> None:
        shape = {"boxstyle": "round,pad=0.05", "facecolor": "#e4ecf2", "edgecolor": style.MUTED}
        ax.add_patch(FancyBboxPatch((x, y), width, 0.7, **shape))
        ax.text(x + width / 2, y + 0.35, text, ha="center", va="center", fontsize=style.SMALL)

    def arrow(start: tuple[float, float], end: tuple[float, float]) -> None:
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": style.INK})

    ax.text(-0.3, 3.25, "spikes x", va="center")
    arrow((1.25, 3.25), (1.65, 3.25))
    box(1.75, 2.9, "BN(W x)", 1.6)
    arrow((3.45, 3.25), (9.0, 3.25))
    ax.text(3.6, 3.5, "z", style="italic")
    ax.text(6.9, 3.5, "(1 − α) z", style="italic")
    for k, (name, tap) in enumerate(
        [("z[t]", "0"), ("z[t−1]", "1"), ("…", ""), ("z[t−n+1]", "n-1")]
    ):
        x, width = 3.5 + 1.6 * k, 1.7 if k == 3 else 1.2
        box(x, 1.5, name, width)
        if tap:
            arrow((x + 0.6, 1.45), (x + 0.6, 0.72))
            ax.text(x + 0.7, 1.05, f"M$_{{{tap}}}$", fontsize=style.SMALL)
        if k:
            arrow((x - 0.38, 1.85), (x - 0.04, 1.85))
    arrow((4.1, 3.25), (4.1, 2.28))
    ax.plot([4.1, 10.8], [0.7, 0.7], color=style.INK, linewidth=1)
    ax.text(5.9, 0.15, "m[t] = Σ M$_i$ z[t−i]", style="italic")
    arrow((10.8, 0.68), (10.8, 2.85))
    box(9.1, 2.9, "u = α(u − s) + …", 3.1)
    arrow((12.3, 3.25), (12.65, 3.25))
    ax.text(12.75, 3.25, "s = [u > 1]", va="center", fontsize=style.SMALL)
