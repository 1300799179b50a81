"""Small things that figures draw: entries of legends, error bars, seeds with their mean, bands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hnnlib.analysis.statistics import Mean, mean_interval
from hnnlib.analysis.summaries import Spread
from hnnlib.plotting import style

__all__ = ["band", "bar", "curve", "handle", "row"]


def handle(label: str, **look: object) -> Line2D:
    """An entry of a legend: a grey marker unless ``look`` says otherwise."""
    return Line2D([], [], **{"linestyle": "", "color": style.MUTED, "label": label} | look)


def bar(found: Mean) -> np.ndarray:
    """Lengths of an error bar below and above, shape (2, 1); zero where there is no interval."""
    return np.nan_to_num([[found.mean - found.low], [found.high - found.mean]])


def row(
    ax: Axes,
    y: float,
    values: np.ndarray | None,
    look: Mapping[str, object],
    apart: float = 0.0,
    middle: Callable[[np.ndarray], Mean] = mean_interval,
) -> None:
    """Seeds as small dots at height ``y``, their 95 % interval and mean; words where there is none.

    Args:
        values: one number a seed, None for a cell that was not run.
        look: colour and marker of the mean.
        apart: by how much the seeds' height differs from ``y``, so that the bar doesn't hide them.
        middle: mean and interval of the seeds.
    """
    if values is None or np.isnan(values).all():
        word = "not run" if values is None else "every seed failed"
        words = {"va": "center", "fontsize": style.SMALL, "color": style.MUTED, "style": "italic"}
        ax.text(0.01, y, word, transform=ax.get_yaxis_transform(), **words)
        return
    found, colour = middle(values), look["color"]
    seeds = {"color": colour, "alpha": 0.4, "markersize": 4, "zorder": 3}
    ax.plot(values, np.full(len(values), y + apart), ".", **seeds)
    interval = {"linewidth": 1.6, "solid_capstyle": "butt", "color": colour, "zorder": 3}
    ax.plot([found.low, found.high], [y, y], **interval)
    ax.plot(found.mean, y, **{"marker": "o", "markersize": 4.5, "zorder": 3} | dict(look))


def curve(
    ax: Axes,
    x: Sequence[float],
    values: Sequence[np.ndarray],
    look: Mapping[str, object],
    colours: Sequence[str] | None = None,
    middle: Callable[[np.ndarray], Mean] = mean_interval,
) -> None:
    """Means with intervals on a line, seeds as small dots; a place without a result is a gap.

    Args:
        x: places.
        values: one number a seed, of every place.
        look: colour and marker of the line.
        colours: of the places, where they differ from the line's.
        middle: mean and interval of one place.
    """
    means = [middle(one) for one in values]
    line = {"color": look["color"], "linewidth": 1.2, "zorder": 2}
    ax.plot(x, [found.mean for found in means], **line)
    for place, one, found, colour in zip(
        x, values, means, colours or [look["color"]] * len(values), strict=True
    ):
        seeds = {"color": colour, "alpha": 0.4, "markersize": 3.5, "zorder": 2}
        ax.plot(np.full(len(one), place), one, ".", **seeds)
        own = {"marker": "o"} | dict(look) | {"color": colour, "zorder": 3, "linestyle": ""}
        ax.errorbar(place, found.mean, yerr=bar(found), elinewidth=1, **own)


def band(
    ax: Axes,
    x: Sequence[float],
    found: Spread,
    look: Mapping[str, object],
    step: str | None = None,
    shade: float = 0.15,
) -> None:
    """Means over seeds on a line and a band from the lowest to the highest seed.

    Args:
        x: places; those without a mean are left out.
        step: where steps stand, for a histogram, whose places without a mean are gaps.
        shade: opacity of the band.
    """
    keep = slice(None) if step else np.isfinite(found.middle)
    x, middle, low, high = (
        np.asarray(part)[keep] for part in (x, found.middle, found.low, found.high)
    )
    if len(x):
        drawn = {"drawstyle": f"steps-{step}"} if step else {}
        ax.plot(x, middle, **dict(look) | drawn)
        ax.fill_between(x, low, high, step=step, color=look["color"], alpha=shade, linewidth=0)
