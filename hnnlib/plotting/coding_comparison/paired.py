"""Paired differences: between the cells that claims compare, and what each choice was worth."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import cells, forest, style
from hnnlib.plotting.coding_comparison.rows import How, main, name, rows

__all__ = ["CHOICES", "differences", "protocol_choices"]

# Arm of the study -> the choice minus the one that the tables use.
CHOICES = {
    "split": "split of its own − shared split",
    "poisson_p": "Poisson p = z / 255 − p = sigmoid(z)",
    "boundary_act": "ReLU − sigmoid at the boundary",
    "gaussian": "Gaussian ln σ − variant of the code",
    "train_filter": "trained − fixed synaptic filters",
    "input_mode": "direct − axon input",
    "head": "rest from the frozen network's draws − from fresh ones",
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
    ("separate hybrid − the network it froze", "hybrid", _SEPARATE, "artificial", _FROZEN),
)


def differences(store: xr.Dataset) -> Figure:
    """The comparisons that the paper's claims rest on: paired by seed, 95 % intervals."""
    return _forests(store, _claims)


def protocol_choices(store: xr.Dataset) -> Figure:
    """What each protocol choice was worth: a cell with the choice minus the one without, paired."""
    return _forests(store, _choices)


def _forests(store: xr.Dataset, groups: Callable[[xr.Dataset], list[forest.Group]]) -> Figure:
    with style.context():
        found = [(family, dataset, groups(part)) for family, dataset, part in cells.panels(store)]
        tallest = max(forest.height(panel) for *_, panel in found)
        fig = Figure(figsize=(style.WIDTH, tallest))
        axes = fig.subplots(1, len(found), squeeze=False)[0]
        for ax, (family, dataset, panel) in zip(axes, found, strict=True):
            ax.set_title(f"{name(family)} on {name(dataset)}")
            forest.draw(ax, panel)
        longest = max(ax.get_ylim()[0] for ax in axes)
        for ax in axes:  # equal distances between the lines of all panels
            ax.set_ylim(longest, ax.get_ylim()[1])
    return fig


def _claims(store: xr.Dataset) -> list[forest.Group]:
    found = rows(store)
    first = {row.kind: row for row in reversed(found)}
    groups: dict[str, list[forest.Line]] = {}
    for title, kind, left, against, right in _COMPARISONS:
        for row in found:
            other = first.get(against) if against else row
            if row.kind == kind and other:
                values = cells.difference(store, main(row, left), main(other, right))
                line = forest.Line(row.short, values, style.CODINGS[left[0]])
                groups.setdefault(title, []).append(line)
    return [forest.Group(title, lines) for title, lines in groups.items()]


def _choices(store: xr.Dataset) -> list[forest.Group]:
    groups = []
    for arm, title in CHOICES.items():
        part = cells.select(store, arm=arm)
        lines = [_choice(store, part.isel(cell=i), arm) for i in range(part.sizes["cell"])]
        groups.append(forest.Group(title, lines or [forest.Line("", None)]))
    return groups


def _choice(store: xr.Dataset, cell: xr.Dataset, arm: str) -> forest.Line:
    """One cell of an arm against the tables' cell that differs from it in that choice only."""
    same = {key: str(cell[key].item()) for key in ("architecture", "coding", "training")}
    values = cells.difference(store, same | {"arm": arm}, same | {"arm": "main"})
    label = f"{cells.layers(same['architecture'])} {_TRAINING[same['training']]}"
    return forest.Line(label, values, style.CODINGS[same["coding"]])
