"""What the share of spiking units and sharpness-aware training do to accuracy and smoothness."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import cells, models, style
from hnnlib.plotting.loss_landscape.shared import datasets, mains, positive

__all__ = ["arms"]

_ENDS = {"nsn": 0.0, "hybrid": 0.5, "snn": 1.0}
_ROWS = (
    ("test_accuracy", "test accuracy (%)"),
    ("roughness_fine", "roughness, finest step (nat)"),
    ("sam_rise", "SAM rise, ρ = 0.05 (nat)"),
)


def arms(store: xr.Dataset) -> Figure | None:
    """Accuracy, roughness and sharpness by share of spiking units and by radius of sharpness-aware
    training; None where the store has neither arm.

    A column an arm and data set.
    """
    columns = []
    for title, part in datasets(store):
        ratio, sam = cells.select(part, arm="ratio"), cells.select(part, arm="sam")
        if ratio.sizes["cell"]:
            columns.append((title, "share of spiking units", {"hybrid": _by_ratio(part, ratio)}))
        if sam.sizes["cell"]:
            columns.append((title, "radius of sharpness-aware training", _by_rho(part, sam)))
    if not columns:
        return None
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 5.6))
        axes = fig.subplots(len(_ROWS), len(columns), squeeze=False, sharex="col", sharey="row")
        for line, (name, label) in zip(axes, _ROWS, strict=True):
            for ax, (_, _, curves) in zip(line, columns, strict=True):
                for model, points in curves.items():
                    _curve(ax, points, name, model)
                if name != "test_accuracy":
                    ax.set_yscale("log")
            line[0].set_ylabel(label)
        for top, bottom, (title, xlabel, _) in zip(axes[0], axes[-1], columns, strict=True):
            top.set_title(title)
            bottom.set_xlabel(xlabel)
        handles, labels = [], []
        for ax in axes[0]:
            for handle, text in zip(*ax.get_legend_handles_labels(), strict=True):
                if text not in labels:
                    handles.append(handle)
                    labels.append(text)
        fig.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return fig


Points = list[tuple[float, xr.Dataset]]


def _by_ratio(part: xr.Dataset, arm: xr.Dataset) -> Points:
    """Cells by share of spiking units; graded and spiking networks stand at the ends."""
    points = [(float(arm["ratio"].values[k]), arm.isel(cell=k)) for k in range(arm.sizes["cell"])]
    row = mains(part)
    points += [(place, row[model]) for model, place in _ENDS.items() if model in row]
    return sorted(points, key=lambda point: point[0])


def _by_rho(part: xr.Dataset, arm: xr.Dataset) -> dict[str, Points]:
    """Cells of each model by radius; the main cell stands at 0."""
    row, found = mains(part), {}
    for k in range(arm.sizes["cell"]):
        cell = arm.isel(cell=k)
        model = str(cell["model"].item())
        found.setdefault(model, [(0.0, row[model])] if model in row else [])
        found[model].append((float(cell["rho"].item()), cell))
    return {model: sorted(points, key=lambda point: point[0]) for model, points in found.items()}


def _curve(ax: Axes, points: Points, name: str, model: str) -> None:
    """Means and 95 % intervals; of positive measures in logarithms."""
    x = [place for place, _ in points]
    values = [cell[name].values for _, cell in points]
    if name == "test_accuracy":
        found, back = [mean_interval(100 * v) for v in values], np.asarray
    else:
        found, back = [mean_interval(np.log(positive(v))) for v in values], np.exp
    middle = back([m.mean for m in found])
    bars = np.nan_to_num(
        [middle - back([m.low for m in found]), back([m.high for m in found]) - middle]
    )
    ax.errorbar(
        x, middle, bars, label=models.label(model), **models.look(model) | {"markersize": 4}
    )
