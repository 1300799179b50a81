"""What the figures of the study share: names, colours and order of what they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import xarray as xr
from matplotlib.lines import Line2D

from hnnlib.analysis import cells
from hnnlib.analysis.manifold import REGIMES as NUMBERS
from hnnlib.plotting import marks, style, words

__all__ = [
    "CONDITIONS",
    "MOST",
    "PROTOCOLS",
    "REGIMES",
    "STATISTICS",
    "VARIANTS",
    "conditions",
    "networks",
    "noise",
]

VARIANTS = {
    "paper": {"label": "as in the paper", "color": "#0072B2", "marker": "o"},
    "offdiag_active": {"label": "pairs that both change", "color": "#D55E00", "marker": "D"},
    "null": {"label": "trains shifted in time", "color": style.MUTED, "marker": "s"},
}
CONDITIONS = {
    "clean": {"label": "clean", "color": "#0072B2", "linestyle": "-"},
    "passed": {"label": "noisy, right", "color": "#009E73", "linestyle": ":"},
    "failed": {"label": "noisy, wrong", "color": "#D55E00", "linestyle": "--"},
}
STATISTICS = {
    "mean": "mean",
    "kurtosis": "kurtosis",
    "skewness": "skewness",
    "percentile_99": "99th percentile",
    "count": "number > 0.9",
}
PROTOCOLS = {
    "corrected": "corrected",
    "public_code": "public code",
    "first_samples": "first samples",
    "without_threes": "without label 3",
    "carried_state": "state carried on",
    "stale_records": "stale records",
    "unit_noise": "noise in [0, 1]",
    "matched_noise": "matched moments",
}
_COLOURS = {
    "silent": ("silent or at chance", "#4d4d4d"),
    "degraded": ("degraded", "#E69F00"),
    "operating": ("operating", "#009E73"),
    "saturated": ("saturated", "#CC79A7"),
}
REGIMES = dict(_COLOURS[name] for name in NUMBERS)
"""Colours by name, in the order of the numbers that a store has for regimes."""
MOST = 20.0
"""Axes of statistics are logarithmic where numbers go beyond it."""


def networks(store: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Title and cells of every network and data set, in the store's order."""
    for which, part in cells.parts(store, "network", "dataset"):
        yield words.on(*which), part


def noise(part: xr.Dataset, protocol: str, variant: str) -> xr.Dataset | None:
    """One network's records of Algorithm 1 under a protocol; None if it was not run."""
    return cells.one(part, arm="noise", protocol=protocol, variant=variant)


def conditions(names: Sequence[str]) -> list[Line2D]:
    """Entries of a legend for lines of some conditions."""
    return [marks.handle(**CONDITIONS[name]) for name in names]
