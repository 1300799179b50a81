"""One neuron, its thresholds, and the neurons that stand for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.equivalence import (
    Layer,
    Rules,
    fire,
    floor_potential,
    multi_from_single,
    single_from_multi,
    summed,
)
from hnnlib.plotting import grid, style

__all__ = ["backward", "forward"]

SPIKE, TAKEN = style.CODINGS["duplicate"], style.CODINGS["gaussian"]


@style.context()
def forward(drive: Sequence[int], threshold: int) -> Figure:
    """A neuron that spikes many times, and as many that spike once."""
    layer, events, spikes = _neuron(drive, threshold)
    most = int(spikes.sum())
    (group,) = single_from_multi([layer], most)
    members = fire(group, events, Rules(once=True))
    fig, (above, below) = _panels(len(group.times))
    _potential(above, drive, threshold, group.times)
    words = [f"threshold {k} θ" for k in group.times]
    _trains(below, [spikes, *members.T], ["many spikes", *words], [SPIKE] * (most + 1))
    return fig


@style.context()
def backward(drive: Sequence[int], threshold: int) -> Figure:
    """A neuron that spikes once, and those that spike many times whose sum it is."""
    layer, events, spikes = _neuron(drive, threshold)
    (group,) = multi_from_single([layer], int(spikes.sum()))
    members = fire(group, events)
    once = fire(layer, events, Rules(once=True))[:, 0]
    assert (summed(members, group)[:, 0] == once).all()
    fig, (above, below) = _panels(len(group.times) + 1)
    _potential(above, drive, threshold, group.times)
    signs = zip(group.times, group.readout, strict=True)
    words = [f"threshold {m} θ, μ = {mu:+d}" for m, mu in signs]
    colours = [SPIKE, *(SPIKE if mu > 0 else TAKEN for mu in group.readout), SPIKE]
    rows = [once, *members.T, summed(members, group)[:, 0]]
    _trains(below, rows, ["one spike", *words, "weighted sum"], colours)
    return fig


def _neuron(drive: Sequence[int], threshold: int) -> tuple[Layer, np.ndarray, np.ndarray]:
    """A neuron with a weight of 1, its input (step, 1), and its spikes (step,)."""
    layer = Layer.of(np.array([[1]]), np.array([threshold]))
    events = np.array(drive, np.int64)[:, None]
    return layer, events, fire(layer, events)[:, 0]


def _panels(trains: int) -> tuple[Figure, list[Axes]]:
    heights = (1.9, 0.22 * (trains + 1) + 0.5)
    fig, axes = grid.panels(2, 1, heights, 0.2, sharex=True)
    return fig, list(axes[:, 0])


def _potential(ax: Axes, drive: Sequence[int], threshold: int, times: np.ndarray) -> None:
    """P, the highest it has been, and the thresholds."""
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    look = {"va": "center", "fontsize": style.SMALL, "bbox": paper}
    for k in times:
        ax.axhline(k * threshold, color=style.MUTED, linewidth=0.8, linestyle="--")
        ax.text(len(drive) + 1.1, k * threshold, f"{k} θ", **look)
    potential = floor_potential(np.array(drive, np.int64)[:, None], "step")[:, 0]
    potential = np.append(potential, potential[-1])
    x = np.arange(1, len(drive) + 2)
    top = np.maximum(0, np.maximum.accumulate(potential))
    ax.step(x, potential, where="post", color=style.INK, label="P")
    ax.step(x, top, where="post", color=style.KINDS["artificial"], linewidth=1, label="highest P")
    ax.set_ylabel("free potential P")
    ax.set_xlim(0.5, len(drive) + 1.6)
    ax.grid(visible=False)
    ax.legend(loc="upper left", frameon=True, facecolor="white", edgecolor="none", framealpha=1)


def _trains(
    ax: Axes, trains: Sequence[np.ndarray], words: Sequence[str], colours: Sequence[str]
) -> None:
    """Spike trains below each other; several spikes at once stand beside each other."""
    for row, (train, colour) in enumerate(zip(trains, colours, strict=True)):
        for step, many in enumerate(train, start=1):
            at = step + 0.16 * (np.arange(many) - (many - 1) / 2)
            ax.vlines(at, row - 0.36, row + 0.36, color=colour, linewidth=1.8)
    grid.names(ax, words)
    ax.set_xlabel("time step")
