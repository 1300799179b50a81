"""Accuracy and spikes against the share of spiking channels."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.plotting import grid, style
from hnnlib.plotting.convolutional_gru.panels import Panel, look, panels
from hnnlib.plotting.marks import curve

__all__ = ["shares"]


@style.context()
def shares(store: xr.Dataset) -> Figure | None:
    """One cell whose channels speak in numbers (0), in spikes (1), or some in either; None where no
    data set has a mixed cell.
    """
    found = [panel for panel in panels(store) if "mixed" in panel.models]
    if not found:
        return None
    fig, blocks = grid.blocks([panel.title for panel in found], 2, 1.9, room=0.2)
    for (left, right), panel in zip(blocks, found, strict=True):
        points = _points(panel)
        places = [share for share, _ in points]
        colours = [look(str(cell["model"].item()))["color"] for _, cell in points]
        shown = (
            (left, [cells.accuracy(cell, panel.accuracy) for _, cell in points]),
            (right, [cell["spikes"].values for _, cell in points]),
        )
        for ax, values in shown:
            curve(ax, places, values, {"color": style.MUTED, "marker": "s"}, colours)
            ax.set_xlabel("share of spiking channels")
        left.set_ylabel(f"accuracy,\n{panel.measure} (%)")
        right.set_ylabel("spikes a sample")
        right.set_ylim(bottom=0)
    return fig


def _points(panel: Panel) -> list[tuple[float, xr.Dataset]]:
    """Cells by share of spiking channels."""
    found = [panel.find(model) for model in ("conv_gru", "mixed", "cs_gru")]
    found += [panel.find("mixed", share=share) for share in ("0.25", "0.75")]
    there = [(float(cell["share"]), cell) for cell in found if cell is not None]
    return sorted(there, key=lambda one: one[0])
