"""Forest plot: paired differences with their intervals, grouped, one line each."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from hnnlib.plotting import grid, marks, style

__all__ = ["Group", "Line", "draw", "height", "missing"]

_WIDE = 8.0  # pp; where differences reach further, the axis is logarithmic
_GAP = 1.25  # from the last line of a group to the next title, in lines
_LINE = 0.2  # inches
_NOTE = 0.15  # inches, a line of the words below
_WIDTH = 54  # letters


@dataclass(frozen=True)
class Line:
    """One comparison: differences seed by seed in percentage points, None if it was not run.

    ``look`` has the colour and marker of the mean.
    """

    label: str
    values: np.ndarray | None
    look: Mapping[str, object]


@dataclass(frozen=True)
class Group:
    """Comparisons of one kind under a common title."""

    title: str
    lines: Sequence[Line]


def height(groups: Sequence[Group], absent: Sequence[str] = ()) -> float:
    """Height in inches that the groups need, and the words on those that no cell was run for."""
    lines = sum(_GAP + len(group.lines) for group in groups)
    return 0.85 + _LINE * lines + _NOTE * len(_absent(absent))


def draw(
    ax: Axes, groups: Sequence[Group], label: str, band: bool = False, linear: bool = False
) -> None:
    """Draw every line's mean, 95 % interval and seeds (small dots), and a line at zero.

    Args:
        label: of the axis of differences.
        band: shade what counts as no difference.
        linear: whatever the largest difference.
    """
    ax.set_xlabel(label)
    if not linear:
        grid.stretch(ax, "x", [line.values for group in groups for line in group.lines], _WIDE)
    grid.zero(ax, band)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    heading = {"va": "center", "fontsize": style.SMALL, "weight": "bold", "zorder": 4}
    ticks, y = {}, 0.0
    for group in groups:
        place = ax.get_yaxis_transform()
        ax.text(0.0, y, group.title, transform=place, bbox=white, **heading)
        for number, line in enumerate(group.lines, start=1):
            ticks[y + number] = line.label
            marks.row(ax, y + number, line.values, line.look)
        y += len(group.lines) + _GAP
    ax.set_yticks(list(ticks), ticks.values())
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(y - 0.4, -0.7)


def missing(ax: Axes, titles: Sequence[str], width: int = _WIDTH) -> None:
    """Name below the panel the groups that no cell was run for, ``width`` letters a line."""
    ax.set_xlabel("\n".join([ax.get_xlabel(), *_absent(titles, width)]))


def _absent(titles: Sequence[str], width: int = _WIDTH) -> list[str]:
    return textwrap.wrap(f"not run: {'; '.join(titles)}", width) if titles else []
