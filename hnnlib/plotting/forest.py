"""Forest plot: paired differences with their intervals, grouped, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from hnnlib.plotting import marks, style

__all__ = ["Group", "Line", "draw", "height", "scale"]

# Where a panel's differences reach beyond _WIDE pp, the axis is logarithmic outside of +-_NEAR pp:
# otherwise one collapse would press all small effects onto the line at zero.
_WIDE, _NEAR = 8.0, 1.0
_GAP = 1.25  # from the last line of a group to the next title, in lines


@dataclass(frozen=True)
class Line:
    """One comparison: differences seed by seed in percentage points, None if it was not run."""

    label: str
    values: np.ndarray | None
    colour: str = style.INK


@dataclass(frozen=True)
class Group:
    """Comparisons of one kind under a common title."""

    title: str
    lines: Sequence[Line]


def height(groups: Sequence[Group]) -> float:
    """Height in inches that the groups need."""
    return 0.75 + 0.2 * sum(_GAP + len(group.lines) for group in groups)


def draw(ax: Axes, groups: Sequence[Group]) -> None:
    """Draw every line's mean, 95 % interval and seeds (small dots), and a line at zero."""
    scale(ax, [line.values for group in groups for line in group.lines])
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    heading = {"va": "center", "fontsize": 8, "weight": "bold", "bbox": white, "zorder": 4}
    ticks, y = {}, 0.0
    for group in groups:
        ax.text(0.0, y, group.title, transform=ax.get_yaxis_transform(), **heading)
        for place, line in enumerate(group.lines, start=1):
            ticks[y + place] = line.label
            marks.row(ax, y + place, line.values, {"color": line.colour})
        y += len(group.lines) + _GAP
    ax.set_yticks(list(ticks), ticks.values())
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(y - 0.4, -0.7)


def scale(ax: Axes, values: Sequence[np.ndarray | None]) -> None:
    """Label the axis of differences, and make it logarithmic where large ones hide small ones.

    Args:
        values: all differences of the panel, None for those that were not run.
    """
    there = [one for one in values if one is not None]
    largest = np.nanmax(np.abs(np.concatenate([[0.0], *there])))
    if largest <= _WIDE:
        ax.set_xlabel("difference in test accuracy (pp)")
        return
    ax.set_xscale("symlog", linthresh=_NEAR)
    ax.set_xlabel(f"difference (pp; logarithmic beyond ±{_NEAR:g})")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−")))
