"""What choosing the epoch costs and hides: selection premium and validation gap."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.plotting import forest, grid, marks, style
from hnnlib.plotting.forest import Group, Line
from hnnlib.plotting.models import label, look
from hnnlib.plotting.shd_ablations.panels import Panel, panels

__all__ = ["selection"]

_RULES = {
    "speakers": "held-out speakers",
    "random": "random",
    "file_order": "end of the file",
}


@style.context()
def selection(store: xr.Dataset) -> Figure:
    """Left what choosing the epoch by the test part would have gained, a block for each data set.

    Right, where the test part has new speakers, by how much validation flatters: its accuracy minus
    that on unseen speakers, for each way to draw the validation part.
    """
    found = [(panel, _gaps(panel) if panel.new_speakers else []) for panel in panels(store)]
    heights = [max(0.7 + 0.24 * len(p.models), 0.2 + forest.height(gaps)) for p, gaps in found]
    fig, blocks = grid.blocks([panel.data for panel, _ in found], 2, heights, room=0.1)
    for (left, right), (panel, gaps) in zip(blocks, found, strict=True):
        _premium(left, panel)
        if not gaps:
            right.remove()
            continue
        right.set_title("by how validation is drawn")
        label = "validation −\nunseen speakers (pp)"
        forest.draw(right, [gap for gap in gaps if gap.lines], label, linear=True)
        forest.missing(right, [gap.title for gap in gaps if not gap.lines], width=34)
    return fig


def _premium(ax: Axes, panel: Panel) -> None:
    # only main cells are watched on the test part, and N2N with matched weights is an arm
    models = [model for model in panel.models if model != "n2n_matched"]
    ax.set_xlabel("best test epoch −\nchosen epoch (pp)")
    grid.zero(ax)
    for y, model in enumerate(models):
        marks.row(ax, y, panel.values(model, "selection_premium"), look(model), apart=0.27)
    grid.names(ax, [label(model) for model in models])


def _gaps(panel: Panel) -> list[Group]:
    """Validation gap in pp by rule and model; models that a rule wasn't run with are left out."""
    return [
        Group(
            title,
            [
                Line(label(model), values, look(model))
                for model in panel.core
                if (values := panel.values(model, "validation_gap", validation=rule)) is not None
            ],
        )
        for rule, title in _RULES.items()
    ]
