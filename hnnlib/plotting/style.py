"""The one figure style: sizes, fonts and fixed colours.

The colours come from two sets made for colour-blind readers: Okabe & Ito (2008) for the codings,
Tol's muted scheme (SRON/EPS/TN/09-002) for the kinds of network and for the benchmark's tasks. A
coding, a kind or a task has the same colour in every figure, a coding and a task also the same
marker.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import matplotlib as mpl

__all__ = [
    "CODINGS",
    "DPI",
    "INK",
    "KINDS",
    "MARKERS",
    "MUTED",
    "TASKS",
    "WIDTH",
    "context",
    "kind",
]

WIDTH = 7.0
"""Width of a figure in inches: 700 px on a page, a full text width in print."""
DPI = 200
"""Dots per inch of a saved PNG: twice what 700 px need."""

INK = "#1a1a1a"
MUTED = "#767676"

CODINGS = {
    "duplicate": "#0072B2",
    "gaussian": "#D55E00",
    "poisson": "#009E73",
    "none": "#4d4d4d",
}
MARKERS = {"duplicate": "o", "gaussian": "D", "poisson": "^", "none": "s"}
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
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
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
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "errorbar.capsize": 2,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "pdf.fonttype": 42,  # text stays text in vector files
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "hnnlib",  # the same figure gives the same bytes
}


def context() -> AbstractContextManager:
    """The style as a ``with`` block; matplotlib's own settings come back after it."""
    return mpl.rc_context(_RC)


def kind(spiking_layers: int, artificial_layers: int) -> str:
    """Kind of a network by its layers: ``spiking``, ``hybrid`` or ``artificial``."""
    if artificial_layers == 0:
        return "spiking"
    return "hybrid" if spiking_layers else "artificial"
