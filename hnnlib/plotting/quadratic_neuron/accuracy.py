"""Accuracy over the plane of leak and spread, over windows, and what each choice was worth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from hnnlib.analysis import cells
from hnnlib.analysis.summaries import spread
from hnnlib.plotting import forest, grid, marks, style, words
from hnnlib.plotting.quadratic_neuron.looks import NAMES, NEURONS, SHAPED, window

__all__ = ["choices", "drift", "planes", "printed", "widths"]

_COLOURS = "cividis"
_LAYERS = ("#332288", "#44AA99", "#997700", "#AA4499", "#CC6677")
_START = {"qif": {"leak": 0.25}, "lif": {"leak": 0.5}}
_POINT = {"sigma": 0.5, "window": "two_step"}
# arm, the coordinate that it changes, its value -> what is written
CHOICES = {
    ("reading", "reading", "product"): "reading: product − Euler",
    ("clamp", "clamp", "on"): "map clamped below its lowest point",
    ("u2", "u2", "1"): "critical point 1 (not 0.5)",
    ("window", "window", "sigma"): "window of one step (not two)",
    ("window", "window", "twice"): "window twice as wide",
    ("window", "window", "centred"): "window around the mean (not the threshold)",
    ("window", "window", "gaussian"): "window a Gaussian (not a rectangle)",
    ("plane", "window", "0.25"): "window fixed at 0.25",
    ("plane", "window", "0.5"): "window fixed at 0.5",
    ("plane", "window", "1"): "window fixed at 1",
    ("height", "height", "height_1"): "window of height 1 (not area 1)",
    ("tracked", "track", "tracked"): "window tracks the drive",
    ("first", "first", "plain"): "first drive not normalised",
    ("loss", "loss", "tet"): "loss of every step (TET)",
    ("steps", "steps", "2"): "2 steps (not 4)",
}


@style.context()
def planes(store: xr.Dataset) -> Figure:
    """Test accuracy over leak and spread, a panel for each neuron, data set and window; one colour
    scale a data set, as in the operational manifold.
    """
    plane = cells.select(store, arm="plane")
    data = list(dict.fromkeys(plane["dataset"].values.astype(str)))
    rules = list(dict.fromkeys(plane["window"].values.astype(str)))
    most = max(len(set(p["leak"].values.astype(str))) for _, p in cells.parts(plane, "neuron"))
    titles = [f"{NAMES[n]} on {words.name(d)}" for d in data for n in NEURONS]
    fig, blocks = grid.blocks(titles, len(rules), 0.75 + 0.28 * most, sharey=True)
    for axes, (dataset, neuron) in zip(blocks, product(data, NEURONS), strict=True):
        known = cells.select(plane, dataset=dataset)
        values = 100 * known["test_accuracy"].mean("seed")
        norm = Normalize(float(values.min()), float(values.max()))
        for ax, rule in zip(axes, rules, strict=True):
            ax.set_title(window(rule), fontsize=style.SMALL)
            _map(ax, cells.select(known, neuron=neuron, window=rule), norm)
        axes[0].set_ylabel("a" if neuron == "qif" else "decay")
    return fig


def _map(ax: Axes, plane: xr.Dataset, norm: Normalize) -> None:
    if not plane.sizes["cell"]:
        grid.remark(ax, "not run")
        return
    leaks, sigmas = (sorted(set(plane[k].values.astype(float))) for k in ("leak", "sigma"))
    values = np.full((len(leaks), len(sigmas)), np.nan)
    mean = 100 * plane["test_accuracy"].mean("seed").values
    points = (plane[k].values.astype(float) for k in ("leak", "sigma"))
    for leak, sigma, value in zip(*points, mean, strict=True):
        values[leaks.index(leak), sigmas.index(sigma)] = value
    ax.imshow(values, origin="lower", aspect="auto", cmap=_COLOURS, norm=norm)
    for (row, column), value in np.ndenumerate(values):
        colour = "black" if norm(value) > 0.55 else "white"
        text = {"ha": "center", "va": "center", "color": colour, "fontsize": style.SMALL}
        ax.text(column, row, f"{value:.1f}", **text)
    ax.grid(False)
    ax.set_xticks(range(len(sigmas)), [f"{s:g}" for s in sigmas])
    ax.set_yticks(range(len(leaks)), [f"{leak:g}" for leak in leaks])
    ax.set_xlabel("sigma")


@style.context()
def widths(store: xr.Dataset) -> Figure:
    """Accuracy over the window's half-width at the default point; computed windows stand out."""
    plane = store.isel(cell=store["arm"].isin(["plane", "window"]).values)
    plane = plane.isel(cell=~plane["window"].isin(SHAPED).values)
    plane = cells.select(plane, sigma=_POINT["sigma"])
    data = list(dict.fromkeys(plane["dataset"].values.astype(str)))
    fig, axes = grid.flow(len(data), min(2, len(data)), 2.4)
    for ax, dataset in zip(axes, data, strict=True):
        ax.set_title(words.name(dataset))
        for neuron, look in NEURONS.items():
            part = cells.select(plane, dataset=dataset, neuron=neuron, **_START[neuron])
            _curve(ax, part.isel(cell=np.argsort(part["half_width"].values)), look)
        ax.set(xlabel="half-width of the window", ylabel=words.ACCURACY)
    entries = [marks.handle(NAMES[n], **look) for n, look in NEURONS.items()]
    ring = {"marker": "o", "markerfacecolor": "none", "markersize": 11}
    grid.legend(fig, [*entries, marks.handle("computed", **ring)])
    return fig


