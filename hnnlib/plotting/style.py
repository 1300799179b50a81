"""The one figure style: sizes, fonts and fixed colours.

The colours come from two sets made for colour-blind readers: Okabe & Ito (2008) for the codings,
Tol's muted scheme (SRON/EPS/TN/09-002) for the kinds of network and for the benchmark's tasks. A
coding, a kind or a task has the same colour in every figure, a coding and a task also the same
marker.
"""

from __future__ import annotations

from contextlib import ContextDecorator

import matplotlib as mpl

__all__ = [
    "CODINGS",
    "DIVERGING",
    "DPI",
    "INK",
    "KINDS",
    "MARKERS",
    "MUTED",
    "SMALL",
    "TASKS",
    "TITLE",
    "WIDTH",
    "coding",
    "context",
    "kind",
]

WIDTH = 5.6
"""Width of a figure in inches: 700 px on a page, 390 px on a phone, where 8.5 pt are 8 px."""
DPI = 250
"""Dots per inch of a saved PNG: twice what 700 px need."""
SMALL, TITLE = 8.5, 10.0
"""Sizes in points of the smallest words, and of titles."""

INK = "#1a1a1a"
MUTED = "#767676"

CODINGS = {
    "duplicate": "#0072B2",
    "gaussian": "#D55E00",
    "poisson": "#009E73",
    "bit_planes": "#56B4E9",
    "none": "#4d4d4d",
}
MARKERS = {"duplicate": "o", "gaussian": "D", "poisson": "^", "bit_planes": "v", "none": "s"}
DIVERGING = "RdBu_r"
"""Colours of numbers with a sign: white is 0."""
KINDS = {"spiking": "#AA4499", "hybrid": "#44AA99", "artificial": "#997700"}
TASKS = {
    "recurrent": {"color": "#332288", "marker": "o"},
    "mlp": {"color": "#CC6677", "marker": "D"},
}
"""The benchmark's tasks."""

_RC = {
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "savefig.dpi": DPI,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "text.color": INK,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "errorbar.capsize": 2,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "pdf.fonttype": 42,  # text stays text in vector files
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "hnnlib",  # the same figure gives the same bytes
}


def context() -> ContextDecorator:
    """The style as a ``with`` block or a decorator; matplotlib's own settings come back after."""
    return mpl.rc_context(_RC)


def kind(spiking_layers: int, artificial_layers: int) -> str:
    """Kind of a network by its layers: ``spiking``, ``hybrid`` or ``artificial``."""
    if artificial_layers == 0:
        return "spiking"
    return "hybrid" if spiking_layers else "artificial"


def coding(name: str) -> dict[str, str]:
    """Colour and marker of a coding, for ``Axes.plot``."""
    return {"color": CODINGS[name], "marker": MARKERS[name]}
