"""Error of functions against the number of neurons."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.plotting import grid, marks, style

__all__ = ["errors"]

_MODELS = {
    "multi": ("many spikes, n neurons", style.CODINGS["duplicate"], "o"),
    "single_more": ("one spike, N_s n neurons", style.CODINGS["gaussian"], "x"),
    "single_same": ("one spike, n neurons", style.CODINGS["poisson"], "^"),
}
_FUNCTIONS = {"sine": "sin 2πx", "absolute": "|2x − 1|"}
_KERNELS = {"step": "steps", "ramp": "ramps"}


@style.context()
def errors(store: xr.Dataset) -> Figure | None:
    """A column a function, a row a kernel of the synapses; draws as dots, means with intervals."""
    found = cells.select(store, construction="approximation")
    if not found.sizes["cell"]:
        return None
    fig, axes = grid.panels(2, 2, 1.9, 0.7, sharex=True, sharey="col")
    for (row, (kernel, synapses)), (column, (function, words)) in (
        (a, b) for a in enumerate(_KERNELS.items()) for b in enumerate(_FUNCTIONS.items())
    ):
        ax = axes[row, column]
        for model, (label, colour, marker) in _MODELS.items():
            some = cells.select(found, kernel=kernel, function=function, model=model)
            x = some["hidden"].values.astype(int)
            look = {"color": colour, "marker": marker, "label": label}
            marks.curve(
                ax,
                x * {"single_same": 1.06}.get(model, 1),
                list(some["approximation_error"].values),
                look,
            )
        ax.set_title(f"{words}, {synapses}")
        ax.set_xscale("log", base=2)
        ax.set_xticks(x, [str(n) for n in x])
        ax.set_ylim(bottom=0)
    for ax in axes[:, 0]:
        ax.set_ylabel("root mean square error")
    for ax in axes[1]:
        ax.set_xlabel("hidden neurons n")
    looks = [marks.handle(text, color=c, marker=m) for text, c, m in _MODELS.values()]
    grid.legend(fig, looks)
    return fig
