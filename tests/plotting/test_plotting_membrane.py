"""Figures of the cells and of what answers cost: they show what the store holds."""

import numpy as np
import pytest
import xarray as xr

from hnnlib.datasets.cable.cell import FAMILIES
from hnnlib.plotting import neural_operator as draw

MODELS, ABOVE = 6, (0.01, 0.02, 0.04)


def membrane() -> xr.Dataset:
    values = {
        "rheobase": (("model",), np.linspace(0.06, 0.09, MODELS)),
        "slope": (("model",), np.linspace(280, 260, MODELS)),
        "is_held_out": (("model",), [0.0] * (MODELS - 1) + [1.0]),
        "rate": (("model", "above"), np.full((MODELS, len(ABOVE)), 30.0)),
        "membrane": (("step_amplitude", "site", "sample"), np.full((2, 2, 5), -70.0)),
    }
    return cell("membrane", values).assign_coords(
        step_amplitude=[-0.11, 0.2], site=["soma", "dendrite"], above=list(ABOVE)
    )


def cell(arm: str, values: dict) -> xr.Dataset:
    found = {k: (("cell", *dims), np.asarray(v)[None]) for k, (dims, v) in values.items()}
    return xr.Dataset(found, {"cell": [arm], "arm": ("cell", [arm])})


def speed() -> xr.Dataset:
    methods = ["neuron", "serial", "batched", "operator", "operator_batched"]
    seconds = np.outer([np.nan, 50, 30, 80, 9], [1, 1.1, 1.2])
    values = {"seconds": (("method", "round"), seconds)}
    return cell("speed", values).assign_coords(method=methods)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_gate_but_the_instantaneous_one_has_a_time_constant(family):
    steady, tau = draw.channels(family).axes[:2]
    assert (len(steady.lines), len(tau.lines)) == (6, 5)
    assert all(0 <= line.get_ydata().min() <= line.get_ydata().max() <= 1 for line in steady.lines)


def test_the_drawn_cell_has_all_its_sections():
    tree = draw.channels().axes[2]
    assert sum(len(lines.get_segments()) for lines in tree.collections) == 14


def test_responses_and_curves_show_every_amplitude_and_cell():
    store = xr.concat([membrane(), speed()], "cell", data_vars="all")
    soma, dendrite = draw.responses(store).axes
    assert len(soma.lines) == len(dendrite.lines) == 2
    left, right = draw.curves(store).axes
    assert len(left.lines) == MODELS
    assert [len(line.get_xdata()) for line in right.lines] == [MODELS - 1, 1]


def test_seconds_leave_out_what_was_not_run():
    (ax,) = draw.seconds(speed()).axes
    ours = [line for line in ax.lines if line.get_label() == "this run"]
    assert [len(line.get_xdata()) for line in ours] == [0, 3, 3, 3, 3]
    assert {text.get_text() for text in ax.texts} == {"55", "33", "88", "9.9"}


def test_stores_without_these_cells_have_no_figures():
    assert draw.responses(speed()) is draw.curves(speed()) is draw.seconds(membrane()) is None
