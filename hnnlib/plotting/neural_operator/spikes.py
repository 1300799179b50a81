"""What an error of the potential says about spikes: traces, errors side by side, ranks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.ranks import spearman
from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.neural_operator.operators import COLOURS, title, trained

__all__ = ["errors", "rank_agreement", "scores", "table", "traces"]

_SIDES = {
    "main": {"arm": "main"},
    "no_cell": {"arm": "embedding", "embedding": "no_cell"},
    "none": {"arm": "embedding", "embedding": "none"},
}
_QUANTILES = {0.5: "median error", 0.9: "90th percentile", 1.0: "largest error"}
_UNSEEN = {"color": "#0072B2", "marker": "o"}
_HELD_OUT = {"color": "#D55E00", "marker": "D"}
_COLUMNS = {
    "skill": ("skill", 1),
    "raw_error": ("raw error", 1),
    "centred_error": ("centred error", 1),
    "test_accuracy": ("exact counts", 100),
    "missed": ("missed", 100),
    "false": ("false", 100),
    "count_error": ("count error", 1),
    "width_median": ("width, median", 1),
    "amplitude_error": ("amplitude error", 1),
    "held_out_skill": ("skill, held out", 1),
    "held_out_raw_error": ("raw error, held out", 1),
    "held_out_accuracy": ("exact counts, held out", 100),
    "held_out_missed": ("missed, held out", 100),
}


def _sides(store: xr.Dataset) -> dict[str, xr.Dataset]:
    """Operators that are shown side by side."""
    found = {name: cells.one(store, **where) for name, where in _SIDES.items()}
    return {name: cell for name, cell in found.items() if cell is not None}


@style.context()
def traces(store: xr.Dataset) -> Figure | None:
    """True and predicted potentials of the first seed at three quantiles of the raw error."""
    sides = _sides(store)
    if not sides:
        return None
    fig, axes = grid.panels(len(_QUANTILES), len(sides), 1.3, sharex=True, sharey=True)
    for column, (name, cell) in zip(axes.T, sides.items(), strict=True):
        column[0].set_title(title(cell))
        for ax, quantile in zip(column, _QUANTILES, strict=True):
            one = cell.sel(quantile=quantile)
            time = one["sample"].values
            ax.plot(time, one["example_truth"], color=style.INK, linewidth=1, label="true")
            look = {"color": COLOURS[name], "linewidth": 1.1, "label": title(cell)}
            ax.plot(time, one["example_predicted"], **look)
        column[-1].set_xlabel("time (ms)")
    for ax, words in zip(axes[:, 0], _QUANTILES.values(), strict=True):
        ax.set_ylabel(f"{words}\n(mV)")
    grid.legend(fig, grid.labels(axes[0]))
    return fig


@style.context()
def errors(store: xr.Dataset) -> Figure | None:
    """Raw error of each test trace of the first seed against spikes too many; the line is the mean
    error of a trace that never fires.
    """
    sides = _sides(store)
    if not sides:
        return None
    fig, (axes,) = grid.panels(1, len(sides), 2.3, sharex=True, sharey=True)
    for ax, (name, cell) in zip(axes, sides.items(), strict=True):
        away, raw = cell["trace_count_error"].values, cell["trace_error"].values
        spread = np.linspace(-0.3, 0.3, 7)[np.arange(len(away)) % 7]
        look = {"color": COLOURS[name], "alpha": 0.35, "markersize": 3}
        ax.plot(away + spread, raw, ".", **look)
        silent = float((cell["raw_error"] / (1 - cell["skill"])).mean())
        ax.axhline(silent, color=style.INK, linestyle="--", linewidth=1)
        ax.set_title(title(cell))
        ax.set_xlabel("spikes too many")
    axes[0].set_ylabel("raw error (%)")
    line = {"color": style.INK, "linestyle": "--"}
    grid.legend(fig, [marks.handle("never fires, mean error", **line)])
    return fig


@style.context()
def scores(store: xr.Dataset) -> Figure | None:
    """Skill (left) and exact spike counts (right) of every operator, on unseen amplitudes and on
    held-out cells. A trace that never fires has a skill of 0.
    """
    found = trained(store)
    if not found:
        return None
    fig, ((left, right),) = grid.panels(1, 2, 0.9 + 0.36 * len(found), sharey=True)
    for y, cell in enumerate(found):
        for away, prefix, look in ((-0.16, "", _UNSEEN), (0.16, "held_out_", _HELD_OUT)):
            accuracy = cells.accuracy(cell, f"{prefix or 'test_'}accuracy")
            marks.row(left, y + away, cell[f"{prefix}skill"].values, look)
            marks.row(right, y + away, accuracy, look)
    grid.names(left, [title(cell) for cell in found])
    grid.zero(left)
    left.set_xlabel("skill")
    right.set_xlim(-2, 102)
    right.set_xlabel("exact spike counts (%)")
    grid.legend(
        fig,
        [marks.handle("unseen amplitudes", **_UNSEEN), marks.handle("held-out cells", **_HELD_OUT)],
    )
    return fig


def table(store: xr.Dataset) -> pd.DataFrame:
    """Scores of every operator, mean and 95 % interval over seeds; shares in percent."""
    rows = {}
    for cell in trained(store):
        row = {}
        for name, (words, scale) in _COLUMNS.items():
            found = mean_interval(scale * cell[name].values)
            row[words] = f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]" if found.n else "–"
        rows[title(cell)] = row | {"parameters": int(cell["parameters"])}
    return pd.DataFrame.from_dict(rows, orient="index")


def rank_agreement(store: xr.Dataset) -> float:
    """Spearman's rank correlation over operators of raw error and of counts that are not exact, on
    unseen amplitudes; NaN with fewer than three, or where all are alike.
    """
    means = [
        (float(c["raw_error"].mean()), -float(c["test_accuracy"].mean())) for c in trained(store)
    ]
    known = np.array([pair for pair in means if np.isfinite(pair).all()])
    if len(known) < 3 or (known == known[0]).all(0).any():
        return np.nan
    return spearman(*known.T)
