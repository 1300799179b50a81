"""Paired differences: models at every amount of data and size, and what each choice was worth."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import forest, grid, style
from hnnlib.plotting.forest import Group, Line
from hnnlib.plotting.models import label, look
from hnnlib.plotting.shd_ablations.panels import Panel, panels, varied

__all__ = ["CHOICES", "choices", "differences_by_amount"]

_AMOUNTS = {
    "fraction": {
        "1.0": "all data",
        "0.5": "half the data",
        "0.25": "a quarter of the data",
        "0.1": "a tenth of the data",
    },
    "size": {"full": "all units", "half": "half the units", "quarter": "a quarter of the units"},
}
# What a cell does otherwise than the main one: its coordinate and value -> what is written.
CHOICES: dict[tuple[str, str], str] = {
    ("slope", "5"): "surrogate scale 5 (not 10)",
    ("slope", "20"): "surrogate scale 20 (not 10)",
    ("slope", "50"): "surrogate scale 50 (not 10)",
    ("regulariser", "off"): "spike counts unbounded",
    ("reset", "off"): "graded units without reset",
    ("reset_gradient", "through"): "gradient through the graded reset",
    ("choose", "accuracy"): "epoch by validation accuracy",
    ("constants", "authors"): "time constants of public code",
    ("rate", "authors"): "learning rates of public code",
    ("rate", "equal"): "learning rate 0.001 for all",
    ("validation", "random"): "random validation",
    ("validation", "file_order"): "validation from the file’s end",
    ("trained_on", "all_speakers"): "refit on all speakers",
}
_MATCHED = "N2N of matched size"


@style.context()
def differences_by_amount(store: xr.Dataset) -> Figure | None:
    """The hybrid minus every other model, by amount of data and by hidden units.

    A block for each data set; amounts that were run at one level only would repeat the main
    comparison and are left out, and so is the figure where no other is left.
    """
    found, shown = varied(store, _AMOUNTS)
    if not found:
        return None
    parts = [[_against(panel, key) for key in shown] for panel in found]
    heights = [max(map(forest.height, groups)) for groups in parts]
    fig, blocks = grid.blocks([panel.data for panel in found], len(shown), heights, room=0.1)
    for axes, panel, groups in zip(blocks, found, parts, strict=True):
        for ax, part in zip(axes, groups, strict=True):
            label = f"hybrid − model,\n{panel.measure} (pp)"
            forest.draw(ax, part, label, band=True, linear=True)
    return fig


@style.context()
def choices(store: xr.Dataset) -> Figure | None:
    """What each choice was worth: a cell with the choice minus the main cell, paired by seed.

    Whatever a choice changes in training, accuracy is measured as in the main comparison. A panel
    for each data set that has been run with some choice; None where there is no such data set.
    """
    found = [(panel, *groups) for panel in panels(store) if (groups := _choices(panel))[0]]
    if not found:
        return None
    heights = [0.3 + forest.height(groups, missing) for _, groups, missing in found]
    fig, axes = grid.panels(len(found), 1, heights, room=0.1)
    for ax, (panel, groups, missing) in zip(axes[:, 0], found, strict=True):
        ax.set_title(panel.data)
        forest.draw(ax, groups, f"with the choice − without, {panel.measure} (pp)")
        forest.missing(ax, missing)
    return fig


def _against(panel: Panel, key: str) -> list[Group]:
    """One group for each level of an amount that some model was trained with."""
    there = panel.levels(key)
    return [
        Group(
            title,
            [
                Line(label(model), panel.difference("hybrid", model, **{key: level}), look(model))
                for model in panel.core
                if model != "hybrid"
            ],
        )
        for level, title in _AMOUNTS[key].items()
        if level in there
    ]


def _choices(panel: Panel) -> tuple[list[Group], list[str]]:
    """One group for each choice that some model was run with, and what no model was run with."""
    found = {
        title: {model: panel.effect(model, **{key: value}) for model in panel.models}
        for (key, value), title in CHOICES.items()
        if panel.new_speakers or key != "validation"
    }
    found[_MATCHED] = {"n2n_matched": panel.difference("n2n_matched", "n2n_block")}
    groups = [
        Group(title, [Line(label(m), v, look(m)) for m, v in lines.items() if v is not None])
        for title, lines in found.items()
    ]
    return [group for group in groups if group.lines], [g.title for g in groups if not g.lines]
