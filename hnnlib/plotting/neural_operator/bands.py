"""Responses between cells, what more traces buy, and learning curves."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.summaries import spread
from hnnlib.plotting import grid, marks, style
from hnnlib.plotting.neural_operator.operators import COLOURS, title, trained

__all__ = ["bands", "learning", "scaling"]

_OPERATORS = ({"arm": "main"}, {"arm": "embedding", "embedding": "none"})


@style.context()
def bands(store: xr.Dataset) -> Figure | None:
    """F-I curves: of the cells (median and range), and of operators told features between those of
    two cells (median and the middle nine tenths, mean over seeds).
    """
    membrane = cells.one(store, arm="membrane")
    found = [cell for where in _OPERATORS if (cell := cells.one(store, **where)) is not None]
    if membrane is None or not found:
        return None
    amplitude = store["amplitude"].values
    true = membrane["true_counts"].dropna("model", how="all").values
    fig, (axes,) = grid.panels(1, len(found), 2.2, sharey=True)
    for ax, cell in zip(axes, found, strict=True):
        name = "main" if cell["arm"] == "main" else cell["embedding"].item()
        low, middle, high = cell["fi_band"].mean("seed").transpose("band", "amplitude").values
        ax.fill_between(amplitude, low, high, color=COLOURS[name], alpha=0.2, linewidth=0)
        ax.plot(amplitude, middle, color=COLOURS[name], label=f"operator, {title(cell)}")
        ax.plot(amplitude, np.median(true, 0), color=style.INK, label="cells, median")
        for edge in (true.min(0), true.max(0)):
            ax.plot(
                amplitude, edge, color=style.INK, linewidth=0.8, linestyle=":", label="cells, range"
            )
        ax.set_title(title(cell))
        ax.set_xlabel("amplitude (nA)")
    axes[0].set_ylabel("spikes in a window")
    grid.legend(fig, grid.labels(axes))
    return fig


@style.context()
def scaling(store: xr.Dataset) -> Figure | None:
    """Skill and exact spike counts against the number of training traces, at as many steps."""
    found = [c for c in trained(store) if c["arm"] in ("main", "traces", "models")]
    found = sorted((c for c in found if c["models"] == "1"), key=lambda c: int(c["train_examples"]))
    if len(found) < 2:
        return None
    x = [int(cell["train_examples"]) for cell in found]
    fig, (axes,) = grid.panels(1, 2, 2.2)
    looks = {
        "": {"color": "#0072B2", "marker": "o"},
        "held_out_": {"color": "#D55E00", "marker": "D"},
    }
    for prefix, look in looks.items():
        marks.curve(axes[0], x, [cell[f"{prefix}skill"].values for cell in found], look)
        counts = [cells.accuracy(cell, f"{prefix or 'test_'}accuracy") for cell in found]
        marks.curve(axes[1], x, counts, look)
    for ax, words in zip(axes, ("skill", "exact spike counts (%)"), strict=True):
        ax.set_xscale("log")
        grid.logarithmic(ax.xaxis)
        ax.set_xlabel("training traces")
        ax.set_ylabel(words)
    names = dict(zip(("unseen amplitudes", "held-out cells"), looks.values(), strict=True))
    grid.legend(fig, [marks.handle(words, **look) for words, look in names.items()])
    return fig


@style.context()
def learning(store: xr.Dataset) -> Figure | None:
    """Exact spike counts on validation by epoch; bands: lowest to highest seed."""
    shown = {"main": {"arm": "main"}} | {
        name: {"arm": "embedding", "embedding": name} for name in COLOURS if name != "main"
    }
    fig, ((ax,),) = grid.panels(1, 1, 2.2)
    handles = []
    for name, where in shown.items():
        cell = cells.one(store, **where)
        if cell is not None:
            curve = 100 * cell["validation_curve"].transpose("seed", "epoch")
            look = {"color": COLOURS[name]}
            marks.band(ax, cell["epoch"].values + 1, spread(curve), look)
            handles.append(marks.handle(title(cell), linestyle="-", **look))
    if not handles:
        return None
    grid.epochs(ax)
    ax.set_ylabel("exact spike counts (%)")
    grid.legend(fig, handles)
    return fig
