"""Where things stand in a figure: panels, titles, the legend below, and axes that figures share.

Every figure is as wide as ``style.WIDTH``; what doesn't fit beside stands below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from hnnlib.plotting import style
from hnnlib.plotting.words import SHARE, signed

__all__ = [
    "MARGIN",
    "NEAR",
    "blocks",
    "epochs",
    "flow",
    "labels",
    "legend",
    "logarithmic",
    "names",
    "panels",
    "remark",
    "shares",
    "stretch",
    "zero",
]

MARGIN = 1.5
"""Differences of accuracy within so many percentage points count as none."""
NEAR = 1.0
"""Axes that are logarithmic on both sides of zero are linear within it."""
_HEAD = 0.25  # inches for the title of a block
_ENTRY = 0.075  # inches a letter of the legend takes


def panels(
    rows: int, columns: int, height: float | Sequence[float], room: float = 0.7, **shared: object
) -> tuple[Figure, np.ndarray]:
    """A figure and its panels (rows, columns).

    Args:
        height: of a row, or of each row, in inches.
        room: for what stands below and above all panels, in inches.
        shared: ``sharex``, ``sharey``, ``width_ratios`` as ``Figure.subplots`` takes them.
    """
    heights = np.broadcast_to(height, rows)
    fig = Figure(figsize=(style.WIDTH, room + float(heights.sum())))
    axes = fig.subplots(rows, columns, squeeze=False, height_ratios=heights, **shared)
    return fig, axes


def flow(
    count: int, columns: int, height: float, room: float = 0.7, **shared: object
) -> tuple[Figure, list[Axes]]:
    """A figure and so many panels in reading order, over as many rows as they need."""
    fig, axes = panels(max(1, -(-count // columns)), columns, height, room, **shared)
    return fig, _first(axes, count)


def blocks(
    titles: Sequence[str],
    columns: int,
    height: float | Sequence[float],
    count: int | None = None,
    room: float = 0.5,
    **shared: object,
) -> tuple[Figure, Iterator[list[Axes]]]:
    """A figure with a block of panels under each title, and the panels of each block.

    Args:
        columns: of a block.
        height: of a row of panels, or of the rows of each block, in inches.
        count: panels of a block where they take more than one row.
        room: for the legend, in inches.
        shared: as in :func:`panels`, within a block.
    """
    count = count or columns
    rows = max(1, -(-count // columns))
    heights = _HEAD + rows * np.broadcast_to(height, max(1, len(titles)))
    fig = Figure(figsize=(style.WIDTH, room + float(heights.sum())))
    found = fig.subfigures(max(1, len(titles)), 1, squeeze=False, height_ratios=heights)[:, 0]

    def each() -> Iterator[list[Axes]]:
        for part, title in zip(found, titles, strict=False):
            part.suptitle(title, x=0.01, ha="left", fontsize=style.TITLE, weight="bold")
            yield _first(part.subplots(rows, columns, squeeze=False, **shared), count)

    return fig, each()


def _first(axes: np.ndarray, count: int) -> list[Axes]:
    """The panels that are used, without the others; the last of a column keeps its labels."""
    for ax in axes.flat[count:]:
        ax.remove()
    used = list(axes.flat[:count])
    for ax in used[-axes.shape[1] :]:
        ax.tick_params(labelbottom=True)
    return used


def legend(fig: Figure, handles: Iterable[Artist], columns: int | None = None) -> None:
    """Entries below all panels, each once; as many side by side as fit unless told."""
    entries: dict[str, Artist] = {}
    for handle in handles:
        entries.setdefault(str(handle.get_label()), handle)
    if not entries:
        return
    fits = int(style.WIDTH / (0.45 + _ENTRY * max(map(len, entries))))
    columns = columns or max(1, min(len(entries), fits))
    fig.legend(handles=list(entries.values()), loc="outside lower center", ncols=columns)


def labels(axes: Iterable[Axes]) -> list[Artist]:
    """What is drawn in some panels under a label, for :func:`legend`."""
    return [handle for ax in axes for handle in ax.get_legend_handles_labels()[0]]


def names(ax: Axes, words: Sequence[str]) -> None:
    """Names along the y axis, the first on top."""
    ax.set_yticks(range(len(words)), words)
    ax.set_ylim(len(words) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)


def zero(ax: Axes, band: bool = False) -> None:
    """A line where a difference is none, and the band in which it counts as none."""
    if band:
        ax.axvspan(-MARGIN, MARGIN, zorder=0.5, color="#e4ecf2", linewidth=0)
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=1)


def remark(ax: Axes, words: str) -> None:
    """Write something small in the panel's lower left corner."""
    look = {"fontsize": style.SMALL, "color": style.MUTED, "style": "italic"}
    ax.text(0.02, 0.03, words, transform=ax.transAxes, **look)


def epochs(ax: Axes) -> None:
    """The axis of epochs; the first is epoch 1."""
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def shares(ax: Axes) -> None:
    """An axis of shares of spiking units; the ends have the names of the pure networks."""
    pure = {0.0: "0\nNSN", 1.0: "1\nSNN"}
    ax.set_xlabel(SHARE)
    ax.set_xlim(-0.05, 1.05)
    ax.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: pure.get(share, f"{share:g}")))


def logarithmic(axis: Axis, room: float = 40, form: Callable = signed) -> None:
    """Few ticks with plain numbers, for an axis that has its data and a logarithmic scale.

    Args:
        axis: of a panel.
        room: ratio of its ends up to which there is room for two ticks a decade.
        form: writes a tick.
    """
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 6 * low else (1, 3) if high < room * low else (1,)
    # within an octave or so there may be none of these
    close = high < 2.5 * low
    axis.set_major_locator(MaxNLocator(3) if close else LogLocator(subs=subs, numticks=5))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(form))


def stretch(ax: Axes, which: str, values: Iterable[np.ndarray | None], most: float) -> None:
    """Make the axis ``x`` or ``y`` logarithmic on both sides of zero where numbers go beyond
    ``most``, and say so in its label: otherwise one of them would press all others onto zero.
    """
    known = np.concatenate([[0.0], *(np.ravel(part) for part in values if part is not None)])
    low, high = np.nanmin(known), np.nanmax(known)
    if max(-low, high) <= most:
        return
    axis = getattr(ax, f"{which}axis")
    getattr(ax, f"set_{which}scale")("symlog", linthresh=NEAR)
    steps = 10.0 ** np.arange(np.floor(np.log10(max(-low, high))) + 1)
    if len(steps) == 1:  # within the first decade: where are numbers beyond 1?
        steps = np.array([1.0, 5.0])
    if len(steps) > 2:  # labels would touch each other
        steps = steps[-1:] if which == "x" else steps[::-2]
    ticks = sorted({0.0, *steps[steps <= 2 * high], *-steps[steps <= -2 * low]})
    axis.set_ticks(ticks, [signed(tick) for tick in ticks])
    axis.set_minor_locator(NullLocator())
    axis.set_label_text(f"{axis.get_label_text()}\n(log beyond ±{NEAR:g})".lstrip())
