"""Paired differences: models at every amount of data and size, and what each choice was worth."""

from __future__ import annotations

import textwrap

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import forest, marks, style
from hnnlib.plotting.shd_ablations import groups
from hnnlib.plotting.shd_ablations.groups import Group
from hnnlib.plotting.shd_ablations.panels import Panel, levels, panels

__all__ = ["CHOICES", "choices", "differences_by_amount"]

_FRACTIONS = {"1.0": "all data", "0.5": "half the data", "0.25": "a quarter", "0.1": "a tenth"}
_SIZES = {"full": "all units", "half": "half the units", "quarter": "a quarter"}
# What a cell does otherwise than the main one: its coordinate and value -> what is written.
CHOICES: dict[tuple[str, str], str] = {
    ("slope", "5"): "surrogate scale 5 (not 10)",
    ("slope", "20"): "surrogate scale 20 (not 10)",
    ("slope", "50"): "surrogate scale 50 (not 10)",
    ("regulariser", "off"): "spike counts unbounded",
    ("reset", "off"): "graded units without reset",
    ("constants", "authors"): "time constants of public code",
    ("rate", "authors"): "learning rates of public code",
    ("rate", "equal"): "learning rate 0.001 for all",
    ("validation", "random"): "random validation",
    ("validation", "file_order"): "validation from the file’s end",
    ("trained_on", "all_speakers"): "refit on all speakers",
}
_MATCHED = "N2N of matched size"


def differences_by_amount(store: xr.Dataset) -> Figure:
    """The hybrid minus every other model, by amount of data (left) and hidden units (right)."""
    with style.context():
        rows = [
            (panel, [_against(panel, "fraction", _FRACTIONS), _against(panel, "size", _SIZES)])
            for panel in panels(store)
        ]
        heights = [0.2 + max(groups.height(part) for part in parts) for _, parts in rows]
        fig = Figure(figsize=(style.WIDTH, 0.3 + sum(heights)))
        shape = {"squeeze": False, "gridspec_kw": {"height_ratios": heights}}
        axes = fig.subplots(len(rows), 2, **shape)
        for line, (panel, parts) in zip(axes, rows, strict=True):
            line[0].set_title(panel.data)
            for ax, part in zip(line, parts, strict=True):
                groups.draw(ax, part)
                ax.set_xlabel(f"hybrid − model, {panel.measure} (pp)")
                ax.axvspan(-marks.MARGIN, marks.MARGIN, zorder=0.5, **marks.BAND)
        models = {m for panel, _ in rows for m in panel.core if m != "hybrid"}
        groups.legend(fig, models, "hybrid − {}")
        return fig


def choices(store: xr.Dataset) -> Figure | None:
    """What each choice was worth: a cell with the choice minus the main cell, paired by seed.

    Whatever a choice changes in training, accuracy is measured as in the main comparison. A panel
    for each data set that has been run with some choice; None where there is no such data set.
    """
    with style.context():
        rows = [(p, *found) for p in panels(store) if (found := _choices(p))[0]]
        if not rows:
            return None
        heights = [0.3 + groups.height(part) for _, part, _ in rows]
        fig = Figure(figsize=(style.WIDTH, 0.4 + sum(heights)))
        shape = {"squeeze": False, "gridspec_kw": {"height_ratios": heights}}
        axes = fig.subplots(len(rows), 1, **shape)[:, 0]
        for ax, (panel, part, missing) in zip(axes, rows, strict=True):
            ax.set_title(f"{panel.title}, with the choice − without")
            forest.scale(ax, [values for group in part for _, values in group.lines])
            groups.draw(ax, part)
            if missing:
                words = textwrap.fill(f"not run: {'; '.join(missing)}", 90)
                ax.set_xlabel(f"{ax.get_xlabel()}\n{words}")
        groups.legend(fig, {m for _, part, _ in rows for group in part for m, _ in group.lines})
        return fig


def _against(panel: Panel, key: str, labels: dict[str, str]) -> list[Group]:
    """One group for each level of an amount that some model was trained with."""
    there = levels(panel, key)
    others = [model for model in panel.core if model != "hybrid"]
    return [
        Group(label, [(m, panel.difference("hybrid", m, **{key: level})) for m in others])
        for level, label in labels.items()
        if level in there
    ]


def _choices(panel: Panel) -> tuple[list[Group], list[str]]:
    """One group for each choice that some model was run with, and what no model was run with."""
    found = {
        label: [(model, panel.effect(model, **{key: value})) for model in panel.models]
        for (key, value), label in CHOICES.items()
        if panel.new_speakers or key != "validation"
    }
    found[_MATCHED] = [("n2n_matched", panel.difference("n2n_matched", "n2n_block"))]
    run = {label: [line for line in lines if line[1] is not None] for label, lines in found.items()}
    there = [Group(label, lines) for label, lines in run.items() if lines]
    missing = [label for label, lines in run.items() if not lines]
    return there, missing
