"""What choosing the epoch costs and hides: selection premium and validation gap."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.plotting import marks, style
from hnnlib.plotting.models import label, look
from hnnlib.plotting.shd_ablations import groups
from hnnlib.plotting.shd_ablations.panels import Panel, panels

__all__ = ["selection"]

_RULES = {
    "speakers": "held-out\nspeakers",
    "random": "random",
    "file_order": "end of\nthe file",
}


def selection(store: xr.Dataset) -> Figure:
    """Left what choosing the epoch by the test part would have gained, a row for each data set.

    Right, where the test part has new speakers, by how much validation flatters: its accuracy minus
    that on unseen speakers, for each way to draw the validation part.
    """
    with style.context():
        rows = [(panel, _gaps(panel) if panel.new_speakers else []) for panel in panels(store)]
        heights = [max(0.9 + 0.24 * len(p.models), groups.height(gaps)) for p, gaps in rows]
        fig = Figure(figsize=(style.WIDTH, sum(heights)))
        shape = {"squeeze": False, "gridspec_kw": {"height_ratios": heights}}
        axes = fig.subplots(len(rows), 2, **shape)
        for (left, right), (panel, gaps) in zip(axes, rows, strict=True):
            left.set_title(panel.data)
            left.set_xlabel("best test epoch − chosen epoch (pp)")
            _premium(left, panel)
            if gaps:
                right.set_title("how validation is drawn")
                right.set_xlabel("validation − unseen speakers (pp)")
                groups.draw(right, gaps)
            else:
                right.remove()
        return fig


def _premium(ax: Axes, panel: Panel) -> None:
    # only main cells are watched on the test part, and N2N with matched weights is an arm
    models = [model for model in panel.models if model != "n2n_matched"]
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    for y, model in enumerate(models):
        marks.row(ax, y, panel.values(model, "selection_premium"), look(model), apart=0.27)
    ax.set_yticks(range(len(models)), [label(model) for model in models])
    ax.set_ylim(len(models) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def _gaps(panel: Panel) -> list[groups.Group]:
    """Validation gap in pp by rule and model; models that a rule wasn't run with are left out."""
    found = []
    for rule, words in _RULES.items():
        cells = {model: panel.find(model, validation=rule) for model in panel.core}
        lines: list[tuple[str, np.ndarray | None]] = [
            (model, 100 * cell["validation_gap"].values)
            for model, cell in cells.items()
            if cell is not None
        ]
        found.append(groups.Group(words, lines or [("", None)]))
    return found