def _curve(ax: Axes, part: xr.Dataset, look: dict[str, str]) -> None:
    x, y = part["half_width"].values, 100 * part["test_accuracy"].values
    marks.curve(ax, x, y, look)
    computed = part["window"].values.astype(str) == "two_step"
    ring = {"markersize": 11, "markerfacecolor": "none", "color": look["color"]}
    ax.plot(x[computed], y[computed].mean(1), "o", **ring)


@style.context()
def choices(store: xr.Dataset) -> Figure | None:
    """What each choice was worth: the default point with the choice minus without, paired."""
    data = list(dict.fromkeys(cells.select(store, arm="plane")["dataset"].values.astype(str)))
    found = {d: [g for g in _groups(store, d) if g.lines] for d in data}
    found = {dataset: groups for dataset, groups in found.items() if groups}
    if not found:
        return None
    heights = [0.4 + forest.height(groups) for groups in found.values()]
    fig, axes = grid.panels(len(found), 1, heights, room=0.1)
    for ax, (dataset, groups) in zip(axes[:, 0], found.items(), strict=True):
        ax.set_title(words.name(dataset))
        forest.draw(ax, groups, "with the choice − without, test accuracy (pp)")
    return fig


def _groups(store: xr.Dataset, dataset: str) -> list[forest.Group]:
    groups = []
    for (arm, key, value), title in CHOICES.items():
        lines = []
        for neuron, look in NEURONS.items():
            point = {"dataset": dataset, "neuron": neuron} | _START[neuron] | _POINT
            own = cells.one(store, **point | {"arm": arm, key: value})
            if own is not None:
                without = cells.one(store, **point | {"arm": "plane"})
                lines.append(forest.Line(NAMES[neuron], cells.difference(own, without), look))
        groups.append(forest.Group(title, lines))
    return groups


@style.context()
def drift(store: xr.Dataset) -> Figure:
    """Spread of each layer's drive along training, by tdBN's gains, mean and range over seeds."""
    point = {"arm": "plane"} | _POINT
    shown = [
        cell
        for neuron in NEURONS
        for _, part in cells.parts(cells.select(store, **point), "dataset")
        if (cell := cells.one(part, neuron=neuron, **_START[neuron])) is not None
    ]
    fig, axes = grid.flow(len(shown), 2, 1.9, sharey=True)
    for ax, cell in zip(axes, shown, strict=True):
        neuron, dataset = str(cell["neuron"].item()), str(cell["dataset"].item())
        ax.set_title(f"{NAMES[neuron]} on {words.name(dataset)}")
        known = cell["sigma_by_layer"].dropna("layer", how="all").dropna("look", how="all")
        for layer, values in enumerate(known.transpose("layer", "seed", "look").values, start=1):
            look = {"color": _LAYERS[(layer - 1) % len(_LAYERS)], "label": f"layer {layer}"}
            marks.band(ax, np.arange(values.shape[1]), spread(values), look)
        ax.axhline(_POINT["sigma"], color=style.MUTED, linewidth=0.8, linestyle=":")
        ax.set(xlabel="epochs made; last: as chosen", ylabel="sigma of the drive")
    grid.legend(fig, grid.labels(axes))
    return fig


@style.context()
def printed(
    store: xr.Dataset, numbers: Sequence[tuple[str, float]], others: Sequence[tuple[str, float]]
) -> Figure:
    """Accuracies as printed; below, on other axes, ours at the point that validation chose.

    Args:
        numbers, others: names and percentages, of the paper and of others that it quotes.
    """
    ours = cells.select(store, arm="best")
    heights = [0.5 + 0.2 * (len(numbers) + len(others)), 0.6 + 0.25 * ours.sizes["cell"]]
    fig, ((above,), (below,)) = grid.panels(2, 1, heights, room=0.3)
    above.set_title("as printed: large networks")
    for y, (_, value) in enumerate([*numbers, *others]):
        colour = NEURONS["qif"]["color"] if y < len(numbers) else style.MUTED
        above.plot(value, y, "D", color=colour)
    grid.names(above, [name for name, _ in [*numbers, *others]])
    below.set_title("here: small networks, few images")
    below.set_facecolor("#f4f4f4")
    names = []
    for y in range(ours.sizes["cell"]):
        cell = ours.isel(cell=y)
        neuron = str(cell["neuron"].item())
        marks.row(below, y, cells.accuracy(cell), NEURONS[neuron], apart=0.27)
        names.append(f"{NAMES[neuron]}, {words.name(str(cell['dataset'].item()))}")
    grid.names(below, names)
    if not names:
        grid.remark(below, "not run")
    below.set_xlabel(words.ACCURACY)
    return fig
