"""Specification curves: one claim asked in every way that the stored runs allow.

After Simonsohn, Simmons & Nelson (2020): all readings of a claim in the order of what they find, so
that a reader sees how many agree and which choice turns it.
"""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.errors import counted
from hnnlib.plotting import grid, marks, style

__all__ = ["curves"]

_LINE, _GAP = 0.17, 1.3  # inches a line of text takes; lines from one claim to the next
_LETTERS = 32  # of a line of a reading's name
_FAR = 3.0  # half-widths beyond which the axis is logarithmic
_MOST = 100.0  # half-widths; what is further, as where all seeds are equal, is drawn here
_SIDES = {True: "#0072B2", False: "#D55E00"}
"""Colours of estimates for and against a claim (Okabe & Ito 2008)."""


@style.context()
def curves(frame: pd.DataFrame) -> Figure | None:
    """Readings of claims, one line each: the declared one first, others in the order of estimates.

    A mark is one comparison: how far its estimate lies on the claim's side of what the claim asks
    for, in half-widths of its own interval, at most 100. Beyond 1 the interval is wholly on that
    side. Hollow marks are comparisons without an interval, such as counts, of which only the side
    is known.

    Args:
        frame: from :func:`hnnlib.evidence.reach.to_frame`.

    Returns:
        The figure; None where no claim has a second reading.
    """
    several = frame.groupby("claim", sort=False)["reading"].nunique()
    shown = [claim for claim, number in several.items() if number > 1]
    if not shown:
        return None
    claims = {claim: frame[frame["claim"] == claim] for claim in shown}
    names = {one: textwrap.fill(one, _LETTERS) for own in claims.values() for one in own["reading"]}
    lines = {name: 1 + text.count("\n") for name, text in names.items()}
    places, titles, y = {}, {}, 0.0
    for claim, own in claims.items():
        titles[claim] = y
        for reading in _ordered(own):
            places[claim, reading] = y + (1 + lines[reading]) / 2
            y += lines[reading]
        y += _GAP
    fig, axes = grid.panels(1, 1, _LINE * y, room=0.9)
    ax = axes[0, 0]
    ax.set_xscale("symlog", linthresh=_FAR, linscale=1.5)
    for claim, own in claims.items():
        _title(ax, titles[claim], claim, own)
    for (claim, reading), place in places.items():
        _line(ax, place, claims[claim][claims[claim]["reading"] == reading])
    _axes(ax, {place: names[reading] for (_, reading), place in places.items()}, y)
    grid.legend(fig, _legend())
    return fig


def _ordered(own: pd.DataFrame) -> list[str]:
    first, *others = own["reading"].unique()
    middle = own.groupby("reading")["distance"].mean().fillna(0)
    return [first, *sorted(others, key=lambda reading: -middle[reading])]


def _title(ax: Axes, y: float, claim: str, own: pd.DataFrame) -> None:
    sides = own.groupby("reading", sort=False)["side"].first()
    words = f"{claim}: holds in {(sides == 'for').sum()} of {counted(len(sides), 'reading')}"
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    look = {"va": "center", "fontsize": style.SMALL, "weight": "bold", "zorder": 4, "bbox": white}
    ax.text(0.0, y, words, transform=ax.get_yaxis_transform(), **look)


def _line(ax: Axes, y: float, rows: pd.DataFrame) -> None:
    """The comparisons of one reading; a bar at the side marks one that turns the claim."""
    for row in rows.itertuples():
        if pd.isna(row.favours):
            continue
        known = np.isfinite(row.distance)
        x = np.clip(row.distance, -_MOST, _MOST) if known else 0.5 if row.favours else -0.5
        colour = _SIDES[bool(row.favours)]
        face = colour if known else "white"
        look = {"markerfacecolor": face, "markersize": 5, "alpha": 0.85 if known else 1.0}
        ax.plot(x, y, "o", color=colour, zorder=3, **look)
    if rows["flips"].any():
        place = ax.get_yaxis_transform()
        look = {"color": style.INK, "linewidth": 3, "clip_on": False}
        ax.plot([1.0, 1.0], [y - 0.4, y + 0.4], transform=place, **look)


def _axes(ax: Axes, ticks: dict[float, str], end: float) -> None:
    grid.zero(ax)
    for edge in (-1, 1):
        ax.axvline(edge, color=style.MUTED, linewidth=0.7, linestyle=":", zorder=1)
    ax.set_yticks(list(ticks), ticks.values())
    ax.set_ylim(end - _GAP + 0.6, -0.7)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    least, most = ax.get_xlim()
    far = max(1.5, -least, most)
    ax.set_xlim(-far, far)
    ticks = [sign * step for step in (1, _FAR, 10, _MOST) if step <= far for sign in (-1, 1)]
    ax.set_xticks([0, *ticks], minor=False)
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}".replace("-", "−"))
    beyond = f", log beyond ±{_FAR:g}" if far > _FAR else ""
    ax.set_xlabel(f"← against the claim      for it →\n(half-widths of the interval{beyond})")


def _legend() -> list:
    return [
        marks.handle("for the claim", marker="o", color=_SIDES[True]),
        marks.handle("against it", marker="o", color=_SIDES[False]),
        marks.handle("no interval", marker="o", markerfacecolor="white"),
        marks.handle("turns the claim", marker="|", color=style.INK, markersize=9),
    ]
