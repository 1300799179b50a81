"""Groups of lines under one label, a line for each model, told apart by colour and marker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.plotting import marks, style
from hnnlib.plotting.models import ORDER, label, look

__all__ = ["Group", "draw", "height", "legend"]

_LINE = 0.155  # inches
_GAP = 0.9  # between groups, in lines


@dataclass(frozen=True)
class Group:
    """Differences seed by seed in pp by model; None where a cell was not run."""

    label: str
    lines: Sequence[tuple[str, np.ndarray | None]]


def height(groups: Sequence[Group]) -> float:
    """Height in inches that the groups need."""
    return 0.8 + _LINE * sum(len(group.lines) + _GAP for group in groups)


def draw(ax: Axes, groups: Sequence[Group]) -> None:
    """Draw every line's mean, 95 % interval and seeds (small dots), and a line at zero."""
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    ticks, y = {}, 0.0
    for place, group in enumerate(groups):
        top, bottom = y - (1 + _GAP) / 2, y + len(group.lines) - (1 - _GAP) / 2
        if place % 2:
            ax.axhspan(top, bottom, color="#f4f4f4", zorder=0)
        ticks[(top + bottom) / 2] = group.label
        for model, values in group.lines:
            marks.row(ax, y, values, look(model), who=label(model))
            y += 1
        y += _GAP
    ax.set_yticks(list(ticks), ticks.values())
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.set_ylim(y - (1 + _GAP) / 2, -(1 + _GAP) / 2)


def legend(fig: Figure, models: Iterable[str], words: str = "{}") -> None:
    """Name the models below the figure, each as ``words`` say."""
    shown = [model for model in ORDER if model in set(models)]
    handles = [marks.handle(words.format(label(model)), **look(model)) for model in shown]
    columns = len(handles) if len(handles) < 7 else -(-len(handles) // 2)
    fig.legend(handles=handles, loc="outside lower center", ncols=max(columns, 1))
