"""Figures of the spike equivalence: they say what the store says."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import spike_equivalence as draw
from hnnlib.plotting.spike_equivalence.words import ARMS

COUNTS = ("trials", "most_spikes", "neurons", "neurons_needed", "spikes_compared")
COUNTS += ("mismatches", "trials_that_differ", "images", "prediction_changes")
COUNTS += ("largest_logit_difference", "rounding_changes")


def cell(error: float = np.nan, counts: float = np.nan, **labels: str) -> xr.Dataset:
    given = {"source": "random", "kernel": "step", "depth": "1", "spike_limit": "2"} | labels
    given = dict.fromkeys(("function", "model", "hidden"), "none") | {"dataset": "none"} | given
    variables = {name: ("cell", [counts]) for name in COUNTS} | {"alpha": ("cell", [1.0])}
    variables["approximation_error"] = (("cell", "seed"), [[error, 2 * error]])
    variables["test_accuracy"] = (("cell", "seed"), [[0.97, np.nan]])
    coords = {key: ("cell", [value]) for key, value in given.items()}
    return xr.Dataset(variables, coords | {"cell": ["/".join(given.values())], "seed": [0, 1]})


def make(*more: xr.Dataset) -> xr.Dataset:
    arms = [cell(counts=7.0, construction=name) for name in ARMS]
    functions = [
        cell(0.5, construction="approximation", kernel=k, function=f, model=m, hidden="4")
        for k in ("step", "ramp")
        for f in ("sine", "absolute")
        for m in ("multi", "single_more", "single_same")
    ]
    return xr.concat([*arms, *functions, *more], "cell")


@pytest.fixture(scope="module")
def store() -> xr.Dataset:
    return make(cell(counts=3.0, construction="forward", source="trained", dataset="digits"))


def texts(fig: Figure) -> str:
    return "\n".join(text.get_text() for text in fig.findobj(mpl.text.Text))


def bars(fig: Figure) -> list[float]:
    return [patch.get_width() for patch in fig.axes[0].patches]


def test_every_construction_has_its_bar(store):
    fig = draw.mismatches(store)
    assert bars(fig) == [7.0] * len(ARMS)
    assert all(words in texts(fig) for words in ARMS.values())


def test_four_violations_of_the_second_bound_are_marked(store):
    marked = next(
        line for line in draw.neurons(store).axes[0].lines if "violated" in line.get_label()
    )
    assert marked.get_xdata().tolist() == [2, 3, 6, 7]


def test_errors_are_those_of_the_store(store):
    fig = draw.errors(store)
    assert len(fig.axes) == 4 and "sin 2πx, ramps" in texts(fig)
    heights = [y for line in fig.axes[0].lines for y in np.atleast_1d(line.get_ydata())]
    assert any(np.isclose(heights, 0.75))


def test_neurons_that_spike_once_fire_where_the_first_one_does():
    """A jump over two thresholds is drawn as two spikes beside each other."""
    fig = draw.forward([2, 7, 1], 3)
    assert "threshold 3 θ" in texts(fig) and "threshold 4 θ" not in texts(fig)
    first, *members = [c.get_segments() for c in fig.axes[1].collections if c.get_segments()]
    assert len(first) == 3 and len(members) == 3


def test_cancelled_spikes_have_signs():
    fig = draw.backward([2, 7, 1], 3)
    assert all(words in texts(fig) for words in ("1 θ, μ = +1", "2 θ, μ = -1", "weighted sum"))


def test_tables_hold_random_and_trained_networks_apart(store):
    assert len(draw.cells(store)) == len(ARMS) and (draw.cells(store)["differ"] == 7).all()
    assert draw.cells(store, depth=2).empty
    found = draw.trained(store)["trained network"]
    assert found["spikes that differ"] == "3" and found["test accuracy (%)"] == "97.00"
    assert draw.trained(make()) is None
