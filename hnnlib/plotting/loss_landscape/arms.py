"""What the share of spiking units and sharpness-aware training do to accuracy and smoothness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.summaries import geometric_interval, positive
from hnnlib.plotting import grid, marks, models, style, words
from hnnlib.plotting.loss_landscape.shared import datasets, mains

__all__ = ["by_radius", "by_ratio"]

_ENDS = {"nsn": 0.0, "hybrid": 0.5, "snn": 1.0}
_COLUMNS = {
    "test_accuracy": words.ACCURACY,
    "roughness": "roughness, step 1/32 (nat)",
    "sam_rise": "SAM rise, ρ = 0.05 (nat)",
}

Points = list[tuple[float, xr.Dataset]]


@style.context()
def by_ratio(store: xr.Dataset) -> Figure | None:
    """Accuracy beside roughness and sharpness, all against the share of spiking units: a block a
    data set; None where the store lacks the arm.

    The ends are the NSN and the SNN, the middle is the hybrid of the main comparison.
    """

    def draw(ax: Axes, part: xr.Dataset, arm: xr.Dataset, name: str) -> None:
        points = _by_ratio(part, arm)
        colours = [models.look(cell["model"].item())["color"] for _, cell in points]
        _curve(ax, points, name, {"color": style.MUTED}, colours)
        grid.shares(ax)

    return _figure(store, "ratio", draw)


@style.context()
def by_radius(store: xr.Dataset) -> Figure | None:
    """The same against the radius of sharpness-aware training, a line a model; 0 is the main cell,
    trained without.
    """
    shown: dict[str, None] = {}

    def draw(ax: Axes, part: xr.Dataset, arm: xr.Dataset, name: str) -> None:
        for model, points in _by_radius(part, arm).items():
            _curve(ax, points, name, models.look(model))
            shown[model] = None
        ax.set_xlabel("radius ρ of training")

    fig = _figure(store, "sam", draw)
    if fig is not None:
        grid.legend(fig, models.handles(shown, linestyle="-"))
    return fig


def _figure(
    store: xr.Dataset, arm: str, draw: Callable[[Axes, xr.Dataset, xr.Dataset, str], None]
) -> Figure | None:
    """A block for each data set that has the arm, a panel a measure."""
    parts = [(title, part, cells.select(part, arm=arm)) for title, part in datasets(store)]
    found = [row for row in parts if row[2].sizes["cell"]]
    if not found:
        return None
    fig, blocks = grid.blocks([title for title, *_ in found], 2, 2.2, len(_COLUMNS))
    for axes, (_, part, own) in zip(blocks, found, strict=True):
        for ax, (name, label) in zip(axes, _COLUMNS.items(), strict=True):
            ax.set_ylabel(label)
            draw(ax, part, own, name)
            if name != "test_accuracy":
                ax.set_yscale("log")
                grid.logarithmic(ax.yaxis, room=300)
    return fig


def _by_ratio(part: xr.Dataset, arm: xr.Dataset) -> Points:
    """Cells by share of spiking units; graded and spiking networks stand at the ends."""
    points = [(float(arm["ratio"].values[k]), arm.isel(cell=k)) for k in range(arm.sizes["cell"])]
    row = mains(part)
    points += [(place, row[model]) for model, place in _ENDS.items() if model in row]
    return sorted(points, key=lambda point: point[0])


def _by_radius(part: xr.Dataset, arm: xr.Dataset) -> dict[str, Points]:
    """Cells of each model by radius; the main cell stands at 0."""
    row, found = mains(part), {}
    for k in range(arm.sizes["cell"]):
        cell = arm.isel(cell=k)
        model = str(cell["model"].item())
        found.setdefault(model, [(0.0, row[model])] if model in row else [])
        found[model].append((float(cell["rho"].item()), cell))
    return {model: sorted(points, key=lambda point: point[0]) for model, points in found.items()}


def _curve(
    ax: Axes,
    points: Points,
    name: str,
    look: Mapping[str, object],
    colours: Sequence[str] | None = None,
) -> None:
    """Means and 95 % intervals; of positive measures in logarithms."""
    places = [place for place, _ in points]
    if name == "test_accuracy":
        marks.curve(ax, places, [cells.accuracy(cell) for _, cell in points], look, colours)
    else:
        values = [positive(cell[name].values) for _, cell in points]
        marks.curve(ax, places, values, look, colours, geometric_interval)
