"""Accuracy by derivative, and what each setting of the public code is worth."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.plotting import forest, grid, marks, style, words
from hnnlib.plotting.bit_plane_coding.words import BRANCHES, DERIVATIVES, SWITCHES, label

__all__ = ["accuracy", "switches"]

_AUTHORS = {"derivative": "fourier_half", "rescale": "on"}
_CONTROLS = {"main": "graded network", "wide": "wider graded network"}


def _trained(store: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    """Data sets and the cells that were trained on them."""
    return [(data, part) for (data,), part in cells.parts(store, "dataset") if data != "none"]


@style.context()
def accuracy(store: xr.Dataset) -> Figure:
    """Test accuracy by derivative of the encoder, serial beside fusion: a row a data set.

    Lines are graded networks, the second one as wide as to have fusion's parameters.
    """
    found = _trained(store)
    lines = [(d, r) for d in DERIVATIVES for r in ("off", "on")]
    trained = cells.select(store, arm="main")
    ran = set(zip(trained["derivative"].values, trained["rescale"].values, strict=True))
    lines = [line for line in lines if line in ran]
    fig, axes = grid.panels(len(found), 2, 0.6 + 0.24 * len(lines), 0.7, sharey=True, sharex="row")
    for row, (data, part) in zip(axes, found, strict=True):
        for ax, branches in zip(row, ("spiking", "fusion"), strict=True):
            for arm, dashes in zip(_CONTROLS, ("-", ":"), strict=True):
                control = cells.accuracy(cells.one(part, branches="graded", arm=arm))
                if control is not None:
                    line = {"color": style.KINDS["artificial"], "linestyle": dashes}
                    ax.axvline(control.mean(), label=_CONTROLS[arm], linewidth=1.1, **line)
            for y, (derivative, rescale) in enumerate(lines):
                which = {"branches": branches, "derivative": derivative, "rescale": rescale}
                cell = cells.one(part, arm="main", **which)
                marks.row(ax, y, cells.accuracy(cell), DERIVATIVES[derivative][1], apart=0.22)
            ax.set_title(words.on(BRANCHES[branches], data))
        grid.names(row[0], [label(*line) for line in lines])
        row[1].tick_params(axis="y", length=0)
    for ax in axes[-1]:
        ax.set_xlabel(words.ACCURACY)
    grid.legend(fig, grid.labels(axes.flat))
    return fig


@style.context()
def switches(store: xr.Dataset) -> Figure | None:
    """What each public setting is worth: a cell with it minus the corrected one, paired by seed;
    None where no switch was turned.
    """
    found = [(data, groups) for data, part in _trained(store) if (groups := _groups(part))]
    if not found:
        return None
    heights = [0.5 + forest.height(groups) for _, groups in found]
    fig, axes = grid.panels(len(found), 1, heights, 0.1)
    for ax, (data, groups) in zip(axes[:, 0], found, strict=True):
        ax.set_title(words.name(data))
        forest.draw(ax, groups, "with the setting − corrected, test accuracy (pp)", linear=True)
        there = {line.label for group in groups for line in group.lines}
        forest.missing(ax, [title for title in SWITCHES.values() if title not in there])
    return fig


def _groups(part: xr.Dataset) -> list[forest.Group]:
    """Switches of serial and of fusion networks."""
    groups = []
    for branches in ("spiking", "fusion"):
        colour = style.KINDS["spiking" if branches == "spiking" else "hybrid"]
        cell = {arm: cells.one(part, branches=branches, arm=arm, **_AUTHORS) for arm in SWITCHES}
        main = cells.one(part, branches=branches, arm="main", **_AUTHORS)
        lines = [
            forest.Line(SWITCHES[arm], cells.difference(one, main), {"color": colour})
            for arm, one in cell.items()
            if one is not None
        ]
        if lines:
            groups.append(forest.Group(BRANCHES[branches], lines))
    return groups
