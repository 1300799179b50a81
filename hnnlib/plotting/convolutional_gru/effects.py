"""Paired differences: the four changes taken back, layouts, and what each choice was worth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import forest, grid, style
from hnnlib.plotting.convolutional_gru.panels import Panel, label, look, panels
from hnnlib.plotting.forest import Group, Line

__all__ = ["READ", "SWITCHES", "changes", "layouts", "switches"]

_CHANGES = {
    "convolution": "dense, of equal parameters",
    "gate": "a constant for the gate r",
    "current": "gate z reads the input",
    "leak": "mean over time, no leak",
}
_LAYOUTS = {"line": "line", "shuffled": "raster, shuffled", "line_shuffled": "line, shuffled"}
SWITCHES: dict[tuple[str, str], str] = {
    ("init", "fan_in"): "PyTorch’s initial weights (not without taps)",
    ("readout", "mean"): "mean of each channel read (not every unit)",
    ("readout", "flat"): "every unit read (not the mean of each channel)",
    ("validation", "random"): "random validation (not speakers)",
    ("events", "counted"): "events of a step counted (not binary)",
    ("front", "strided"): "a first convolution of 7 × 10 × 10 channels (not 64 merged)",
    ("match", "neurons"): "SpikGRU of equal neurons (not parameters)",
    ("match", "channels"): "SpikGRU of equal channels (not parameters)",
    ("match", "products"): "SpikGRU of equal products (not parameters)",
}
"""What a cell does otherwise than the main one, and what is written."""
READ = {
    "selection_premium": "best epoch on the test part (not validation)",
    "last_epoch_premium": "last epoch (not validation)",
}
"""Choices of the epoch, read off the main cell's training, on the whole test part."""
_Groups = Callable[[Panel], list[Group]]


@style.context()
def changes(store: xr.Dataset) -> Figure | None:
    """CS-GRU without each of its four changes minus the full one; a panel for each data set."""
    return _forest(store, lambda panel: _of_one(panel, "minus", _CHANGES), "without − with", True)


@style.context()
def layouts(store: xr.Dataset) -> Figure | None:
    """CS-GRU on another layout of its channels minus that on the raster."""
    return _forest(store, lambda panel: _of_one(panel, "layout", _LAYOUTS), "layout − raster", True)


@style.context()
def switches(store: xr.Dataset) -> Figure | None:
    """What each choice was worth: a cell with it minus the main cell, paired by seed."""
    return _forest(store, _switches, "with the choice − without")


def _forest(store: xr.Dataset, groups: _Groups, words: str, linear: bool = False) -> Figure | None:
    found = [(panel, shown) for panel in panels(store) if (shown := groups(panel))]
    if not found:
        return None
    heights = [0.3 + forest.height(shown) for _, shown in found]
    fig, axes = grid.panels(len(found), 1, heights, room=0.1)
    for ax, (panel, shown) in zip(axes[:, 0], found, strict=True):
        ax.set_title(panel.title)
        forest.draw(ax, shown, f"{words}, {panel.measure} (pp)", band=True, linear=linear)
    return fig


def _of_one(panel: Panel, arm: str, names: dict[str, str]) -> list[Group]:
    """One group: CS-GRU with each value of an arm."""
    if "cs_gru" not in panel.models:
        return []
    found = {name: panel.effect("cs_gru", **{arm: value}) for value, name in names.items()}
    lines = [Line(name, v, look("cs_gru")) for name, v in found.items() if v is not None]
    return [Group(label("cs_gru"), lines)] if lines else []


def _switches(panel: Panel) -> list[Group]:
    """One group for each choice that some model was run with."""
    found: dict[str, dict[str, np.ndarray | None]] = {
        name: {model: panel.effect(model, **{key: value}) for model in panel.models}
        for (key, value), name in SWITCHES.items()
    }
    found |= {
        name: {model: panel.premium(model, variable) for model in panel.models}
        for variable, name in READ.items()
    }
    groups = [
        Group(name, [Line(label(m), v, look(m)) for m, v in lines.items() if v is not None])
        for name, lines in found.items()
    ]
    return [group for group in groups if group.lines]
