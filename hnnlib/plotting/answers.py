"""Answers to all claims at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from hnnlib.plotting import grid, style
from hnnlib.plotting.marks import handle

__all__ = ["LOOKS", "answers"]

LOOKS: dict[str, dict[str, object]] = {
    "supported": {"marker": "s", "color": "#009E73", "markersize": 9},
    "contradicted": {"marker": "X", "color": "#D55E00", "markersize": 10},
    "undecided": {"marker": "D", "color": style.INK, "markersize": 7},
    "not tested, leans for": {"marker": "^", "color": style.MUTED, "markerfacecolor": "none"},
    "not tested, leans against": {"marker": "v", "color": style.MUTED, "markerfacecolor": "none"},
    "not tested, no side": {"marker": "o", "color": style.MUTED, "markerfacecolor": "none"},
}
"""Marker of each answer; filled are those that were fairly tested. Shapes tell them apart."""


@style.context()
def answers(papers: Mapping[str, Sequence[tuple[str, str, str]]]) -> Figure:
    """A row a paper, a marker a claim.

    Args:
        papers: (claim, answer, direction) of every claim, by what the paper is called.
    """
    fig, ((ax,),) = grid.panels(1, 1, 0.34 * len(papers) + 0.2, room=0.6)
    seen = {}
    for y, claims in enumerate(papers.values()):
        for x, (name, answer, direction) in enumerate(claims, start=1):
            kind = answer if answer in LOOKS else f"not tested, {direction}"
            kind = kind if kind in LOOKS else "not tested, no side"
            seen[kind] = handle(kind, **LOOKS[kind])
            ax.plot(x, y, linestyle="", **LOOKS[kind], gid=name)
    ax.set_yticks(range(len(papers)), papers)
    ax.set_ylim(len(papers) - 0.5, -0.5)
    ax.set_xlabel("claims of the authors, in the paper's order")
    ax.xaxis.set_major_locator(NullLocator())
    ax.grid(False)
    grid.legend(fig, [seen[kind] for kind in LOOKS if kind in seen])
    return fig
