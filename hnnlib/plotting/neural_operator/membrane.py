"""The cell that makes the data: its shape and channels, its responses, and the cells like it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.datasets.cable.cell import CELL, FAMILIES, Cable, Family
from hnnlib.plotting import grid, style
from hnnlib.plotting.words import signed

__all__ = ["channels", "curves", "responses"]

_REGIONS = {
    "soma": ("soma", style.INK),
    "initial": ("initial\nsegment", "#D55E00"),
    "axon": ("axon", "#997700"),
    "dendrite": ("dendrite", "#0072B2"),
}
_GATES = {
    "m": ("m: sodium opens", "#D55E00", "-"),
    "h": ("h: sodium closes", "#D55E00", "--"),
    "n": ("n: potassium", "#0072B2", "-"),
    "a": ("a: slow potassium opens", "#56B4E9", "-"),
    "b": ("b: slow potassium closes", "#56B4E9", "--"),
    "q": ("q: I_h", "#009E73", "-"),
}
_AXON, _FAN, _FORK = -90.0, (165.0, 15.0), 22.0  # degrees: down, dendrites' range, between branches
_PARTS = {0: ("trained on", style.INK, "o"), 1: ("held out", "#D55E00", "D")}


@style.context()
def channels(family: str = "golomb") -> Figure:
    """The cell, to scale but for its diameters, and its gates over the potential: where they settle
    and how fast.
    """
    fig, axes = grid.panels(2, 2, 1.55, room=0.9, sharex="col", width_ratios=(0.8, 1))
    whole = fig.add_subplot(axes[0, 0].get_gridspec()[:, 0])
    for ax in axes[:, 0]:
        ax.remove()
    _tree(whole, CELL.unfolded())
    _gates(axes[:, 1], FAMILIES[family])
    grid.legend(fig, grid.labels(axes[:1, 1]))
    return fig


@style.context()
def responses(store: xr.Dataset) -> Figure | None:
    """The first cell's potential at some amplitudes, at the soma and in a dendrite."""
    cell = cells.one(store, arm="membrane")
    if cell is None:
        return None
    traces = cell["membrane"].dropna("step_amplitude", how="all").dropna("sample", how="all")
    fig, (axes,) = grid.panels(1, traces.sizes["site"], 2.2, sharex=True, sharey=True)
    amplitudes = traces["step_amplitude"].values
    for ax, site in zip(axes, traces["site"].values, strict=True):
        ax.set_title(str(site))
        colors = colormaps["viridis"](np.linspace(0, 0.85, len(amplitudes)))
        for color, amplitude in zip(colors, amplitudes, strict=True):
            voltage = traces.sel(site=site, step_amplitude=amplitude)
            label = f"{signed(round(float(amplitude), 3))} nA"
            ax.plot(traces["sample"], voltage, color=color, linewidth=1, label=label)
        ax.set_xlabel("time (ms)")
    axes[0].set_ylabel("potential (mV)")
    grid.legend(fig, grid.labels(axes))
    return fig


@style.context()
def curves(store: xr.Dataset) -> Figure | None:
    """F-I curves of all cells on long pulses, and the two features that operators are told."""
    cell = cells.one(store, arm="membrane")
    if cell is None:
        return None
    held_out, rheobase = cell["is_held_out"].values, cell["rheobase"].values
    fig, ((left, right),) = grid.panels(1, 2, 2.2)
    for part, (label, color, marker) in _PARTS.items():
        mine = held_out == part  # padding of other cells of the study is neither
        amplitude = rheobase[mine, None] + cell["above"].values
        left.plot(amplitude.T, cell["rate"].values[mine].T, color=color, linewidth=0.8)
        look = {"color": color, "marker": marker, "label": label, "alpha": 0.8}
        right.plot(rheobase[mine], cell["slope"].values[mine], linestyle="none", **look)
    left.set(title="F-I curves", xlabel="amplitude (nA)", ylabel="rate (Hz)", ylim=(0, None))
    right.set(title="Features", xlabel="threshold I_thr (nA)", ylabel="slope s_thr (Hz/nA)")
    grid.legend(fig, grid.labels([right]))
    return fig


def _tree(ax: Axes, cable: Cable) -> None:
    """Every section as a line from the centre of the compartment it leaves."""
    starts, angles, dendrites = [], [], _spread(cable)
    shown: dict[str, list] = {}
    for place, part in enumerate(cable.sections):
        if part.parent is None:
            starts.append(np.zeros(2))
            angles.append(0.0)
        else:
            parent, along = part.parent
            before = cable.sections[parent]
            angle = dendrites.get(place, _AXON)
            way = 0.0 if before.parent is None else (along + 0.5) * before.length
            starts.append(starts[parent] + way * _unit(angles[parent]))
            angles.append(angle)
            end = starts[place] + part.number * part.length * _unit(angle)
            shown.setdefault(part.region, []).append((starts[place], end, part.diameter))
    soma, color = _REGIONS["soma"]
    ax.plot(0, 0, "o", color=color, markersize=9, label=soma, zorder=4)
    for region, lines in shown.items():
        label, color = _REGIONS[region]
        widths = [1.6 * diameter for _, _, diameter in lines]
        ax.add_collection(
            LineCollection([line[:2] for line in lines], linewidths=widths, color=color)
        )
        ax.plot([], [], color=color, label=label)
    ax.set_title("The cell")
    ax.set_aspect("equal", adjustable="datalim")
    ax.autoscale_view()
    ax.set_xlabel("µm")
    ax.set_ylabel("µm")
    ax.legend(loc="lower left", handlelength=1)


def _spread(cable: Cable) -> dict[int, float]:
    """Direction of every dendritic section, degrees: stems fan out, branches fork."""
    found: dict[int, float] = {}
    inside = [place for place, part in enumerate(cable.sections) if part.region == "dendrite"]
    stems = [place for place in inside if cable.sections[place].parent[0] == 0]
    found |= dict(zip(stems, np.linspace(*_FAN, len(stems)), strict=True))
    for stem in stems:
        forks = [place for place in inside if cable.sections[place].parent[0] == stem]
        for place, turn in zip(forks, np.linspace(_FORK, -_FORK, len(forks)), strict=True):
            found[place] = found[stem] + turn
    return found


def _unit(angle: float) -> np.ndarray:
    return np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])


def _gates(axes: np.ndarray, family: Family) -> None:
    v = np.linspace(-100, 40, 281)
    steady = {"m": family.activation(v)} | {k: gate.steady(v) for k, gate in family.gates.items()}
    for name, (label, color, line) in _GATES.items():
        look = {"color": color, "linestyle": line, "label": label}
        axes[0].plot(v, steady[name], **look)
        if name != "m":  # it settles at once
            axes[1].plot(v, family.gates[name].tau(v), **look)
    axes[0].set(title="Steady state", ylabel="open share")
    axes[1].set(title="Time constant", ylabel="ms", xlabel="potential (mV)", yscale="log")
    grid.logarithmic(axes[1].yaxis)
