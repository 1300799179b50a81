"""Paired differences: between the cells that claims compare, and what each choice was worth."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.plotting import forest, grid, style, words
from hnnlib.plotting.coding_comparison.rows import How, main, rows

__all__ = ["CHOICES", "differences", "protocol_choices"]

# Arm of the study -> the choice minus the one that the tables use.
CHOICES = {
    "split": "split of its own − shared split",
    "poisson_p": "Poisson p = z / 255 − p = sigmoid(z)",
    "boundary_act": "ReLU − sigmoid at the boundary",
    "gaussian": "Gaussian ln σ − variant of the code",
    "train_filter": "trained − fixed synaptic filters",
    "input_mode": "direct − axon input",
    "head": "draws of the frozen network − fresh draws",
    "bit_planes": "bit planes, eight steps − duplicate",
}
_TRAINING = {"simultaneous": "sim.", "separate": "sep.", "pretrained": "alone"}

_SEPARATE, _TOGETHER = ("duplicate", "separate"), ("duplicate", "simultaneous")
_FROZEN = ("none", "pretrained")
# Title, kind of network, its coding and training, the kind it is compared with (None: the same
# network), the coding and training of that.
_COMPARISONS: tuple[tuple[str, str, How, str | None, How], ...] = (
    ("separate − simultaneous", "hybrid", _SEPARATE, None, _TOGETHER),
    ("Gaussian − duplicate", "hybrid", ("gaussian", "simultaneous"), None, _TOGETHER),
    ("Poisson − duplicate", "spiking", ("poisson", "simultaneous"), None, _TOGETHER),
    ("Poisson − duplicate", "hybrid", ("poisson", "separate"), None, _SEPARATE),
    ("hybrid − pure spiking", "hybrid", _TOGETHER, "spiking", _TOGETHER),
    ("hybrid − the network it froze", "hybrid", _SEPARATE, "artificial", _FROZEN),
)


@style.context()
def differences(store: xr.Dataset) -> Figure:
    """The comparisons that the paper's claims rest on: paired by seed, 95 % intervals."""
    found = [(words.on(*w), _claims(part)) for w, part in cells.parts(store, "family", "dataset")]
    tallest = max(forest.height(groups) for _, groups in found)
    fig, (axes,) = grid.panels(1, len(found), tallest, room=0.2)
    for ax, (title, groups) in zip(axes, found, strict=True):
        ax.set_title(title)
        forest.draw(ax, groups, "test accuracy (pp)")
    longest = max(ax.get_ylim()[0] for ax in axes)
    for ax in axes:  # equal distances between the lines of all panels
        ax.set_ylim(longest, ax.get_ylim()[1])
    return fig


@style.context()
def protocol_choices(store: xr.Dataset) -> Figure | None:
    """What each protocol choice was worth: a cell with the choice minus the one without, paired.

    A panel for each family that was run with some choice; None where there is no such family.
    """
    found = [(words.on(*w), _choices(part)) for w, part in cells.parts(store, "family", "dataset")]
    found = [(title, groups) for title, groups in found if any(group.lines for group in groups)]
    if not found:
        return None
    shown = [[group for group in groups if group.lines] for _, groups in found]
    absent = [[group.title for group in groups if not group.lines] for _, groups in found]
    heights = [0.2 + forest.height(*both) for both in zip(shown, absent, strict=True)]
    fig, axes = grid.panels(len(found), 1, heights, room=0.1)
    titles = [title for title, _ in found]
    for ax, title, there, missing in zip(axes[:, 0], titles, shown, absent, strict=True):
        ax.set_title(title)
        forest.draw(ax, there, "difference in test accuracy (pp)")
        forest.missing(ax, missing)
    return fig


def _claims(store: xr.Dataset) -> list[forest.Group]:
    found = rows(store)
    first = {row.kind: row for row in reversed(found)}
    groups: dict[str, list[forest.Line]] = {}
    for title, kind, left, against, right in _COMPARISONS:
        for row in found:
            other = first.get(against) if against else row
            if row.kind == kind and other:
                pair = (cells.one(store, **main(*side)) for side in ((row, left), (other, right)))
                line = forest.Line(row.short, cells.difference(*pair), style.coding(left[0]))
                groups.setdefault(title, []).append(line)
    return [forest.Group(title, lines) for title, lines in groups.items()]


def _choices(store: xr.Dataset) -> list[forest.Group]:
    """One group for each choice; without lines where no cell was run with it."""
    groups = []
    for arm, title in CHOICES.items():
        part = cells.select(store, arm=arm)
        lines = [_choice(store, part.isel(cell=i)) for i in range(part.sizes["cell"])]
        groups.append(forest.Group(title, lines))
    return groups


def _choice(store: xr.Dataset, cell: xr.Dataset) -> forest.Line:
    """One cell of an arm against the tables' cell that differs from it in that choice only; of a
    coding that the tables lack, against duplicate coding.
    """
    same = {key: str(cell[key].item()) for key in ("architecture", "coding", "training")}
    twin = same | ({"coding": "duplicate"} if same["coding"] == "bit_planes" else {})
    values = cells.difference(cell, cells.one(store, arm="main", **twin))
    label = f"{words.layers(same['architecture'])} {_TRAINING[same['training']]}"
    return forest.Line(label, values, style.coding(same["coding"]))
