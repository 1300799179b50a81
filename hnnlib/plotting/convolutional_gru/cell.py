"""The cell as a diagram, and what one unit does while it hears one word."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.plotting import grid, style
from hnnlib.plotting.convolutional_gru.panels import label, look, panels

__all__ = ["diagram", "traces"]

_PLACES = {
    "input x[t]": (0.09, 0.78),
    "spikes s[t−1]": (0.09, 0.22),
    "gate r": (0.3, 0.78),
    "current i": (0.45, 0.4),
    "gate z": (0.66, 0.78),
    "potential v": (0.73, 0.22),
    "spikes s[t]": (0.91, 0.22),
    "readout y": (0.91, 0.78),
}
_NEW = {
    "convolution": "#D55E00",
    "gate r for a constant": "#0072B2",
    "z reads the current": "#009E73",
    "leaky readout": "#CC79A7",
}
"""The four changes against SpikGRU and their colours."""
_ARROWS = (
    ("input x[t]", "gate r", "convolution"),
    ("input x[t]", "current i", "convolution"),
    ("spikes s[t−1]", "gate r", "convolution"),
    ("spikes s[t−1]", "current i", "convolution"),
    ("spikes s[t−1]", "gate z", "convolution"),
    ("gate r", "current i", "gate r for a constant"),
    ("current i", "gate z", "z reads the current"),
    ("current i", "potential v", ""),
    ("gate z", "potential v", ""),
    ("spikes s[t−1]", "potential v", ""),
    ("potential v", "spikes s[t]", ""),
    ("spikes s[t]", "readout y", "leaky readout"),
)
_STATES = {
    "r": "gate r",
    "z": "gate z",
    "i": "current i",
    "v": "potential v",
    "s": "output s",
}


@style.context()
def diagram() -> Figure:
    """What reads what within a step; the four changes against SpikGRU in colour."""
    fig, ((ax,),) = grid.panels(1, 1, 2.1, room=0.5)
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(0.05, 0.95))
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": style.INK}
    centred = {"ha": "center", "va": "center", "fontsize": style.SMALL, "bbox": box}
    boxes = {
        name: ax.text(*place, name, **centred).get_bbox_patch() for name, place in _PLACES.items()
    }
    for start, end, change in _ARROWS:
        arrow = {"arrowstyle": "-|>", "color": _NEW.get(change, style.MUTED), "linewidth": 1.3}
        ends = {"patchA": boxes[start], "patchB": boxes[end], "shrinkA": 0, "shrinkB": 1}
        ax.annotate("", _PLACES[end], _PLACES[start], arrowprops=arrow | ends)
    for name, colour in _NEW.items():
        ax.plot([], [], color=colour, label=name)
    grid.legend(fig, grid.labels([ax]), columns=2)
    return fig


@style.context()
def traces(
    store: xr.Dataset, models: tuple[str, ...] = ("cs_gru", "conv_gru", "spik_gru")
) -> Figure:
    """States over time of one unit in one test example, a column a model, for the first data set;
    SpikGRU's r is its constant alpha.
    """
    panel = next(panels(store))
    there = [model for model in models if model in panel.models]
    fig, axes = grid.panels(len(_STATES), len(there), 0.75, sharex=True)
    for column, model in zip(axes.T, there, strict=True):
        column[0].set_title(label(model))
        for ax, state in zip(column, _STATES, strict=True):
            _trace(ax, panel.find(model)["trace"].sel(state=state), look(model)["color"])
        column[-1].set_xlabel("step")
    for ax, name in zip(axes[:, 0], _STATES.values(), strict=True):
        ax.set_ylabel(name)
    return fig


def _trace(ax: Axes, trace: xr.DataArray, colour: object) -> None:
    ax.step(trace["step"], trace, where="mid", color=colour)
    state = trace["state"].item()
    if state in "rzs":
        ax.set_ylim(min(-0.05, 1.1 * float(trace.min())), 1.05)
    if state == "v":
        ax.axhline(1, color=style.MUTED, linewidth=0.8, linestyle=":")
