"""What each choice was worth: cells that differ from the public delay line in one switch."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import forest, grid, style
from hnnlib.plotting.delays.panels import Panel, look, panels
from hnnlib.plotting.forest import Group, Line

__all__ = ["CHOICES", "choices"]

# Coordinate and value that a cell has otherwise than the delay line -> what is written.
CHOICES: dict[tuple[str, str], str] = {
    ("line", "gain"): "its taps at lag 0 (drive alone)",
    ("line", "norm"): "taps normalised",
    ("line", "legendre"): "taps as polynomials of the lag",
    ("line", "dcls"): "delays of synapses instead",
    ("trained", "no"): "taps fixed",
    ("init", "ones"): "taps start at 1",
    ("init", "decay_exp"): "taps start falling exponentially",
    ("init", "decay_lin"): "taps start falling linearly",
    ("mask_axis", "time"): "augmented, mask of steps",
    ("mask_axis", "batch"): "augmented, mask of recordings (public)",
    ("draw", "global"): "drawn from one generator (public)",
}
_READ = {
    "selection_premium": "best epoch on the test part",
    "last_epoch_premium": "last epoch (public)",
}


@style.context()
def choices(store: xr.Dataset) -> Figure:
    """The delay line with one choice minus the delay line, paired by seed, smallest size.

    The choice of the epoch is read off the same training, on the whole test part. What was not run
    is named below each panel.
    """
    found = [(panel, *_lines(panel)) for panel in panels(store)]
    heights = [0.3 + forest.height(groups, missing) for _, groups, missing in found]
    titles = [f"{p.title}, {p.units(p.sizes[0])}, {p.order} taps" for p, _, _ in found]
    fig, blocks = grid.blocks(titles, 1, heights, room=0.1)
    for (ax,), (_, groups, missing) in zip(blocks, found, strict=True):
        forest.draw(ax, groups, "with the choice − delay line (pp)")
        forest.missing(ax, missing)
    return fig


def _lines(panel: Panel) -> tuple[list[Group], list[str]]:
    size, mark = panel.sizes[0], look("delay")
    mark.pop("linestyle", None)
    main = panel.find(size, "delay")
    effects = {
        title: panel.difference(panel.find(size, **{"line": "delay", key: value}), main)
        for (key, value), title in CHOICES.items()
    }
    taken = {} if main is None else {title: 100 * main[v].values for v, title in _READ.items()}
    groups = [
        Group("what the unit sees, how it is trained", _there(effects, mark)),
        Group("which epoch is reported", _there(taken, mark)),
    ]
    return [group for group in groups if group.lines], [t for t, v in effects.items() if v is None]


def _there(effects: dict, mark: dict[str, object]) -> list[Line]:
    return [Line(title, values, mark) for title, values in effects.items() if values is not None]
