"""Figures of the operational manifold: what is drawn has a key, and old stores are read."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hnnlib.plotting import operational_manifold as draw
from hnnlib.plotting.operational_manifold.surfaces import surfaces


def synthetic() -> xr.Dataset:
    """One surface of 2 x 2 points and two seeds; the last point makes no spike."""
    each = ("cell", "seed", "tau", "threshold")
    grids = {
        "accuracy": [[0.9, 0.5], [0.3, 0.1]],
        "validation": [[0.9, 0.5], [0.3, 0.1]],
        "spikes": [[500.0, 900.0], [80.0, 0.0]],
        "regime": [[2.0, 1.0], [1.0, 0.0]],
    }
    variables = {f"grid_{name}": (each, np.array([[v, v]])) for name, v in grids.items()}
    variables |= {f"{axis}_value": (("cell", axis), [[1.0, 3.0]]) for axis in ("tau", "threshold")}
    variables |= {"guessing": ("cell", [0.1])}
    labels = {"network": "mlp", "dataset": "mnist", "arm": "main", "neuron": "spiking"}
    return xr.Dataset(variables, {key: ("cell", [value]) for key, value in labels.items()})


def legend(fig) -> list[str]:
    return [text.get_text() for text in fig.legends[0].get_texts()]


@pytest.mark.parametrize(("what", "more"), [("accuracy", []), ("spikes", ["no spike"])])
def test_letters_and_black_cells_have_a_key(what, more):
    fig = draw.maps(synthetic(), what)
    assert [text.get_text() for text in fig.axes[0].texts] == ["o", "d", "d", "s"]
    assert legend(fig) == ["silent", "degraded", "operating", *more]


def test_networks_that_diverged_have_a_key():
    store = synthetic()
    store["grid_regime"][:, :, 0, 1] = -1
    store["grid_accuracy"][:, :, 0, 1] = np.nan
    fig = draw.maps(store)
    assert "×" in [text.get_text() for text in fig.axes[0].texts]
    assert legend(fig)[-2:] == ["diverged", "no result"]


def test_borders_stand_between_regimes():
    fig = draw.maps(synthetic())
    upright, level = (lines.get_segments() for lines in fig.axes[0].collections)
    assert len(upright) == len(level) == 2
    assert {tuple(segment[:, 0]) for segment in upright} == {(0.5, 0.5)}


def test_a_surface_says_what_its_neurons_are():
    (surface,) = surfaces(synthetic(), "main")
    assert (surface.neuron, surface.title) == ("spiking", "MLP on MNIST")


def test_the_front_its_knee_and_the_most_efficient_point_are_drawn():
    ax = draw.pareto(synthetic()).axes[0]
    drawn = {line.get_label(): list(line.get_xdata()) for line in ax.lines}
    assert drawn["Pareto front"] == [80, 500]
    assert drawn["most efficient above the floor"] == [80]
    assert drawn["point of the grid"] == [80, 500, 900]
