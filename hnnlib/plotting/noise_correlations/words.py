"""What the figures of the study share: names, colours and order of what they show."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from hnnlib.plotting import cells, style

__all__ = [
    "CONDITIONS",
    "PROTOCOLS",
    "REGIMES",
    "STATISTICS",
    "VARIANTS",
    "networks",
    "spread",
    "stretch",
]

VARIANTS = {
    "paper": {"label": "as in the paper", "color": "#0072B2", "marker": "o"},
    "offdiag_active": {"label": "pairs that both change", "color": "#D55E00", "marker": "D"},
    "null": {"label": "trains shifted in time", "color": style.MUTED, "marker": "s"},
}
CONDITIONS = {
    "clean": {"label": "clean", "color": "#0072B2"},
    "passed": {"label": "noisy, right", "color": "#009E73"},
    "failed": {"label": "noisy, wrong", "color": "#D55E00"},
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
    "matched_noise": "noise with matched moments",
}
REGIMES = {
    "silent or at chance": "#4d4d4d",
    "degraded": "#E69F00",
    "operating": "#009E73",
    "saturated": "#CC79A7",
}
"""Colours in the order of the numbers that a store has for regimes."""

_NAMES = {"sew_resnet18": "SEW-ResNet18", "vgg11": "VGG11", "mnist": "MNIST"}
_NAMES |= {"cifar10": "CIFAR-10", "cluttered_digits": "cluttered digits"}


def networks(store: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Title and cells of every network and data set, in the store's order."""
    pairs = dict.fromkeys(zip(store["network"].values, store["dataset"].values, strict=True))
    for network, dataset in pairs:
        title = f"{_NAMES.get(network, network)} on {_NAMES.get(dataset, dataset)}"
        yield title, cells.select(store, network=network, dataset=dataset)


def spread(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, lowest and highest of the seeds that have a value; NaN without one."""
    known = values[~np.isnan(values)]
    return (known.mean(), known.min(), known.max()) if known.size else (np.nan,) * 3


def stretch(ax: Axes, which: str, values: np.ndarray) -> None:
    """Make the axis ``x`` or ``y`` logarithmic beyond 1 where numbers go beyond 20; few ticks."""
    known = values[~np.isnan(values)]
    if not known.size or np.abs(known).max() <= 20:
        return
    getattr(ax, f"set_{which}scale")("symlog", linthresh=1.0)
    steps = 10.0 ** np.arange(2, np.ceil(np.log10(np.abs(known).max())) + 1, 2)
    steps = steps[-1:] if which == "x" else steps  # labels would touch each other
    ticks = [-t for t in steps if known.min() <= -t / 10] + [0.0, *steps]
    axis = getattr(ax, f"{which}axis")
    axis.set_ticks(ticks, [f"{t:g}".replace("-", "\N{MINUS SIGN}") for t in ticks])
    axis.set_minor_locator(NullLocator())
